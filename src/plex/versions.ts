/** A server version: four numbers, compared as numbers, and the build's hash, which only tells whether two are the same. */
export interface Version {
  readonly text: string;
  readonly numbers: readonly [number, number, number, number];
  /** Nine hexadecimal digits, or null where they were left out. */
  readonly hash: string | null;
}

/** Reads `1.43.0.10492-121068a07`; null for anything else (tags such as `latest` or `beta` name no version). */
export function parseVersion(text: string): Version | null {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:-([0-9a-f]{7,40}))?$/.exec(text.trim());
  if (match === null) return null;
  const [first = 0, second = 0, third = 0, fourth = 0] = match.slice(1, 5).map(Number);
  return { text: text.trim(), numbers: [first, second, third, fourth], hash: match[5] ?? null };
}

/** Negative, zero or positive as `left` is older than, as old as, or newer than `right`; hashes do not count. */
export function compareVersions(left: Version, right: Version): number {
  for (const [place, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** True where both name the same build; a version without a hash equals every build of its numbers. */
export function sameVersion(left: Version, right: Version): boolean {
  return compareVersions(left, right) === 0 && (left.hash === null || right.hash === null || left.hash === right.hash);
}
