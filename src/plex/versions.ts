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

/** What a database wants of the server that opens it: a version, or a migration that the server has to know. */
export type Minimum = { readonly kind: 'version'; readonly numbers: readonly number[] } | { readonly kind: 'migration'; readonly stamp: string } | { readonly kind: 'unreadable' };

/** Reads a `min_version` of `schema_migrations`: `1.41.0.8992`, with or without a hash or all four numbers, or a stamp of 14 digits. */
export function parseMinimum(text: string): Minimum {
  const trimmed = text.trim();
  if (/^\d{14}$/.test(trimmed)) return { kind: 'migration', stamp: trimmed };
  if (!/^\d+(?:\.\d+)*(?:-.*)?$/.test(trimmed)) return { kind: 'unreadable' };
  return { kind: 'version', numbers: (trimmed.split('-')[0] ?? '').split('.').map(Number) };
}

/** True where a server of `version` is older than `numbers`; numbers that are left out count as 0. */
export function isBelow(version: Version, numbers: readonly number[]): boolean {
  for (let place = 0; place < Math.max(numbers.length, version.numbers.length); place += 1) {
    const difference = (version.numbers[place] ?? 0) - (numbers[place] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** What told the version of a source: its running server itself (and which package is installed beside it, where they differ), or something else. */
export interface VersionWitness {
  readonly byRunningServer: boolean;
  readonly otherPackage: string | null;
}

/** The sentence for the record that says a running server told its version; `otherPackage` is the installed one where it differs. */
export function toldByRunningServer(otherPackage: string | null): string {
  return otherPackage === null ? 'the running server' : `the running server (the package is ${otherPackage})`;
}

/** Reads what `toldByRunningServer` wrote. */
export function readWitness(versionFrom: string): VersionWitness {
  const match = /^the running server(?: \(the package is (.+)\))?$/.exec(versionFrom);
  return { byRunningServer: match !== null, otherPackage: match?.[1] ?? null };
}
