import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { messageOf, PlexliftError } from '../errors.ts';
import { isDatabase, preferencesFile } from '../plex/dataDirectory.ts';
import { readPreferences } from '../plex/preferences.ts';
import { copyInto } from './catalogueFiles.ts';
import { ordinaryTables, quoted, withDatabase } from './database.ts';
import { fileDigest } from './digests.ts';
import { readHeader } from './header.ts';
import { settleDatabase } from './settle.ts';

/** A file of a backup as it was recorded when it was made: relative path, size, SHA-256. */
export interface BackupFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What came of restoring a backup into a directory of its own. */
export interface RestoreTrial {
  readonly ok: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly databases: readonly { readonly file: string; readonly tables: number; readonly rows: number }[];
  /** Sentences: what is missing, differs or does not open. */
  readonly faults: readonly string[];
}

/** Where the backup lies, what it shall hold, and where the trial may copy it to (default: the system's directory for such files). */
export interface TrialOptions {
  readonly backup: string;
  readonly files: readonly BackupFile[];
  readonly scratchDirectory?: string;
}

/** Restores a backup into a scratch directory, hashes every file there against the record, opens every database and reads every row count. */
export async function tryRestore({ backup, files, scratchDirectory = tmpdir() }: TrialOptions): Promise<RestoreTrial> {
  const scratch = mkdtempSync(join(scratchDirectory, 'plexlift-restore-'));
  const faults: string[] = [];
  const databases: { file: string; tables: number; rows: number }[] = [];
  let bytes = 0;
  try {
    for (const file of files) {
      const restored = join(scratch, file.path);
      if (!existsSync(join(backup, file.path))) {
        faults.push(`"${file.path}" is missing`);
        continue;
      }
      mkdirSync(dirname(restored), { recursive: true });
      copyInto(join(backup, file.path), restored);
      bytes += statSync(restored).size;
      if ((await fileDigest(restored)) !== file.sha256) faults.push(`"${file.path}" is not what was backed up: its SHA-256 differs`);
    }
    // Only now: a database is opened together with the log beside it.
    for (const { path } of files) {
      if (!existsSync(join(scratch, path))) continue;
      const name = basename(path);
      try {
        if (isDatabase(name)) databases.push({ file: path, ...(await countRows(join(scratch, path))) });
        else if (path === preferencesFile) requireIdentity(join(scratch, path));
      } catch (thrown) {
        if (!(thrown instanceof PlexliftError)) throw thrown;
        faults.push(`"${path}": ${messageOf(thrown)}`);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { ok: faults.length === 0, files: files.length, bytes, databases, faults };
}

async function countRows(file: string): Promise<{ readonly tables: number; readonly rows: number }> {
  const faults = readHeader(file).faults;
  if (faults.length > 0) throw new PlexliftError('failed', faults.join('; '), { remedy: 'Make the backup again' });
  await settleDatabase(file);
  return withDatabase(file, 'read', (database) => {
    const tables = ordinaryTables(database);
    const rows = tables.map(({ name }) => Number(database.prepare(`SELECT count(*) AS rows FROM ${quoted(name)} NOT INDEXED`).get()?.['rows']));
    return { tables: tables.length, rows: rows.reduce((sum, count) => sum + count, 0) };
  });
}

function requireIdentity(file: string): void {
  if ((readPreferences(readFileSync(file)).get('MachineIdentifier') ?? '') !== '') return;
  throw new PlexliftError('failed', 'it holds no MachineIdentifier', { remedy: 'Make the backup again' });
}
