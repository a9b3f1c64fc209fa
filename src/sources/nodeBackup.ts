import { existsSync, lstatSync, openSync, readSync, closeSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../errors.ts';
import { fileDigest } from '../fileDigest.ts';
import { databasesDirectory } from '../plex/dataDirectory.ts';
import { problemOf, requireUnfit } from './copyProblem.ts';
import type { UncopiedDatabase } from './copyProblem.ts';
import type { CopiedDatabases } from './onlineCopy.ts';
import type { SnapshotFile } from './source.ts';

/** More pages than a database can have in one go of the backup: one step, since one in several starts anew whenever somebody writes. */
const allPages = 2 ** 31 - 1;

/** How often a database that somebody begins to use meanwhile is tried. */
const attempts = 5;

/** Milliseconds to wait for a database that is locked, and between two tries. */
const lockedMs = 60_000;
const lockedPauseMs = 250;

// https://www.sqlite.org/rescode.html
const sqliteBusy = 5;
const sqliteReadonly = 8;

/** Which databases of this computer to copy: names below the data directory `directory`, into a catalogue at `into`. */
export interface CopyHere {
  readonly directory: string;
  readonly names: readonly string[];
  readonly into: string;
  readonly signal?: AbortSignal | undefined;
}

/** Consistent copies of databases of this computer that may be in use, one after another, each of a moment of its own. Makes no file beside them. */
export async function copyDatabasesHere({ directory, names, into, signal }: CopyHere): Promise<CopiedDatabases> {
  const files: SnapshotFile[] = [];
  const unfit: UncopiedDatabase[] = [];
  await mkdir(path.join(into, databasesDirectory), { recursive: true, mode: 0o700 });
  for (const name of names) {
    signal?.throwIfAborted();
    const database = path.join(directory, databasesDirectory, name);
    const copy = path.join(into, databasesDirectory, name);
    try {
      await backUpDatabase(database, { copy, signal });
    } catch (error) {
      signal?.throwIfAborted();
      const message = messageOf(error);
      const uncopied = { name, message, problem: problemOf({ message, there: lstatSync(database, { throwIfNoEntry: false }) !== undefined, readable: await canBeRead(database) }) };
      requireUnfit(uncopied, 'this computer');
      unfit.push(uncopied);
      continue;
    }
    files.push({ path: `${databasesDirectory}/${name}`, sizeBytes: (await stat(copy)).size, sha256: await fileDigest(copy) });
  }
  return { files, unfit };
}

async function backUpDatabase(database: string, { copy, signal }: { readonly copy: string; readonly signal: AbortSignal | undefined }): Promise<void> {
  const scratch = await mkdtemp(path.join(path.dirname(copy), '.copying-'));
  try {
    const target = path.join(scratch, 'copy');
    // SQLite would make a sound database without tables of an empty file, and hide that a library is lost.
    if (fileState(database) === null) await writeFile(target, await readFile(database));
    else await fill(database, { target, scratch, signal });
    await rename(target, copy);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Filling {
  readonly target: string;
  readonly scratch: string;
  readonly signal: AbortSignal | undefined;
}

async function fill(database: string, { target, scratch, signal }: Filling): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    // A reader would create -wal and -shm beside a database that keeps a log and is not open; where they exist it only uses them.
    if (existsSync(`${database}-shm`) || !keepsLog(database)) {
      try {
        return await backUp(database, { target, query: 'mode=ro', signal });
      } catch (error) {
        // The rollback journal of a writer that was killed: SQLite would have to write to the database to read it.
        if (sqliteCode(error) !== sqliteReadonly) throw error;
      }
    }
    const before = stateOf(database);
    const sidecars = ['-wal', '-journal'].filter((suffix) => fileState(database + suffix) !== null);
    if (sidecars.length === 0) {
      await backUp(database, { target, query: 'immutable=1', signal });
    } else {
      const raw = path.join(scratch, 'raw');
      for (const suffix of ['', ...sidecars]) await copyFile(database + suffix, raw + suffix);
      await backUp(raw, { target, query: 'mode=rw', signal });
    }
    if (stateOf(database) === before && !existsSync(`${database}-shm`)) return;
    await rm(target, { force: true });
  }
  throw new Error(`it changed while it was copied, ${attempts} times`);
}

async function backUp(database: string, { target, query, signal }: { readonly target: string; readonly query: string; readonly signal: AbortSignal | undefined }): Promise<void> {
  const url = pathToFileURL(database);
  url.search = query;
  const source = new DatabaseSync(url, { readOnly: query !== 'mode=rw' });
  try {
    await beginReading(source, signal);
    await backup(source, target, { rate: allPages });
  } finally {
    source.close();
  }
}

// Node's backup cannot wait for a lock; a reader that has begun needs none. Asked again and again, for SQLite's own waiting would hold up this whole process.
async function beginReading(source: DatabaseSync, signal: AbortSignal | undefined): Promise<void> {
  for (const deadline = performance.now() + lockedMs; ; ) {
    try {
      source.exec('BEGIN; SELECT count(*) FROM sqlite_master');
      return;
    } catch (error) {
      if (source.isTransaction) source.exec('ROLLBACK');
      if (sqliteCode(error) !== sqliteBusy || performance.now() > deadline) throw error;
    }
    await wait(lockedPauseMs, undefined, { signal });
  }
}

function sqliteCode(error: unknown): number | null {
  // The lower byte is the code itself, the rest tells more of it.
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

/** What tells that a database is another than before, with what lies beside it. */
function stateOf(database: string): string {
  return ['', '-wal', '-journal'].map((suffix) => fileState(database + suffix) ?? 'none').join(', ');
}

/** Size, time and inode of a file; null where it is missing or empty. */
function fileState(file: string): string | null {
  const facts = statSync(file, { bigint: true, throwIfNoEntry: false });
  return facts === undefined || facts.size === 0n ? null : `${facts.size} ${facts.mtimeNs} ${facts.ino}`;
}

async function canBeRead(database: string): Promise<boolean> {
  try {
    for (const file of [database, `${database}-wal`]) if (file === database || existsSync(file)) await fileDigest(file);
    return true;
  } catch {
    return false;
  }
}

/** True for a database that keeps a write-ahead log: byte 18 of its header is 2 then (sqlite.org/fileformat2.html). */
export function keepsLog(database: string): boolean {
  const header = Buffer.alloc(20);
  const file = openSync(database, 'r');
  try {
    return readSync(file, header) === header.length && header[18] === 2;
  } finally {
    closeSync(file);
  }
}
