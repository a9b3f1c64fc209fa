import { existsSync, statSync, openSync, readSync, closeSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { PlexliftError } from '../errors.ts';

/** More pages than a database can have in one go of the backup: one step, since one in several starts anew whenever somebody writes. */
const allPages = 2 ** 31 - 1;

/** How often a database that somebody begins to use meanwhile is tried. */
const attempts = 5;

/** A consistent copy of a database of this computer that may be in use. Makes no file beside it. */
export async function backUpDatabase(database: string, copy: string): Promise<void> {
  const scratch = await mkdtemp(path.join(path.dirname(copy), '.copying-'));
  try {
    const target = path.join(scratch, 'copy');
    await fill(database, { target, scratch });
    await rename(target, copy);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function fill(database: string, { target, scratch }: { readonly target: string; readonly scratch: string }): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    // A reader would create -wal and -shm beside a database that keeps a log and is not open; where they exist it only uses them.
    if (existsSync(`${database}-shm`) || !keepsLog(database)) return backUp(database, { target, query: 'mode=ro' });
    const before = stateOf(database);
    if (stateOf(`${database}-wal`) === null) {
      await backUp(database, { target, query: 'immutable=1' });
    } else {
      const raw = path.join(scratch, 'raw');
      await copyFile(database, raw);
      await copyFile(`${database}-wal`, `${raw}-wal`);
      await backUp(raw, { target, query: 'mode=rw' });
    }
    if (stateOf(database) === before && !existsSync(`${database}-shm`)) return;
    await rm(target, { force: true });
  }
  throw new PlexliftError('failed', `Cannot copy "${database}": it changed ${attempts} times while it was copied`, { remedy: 'Run the same command again when the server is less busy' });
}

async function backUp(database: string, { target, query }: { readonly target: string; readonly query: string }): Promise<void> {
  const url = pathToFileURL(database);
  url.search = query;
  const source = new DatabaseSync(url, { readOnly: query !== 'mode=rw' });
  try {
    await mkdir(path.dirname(target), { recursive: true });
    await backup(source, target, { rate: allPages });
  } finally {
    source.close();
  }
}

/** What tells that a file is another than before: size, time and inode; null where it is missing or empty. */
function stateOf(file: string): string | null {
  const facts = statSync(file, { bigint: true, throwIfNoEntry: false });
  return facts === undefined || facts.size === 0n ? null : `${facts.size} ${facts.mtimeNs} ${facts.ino}`;
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
