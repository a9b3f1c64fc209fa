/** Every way a command can end, and the exit code that says so. Documented in docs/commands.md; a test holds the two together. */
export const exitCodes = {
  done: 0,
  bug: 1,
  usage: 2,
  refused: 3,
  failed: 4,
  difference: 5,
  locked: 11,
  interrupted: 130,
} as const;

/** What kind of ending an error stands for; each has its own exit code. */
export type ErrorKind = Exclude<keyof typeof exitCodes, 'done' | 'bug'>;

/** What an error may carry beside its message. */
export interface ErrorDetails {
  /** What the person can do about it, in full sentences without a full stop at the end. */
  readonly remedy: string;
  /** Further facts, one a line (rows, files, output of a command). Never a secret. */
  readonly facts?: readonly string[];
  readonly cause?: unknown;
}

/** An ending that was foreseen: it is shown as message, facts and remedy, never as a stack. Anything else thrown is a bug in plexlift. */
export class PlexliftError extends Error {
  override readonly name = 'PlexliftError';
  readonly kind: ErrorKind;
  readonly remedy: string;
  readonly facts: readonly string[];

  constructor(kind: ErrorKind, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.remedy = details.remedy;
    this.facts = details.facts ?? [];
  }
}

/**
 * What was thrown, as the ending it stands for. A disk of this computer that is full, or will not be written to, is nobody's bug,
 * whoever met it.
 */
export function foreseen(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !isDiskTrouble(thrown)) return thrown;
  return new PlexliftError('failed', `Cannot write to a disk of this computer: ${thrown.message}`, {
    remedy: 'Make room on the disk that holds the run directory (and on that of temporary files), then run the same command again',
    cause: thrown,
  });
}

/** SQLite's codes for "database or disk is full" and "disk I/O error"; the latter comes with the place in its higher bits. */
const sqliteDiskTroubles: readonly number[] = [13, 10];

function isDiskTrouble(error: Error & { readonly code?: unknown; readonly errcode?: unknown }): boolean {
  if (typeof error.errcode === 'number') return sqliteDiskTroubles.includes(error.errcode & 0xff);
  return error.code === 'ENOSPC' || error.code === 'EDQUOT';
}

/** The exit code for whatever was thrown: that of its kind, or `bug`. */
export function exitCodeOf(thrown: unknown): number {
  return thrown instanceof PlexliftError ? exitCodes[thrown.kind] : exitCodes.bug;
}

/** The message of whatever was thrown, for a line of text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
