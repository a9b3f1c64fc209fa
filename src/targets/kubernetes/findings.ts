import type { Finding } from '../../runner/check.ts';

/** The claim holds. */
export function pass(detail: string): Finding {
  return { status: 'pass', detail };
}

/** The claim does not hold. */
export function fail(detail: string, remedy: string): Finding {
  return { status: 'fail', detail, remedy };
}
