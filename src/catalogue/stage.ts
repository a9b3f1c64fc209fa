import { constants, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { messageOf, PlexliftError } from '../errors.ts';
import { isCatalogueFile, isDatabase, isDatedBackup, isSidecar, preferencesFile } from '../plex/dataDirectory.ts';
import { bytesText } from '../units.ts';
import { databasesIn } from './catalogueFiles.ts';
import { hasLog } from './database.ts';
import { sameBytes } from './proof/sameBytes.ts';
import { settleDatabase, type Settled } from './integrity/settle.ts';

/** A database of somebody else, as it can be read without leaving anything beside it. */
export interface StagedDatabase {
  /** Where it lies, as given. */
  readonly original: string;
  /** What to read: a link to it, or, where a log lay beside it, a settled copy. */
  readonly file: string;
  /** Sentences on how it was read, where that is worth knowing. */
  readonly warnings: readonly string[];
  /** Throws `refused` where the original was written to since: then nothing read from it counts. */
  requireUnchanged(): void;
}

/** The same for a catalogue, laid out as in the data directory. */
export interface StagedCatalogue {
  readonly directory: string;
  readonly databases: readonly StagedDatabase[];
  readonly datedBackups: readonly string[];
  /** Names beside the databases that belong to no catalogue; they are not staged. */
  readonly others: readonly string[];
}

/** Where to stage. `as`: the name the staged database gets. */
export interface StageOptions {
  readonly directory: string;
  readonly as?: string;
}

const attempts = 5;

/** A database, and what may lie beside it and belongs to it. */
const parts = ['', '-wal', '-journal'] as const;

/** Stages one database in `directory` (must exist). Reading a log through SQLite would leave an index of it beside the original, so then a copy is read. */
export async function stageDatabase(original: string, { directory, as = basename(original) }: StageOptions): Promise<StagedDatabase> {
  const file = join(directory, as);
  const told = existsSync(`${original}-shm`) ? [inUse(original)] : [];
  for (let attempt = 1; ; attempt += 1) {
    if (!hasLog(original)) {
      const before = stampOf(original);
      symlinkSync(original, file);
      return { original, file, warnings: told, requireUnchanged: () => requireSame(original, before) };
    }
    const suffixes = parts.filter((suffix) => existsSync(original + suffix));
    for (const suffix of suffixes) copy(original + suffix, file + suffix);
    // A copy made while somebody wrote may be of no moment at all. Where every part still is what was copied, there was a moment,
    // between the last copy and the first look, at which all of them were so. Times are too coarse to tell: they step in milliseconds.
    if (suffixes.every((suffix) => existsSync(original + suffix) && sameBytes(original + suffix, file + suffix)) && parts.filter((suffix) => existsSync(original + suffix)).length === suffixes.length) {
      const { logBytes } = await settleCopy(file, original);
      return { original, file, warnings: told.length > 0 ? told : [`"${original}" was read with the log beside it, of ${bytesText(logBytes)}`], requireUnchanged: () => undefined };
    }
    for (const suffix of parts) rmSync(file + suffix, { force: true });
    if (attempt === attempts) throw writtenTo(original);
  }
}

/** Stages a whole catalogue; `preferences`: the file that shall be its Preferences.xml. */
export async function stageCatalogue(original: string, { directory, preferences }: { readonly directory: string; readonly preferences: string }): Promise<StagedCatalogue> {
  const into = databasesIn(directory);
  mkdirSync(into, { recursive: true });
  const names = readdirSync(databasesIn(original)).toSorted();
  const databases: StagedDatabase[] = [];
  for (const name of names.filter(isDatabase)) databases.push(await stageDatabase(join(databasesIn(original), name), { directory: into }));
  const datedBackups = names.filter((name) => isCatalogueFile(name) && isDatedBackup(name.replace(/-(?:wal|shm|journal)$/, '')));
  for (const name of datedBackups) symlinkSync(join(databasesIn(original), name), join(into, name));
  symlinkSync(preferences, join(directory, preferencesFile));
  const known = (name: string): boolean => isDatabase(name) || datedBackups.includes(name) || (isSidecar(name) && isCatalogueFile(name));
  return { directory, databases, datedBackups, others: names.filter((name) => !known(name)) };
}

function inUse(original: string): string {
  return `"${original}" is in use by a program, or was when that was cut off ("-shm" lies beside it). What was read is what it held at one moment. Where a server runs on it, stop that, or take a copy first`;
}

async function settleCopy(file: string, original: string): Promise<Settled> {
  try {
    return await settleDatabase(file);
  } catch (thrown) {
    if (!(thrown instanceof PlexliftError)) throw thrown;
    // The copy is gone when this is read; what is wrong is wrong with the original.
    throw new PlexliftError('refused', thrown.message, { facts: [original], remedy: thrown.remedy, cause: thrown });
  }
}

function copy(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  } catch (cause) {
    throw new PlexliftError('refused', `Cannot make a copy of "${basename(from)}" to read its log with it: ${messageOf(cause)}`, {
      facts: [from, to],
      remedy: 'Make room for a copy of the database, or name a directory that has it in the environment: TMPDIR=DIRECTORY',
      cause,
    });
  }
}

/** What tells that a database, or a log beside it, was written to. */
function stampOf(file: string): string {
  return parts
    .map((suffix) => {
      const found = statSync(file + suffix, { bigint: true, throwIfNoEntry: false });
      // An empty log is as good as none, and comes and goes with whoever reads.
      return found === undefined || (suffix !== '' && found.size === 0n) ? 'none' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}`;
    })
    .join(' ');
}

function requireSame(original: string, before: string): void {
  if (lstatSync(original, { throwIfNoEntry: false }) !== undefined && stampOf(original) === before) return;
  throw writtenTo(original);
}

function writtenTo(original: string): PlexliftError {
  return new PlexliftError('refused', `Cannot read "${basename(original)}" in peace: it is being written to`, {
    facts: [original],
    remedy: 'Stop the server that uses it, or take a copy first and give that: sqlite3 DATABASE ".backup COPY"',
  });
}
