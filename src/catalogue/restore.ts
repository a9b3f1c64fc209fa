import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, PlexliftError } from '../errors.ts';
import { fileDigest } from '../fileDigest.ts';
import { holdsMediaPaths, isDatabase, preferencesFile } from '../plex/dataDirectory.ts';
import { readPreferences } from '../plex/preferences.ts';
import { copyInto } from './catalogueFiles.ts';
import { ordinaryTables, quoted, withDatabase } from './database.ts';
import { readHeader } from './integrity/header.ts';
import { settleDatabase } from './integrity/settle.ts';

/** A file of a catalogue as it was recorded when it was made: its path below the data directory, and its SHA-256 in hex. */
export interface RecordedFile {
  readonly path: string;
  readonly sha256: string;
}

/** Where a catalogue lies, what it shall hold, and the directory (made where it is not there) that gets it. */
export interface RestoreOptions {
  readonly from: string;
  readonly files: readonly RecordedFile[];
  readonly into: string;
}

/** What came of copying a catalogue out of a run directory. */
export interface Restored {
  /** True where every file is what the record says, and every database opens and was read. */
  readonly ok: boolean;
  readonly files: number;
  readonly bytes: number;
  /** `logBytes`: the size of the write-ahead log that was taken into the database; 0 where there was none. */
  readonly databases: readonly { readonly file: string; readonly tables: number; readonly rows: number; readonly logBytes: number }[];
  /** Sentences: what is missing, differs or does not open. */
  readonly faults: readonly string[];
}

// As Plex gives them: the databases may be read by others, the file with the token may not.
const modes = { directory: 0o755, database: 0o644, preferences: 0o600 } as const;

/** Copies every recorded file into `into`, hashes the copies, opens every database there and reads every row count. What is wrong is told, not thrown. */
export async function restoreCatalogue({ from, files, into }: RestoreOptions): Promise<Restored> {
  const faults: string[] = [];
  let bytes = 0;
  // Closed while it is filled: a copy has its final mode only a moment after it is made.
  mkdirSync(into, { recursive: true });
  chmodSync(into, 0o700);
  for (const file of files) {
    const restored = join(into, file.path);
    if (!existsSync(join(from, file.path))) {
      faults.push(`"${file.path}" is missing`);
      continue;
    }
    makeDirectories(into, dirname(file.path));
    copyInto(join(from, file.path), restored);
    chmodSync(restored, file.path === preferencesFile ? modes.preferences : modes.database);
    bytes += statSync(restored).size;
    if ((await fileDigest(restored)) !== file.sha256) faults.push(`"${file.path}" is not what was recorded: its SHA-256 differs`);
  }
  // Only now: a database is opened together with the log beside it.
  const databases: Restored['databases'][number][] = [];
  for (const { path } of files.filter((file) => existsSync(join(into, file.path)))) {
    try {
      if (isDatabase(basename(path))) databases.push({ file: path, ...(await countRows(join(into, path))) });
      else if (path === preferencesFile) requireIdentity(join(into, path));
    } catch (thrown) {
      if (!(thrown instanceof PlexliftError)) throw thrown;
      faults.push(`"${path}": ${messageOf(thrown)}`);
    }
  }
  chmodSync(into, modes.directory);
  return { ok: faults.length === 0, files: files.length, bytes, databases, faults };
}

function makeDirectories(into: string, below: string): void {
  let place = into;
  for (const segment of below.split('/').filter((part) => part !== '.')) {
    place = join(place, segment);
    mkdirSync(place, { recursive: true });
    // Whatever the umask is.
    chmodSync(place, modes.directory);
  }
}

async function countRows(file: string): Promise<Omit<Restored['databases'][number], 'file'>> {
  // To SQLite an empty file is a database without tables; of the two that hold the library it is a loss.
  if (statSync(file).size === 0 && !holdsMediaPaths(basename(file))) return { tables: 0, rows: 0, logBytes: 0 };
  const faults = readHeader(file).faults;
  if (faults.length > 0) throw new PlexliftError('failed', faults.join('; '), { remedy: 'Make the backup again' });
  const { logBytes } = await settleDatabase(file);
  return withDatabase(file, 'read', (database) => {
    const tables = ordinaryTables(database);
    const rows = tables.map(({ name }) => Number(database.prepare(`SELECT count(*) AS rows FROM ${quoted(name)} NOT INDEXED`).get()?.['rows']));
    return { tables: tables.length, rows: rows.reduce((sum, count) => sum + count, 0), logBytes };
  });
}

function requireIdentity(file: string): void {
  if ((readPreferences(readFileSync(file)).get('MachineIdentifier') ?? '') !== '') return;
  throw new PlexliftError('failed', 'it holds no MachineIdentifier', { remedy: 'Make the backup again' });
}
