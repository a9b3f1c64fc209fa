import { PlexliftError } from '../errors.ts';

/**
 * Why one database could not be copied. `damaged`: SQLite opens it and stops at its content. `unreadable`: the file itself, or its log,
 * cannot be read (permission, a disk that fails). The others say nothing about the database.
 */
export type CopyProblem = 'damaged' | 'unreadable' | 'gone' | 'busy' | 'no room' | 'failed';

/** A database that was not copied. */
export interface UncopiedDatabase {
  /** File name. */
  readonly name: string;
  readonly problem: CopyProblem;
  /** In SQLite's, or the system's, own words. */
  readonly message: string;
}

/** What was found when a copy failed: the words, whether the file is still there, and whether it and its log can be read to the end. */
export interface FailedCopy {
  readonly message: string;
  readonly there: boolean;
  readonly readable: boolean;
}

/** Tells what a failure stands for, by SQLite's own words (https://www.sqlite.org/rescode.html) and a look at the file. */
export function problemOf({ message, there, readable }: FailedCopy): CopyProblem {
  if (!there) return 'gone';
  if (!readable) return 'unreadable';
  if (/not a database|malformed/.test(message)) return 'damaged';
  if (/is full|No space left/.test(message)) return 'no room';
  if (/locked|changed while/.test(message)) return 'busy';
  return 'failed';
}

const remedies: Readonly<Record<Exclude<CopyProblem, 'damaged' | 'unreadable'>, string>> = {
  gone: 'Plex removed it meanwhile; run the same command again',
  busy: 'Another program uses it; run the same command again when the server is less busy',
  'no room': 'Make room there, then run the same command again',
  failed: 'Read the lines above, then run the same command again',
};

/** Throws `failed` where a database was not copied for a reason that lies outside it; what it does not throw at is unfit to be moved. */
export function requireUnfit({ name, problem, message }: UncopiedDatabase, where: string): void {
  if (problem === 'damaged' || problem === 'unreadable') return;
  throw new PlexliftError('failed', `Cannot copy "${name}" on ${where} while it is in use: ${message}`, { remedy: remedies[problem] });
}
