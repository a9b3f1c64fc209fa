/** True in the full run (`npm run test:long`), which tries many more cases with seeds of its own. */
export const isLong = process.env['PLEXLIFT_LONG'] === '1';

/** How many cases a test tries: `few` in every run, `many` in the full one. */
export function cases(few: number, many: number): number {
  return isLong ? many : few;
}

/** Where a test's own randomness begins: the same in every run, another in each full one. To be named when a case fails. */
export function seed(fixed: number): number {
  return isLong ? Date.now() % 2 ** 31 : fixed;
}
