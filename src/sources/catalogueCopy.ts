import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PlexliftError } from '../errors.ts';
import { as, command } from '../machines/command.ts';
import type { Machine, RunAs } from '../machines/machine.ts';
import { databasesDirectory, isCatalogueFile, preferencesFile } from '../plex/dataDirectory.ts';
import type { SnapshotFile } from './source.ts';

/** Where a catalogue lies on a machine, and who may read all of it. */
export interface CataloguePlace {
  readonly machine: Machine;
  /** The data directory, absolute. */
  readonly directory: string;
  readonly as: RunAs;
}

/** A catalogue file as listed: path relative to the data directory, size in bytes. */
export type ListedFile = Omit<SnapshotFile, 'sha256'>;

/** Milliseconds for hashing a catalogue: 10 GB from a slow disk. */
const hashTimeoutMs = 30 * 60_000;

/** How often a file that changes while it is copied (Preferences.xml, a backup being made) is tried. */
const copyAttempts = 4;

/**
 * Lists the catalogue files of a data directory as they are now: databases with what lies beside them, dated backups, Preferences.xml.
 * Not listed: `-shm` (SQLite makes it again) and `-tmp` (a backup being written). Throws when a place cannot be read.
 */
export async function listCatalogue(place: CataloguePlace): Promise<readonly ListedFile[]> {
  const databases = `${place.directory}/${databasesDirectory}/`;
  const find = (start: string, ...tests: readonly string[]) => place.machine.run(as(place.as, command('find', '-L', start, '-maxdepth', '1', ...tests, '-type', 'f', '-printf', String.raw`%s\0%f\0`)));
  const [inDatabases, preferences] = await Promise.all([find(databases), find(`${place.directory}/`, '-name', preferencesFile)]);
  const files = [
    ...pairs(inDatabases.stdout)
      .filter(([, name]) => isCatalogueFile(name) && !name.endsWith('-shm') && !/-tmp(?:-\w+)?$/.test(name))
      .map(([size, name]) => ({ path: `${databasesDirectory}/${name}`, sizeBytes: Number(size) })),
    ...pairs(preferences.stdout).map(([size, name]) => ({ path: name, sizeBytes: Number(size) })),
  ];
  const unreadable = files.find(({ path: name }) => name.includes('\uFFFD'));
  if (unreadable !== undefined) {
    throw new PlexliftError('failed', `Cannot take the catalogue: the name of "${unreadable.path}" is no UTF-8`, { remedy: 'Plex gives its databases plain names; find out what made this file, and move it elsewhere' });
  }
  return files.toSorted((left, right) => (left.path < right.path ? -1 : 1));
}

function pairs(listing: string): (readonly [string, string])[] {
  const fields = listing.split('\0');
  return Array.from({ length: Math.floor(fields.length / 2) }, (_, position) => [fields[position * 2] ?? '', fields[position * 2 + 1] ?? ''] as const);
}

/** SHA-256 of files of a data directory, computed on the machine. Throws when one is missing. */
export async function fingerprint(place: CataloguePlace, files: readonly ListedFile[]): Promise<readonly SnapshotFile[]> {
  if (files.length === 0) return [];
  const absolute = files.map((file) => `${place.directory}/${file.path}`);
  const { stdout } = await place.machine.run(as(place.as, command('sha256sum', '--zero', '--binary', '--', ...absolute)), { timeoutMs: hashTimeoutMs });
  const hashes = stdout.split('\0').slice(0, -1);
  return files.map((file, position) => {
    const line = hashes[position] ?? '';
    const match = /^([0-9a-f]{64}) \*/.exec(line);
    if (match?.[1] === undefined || line.slice(match[0].length) !== absolute[position]) throw new Error(`Cannot read what sha256sum printed: "${line}"`);
    return { ...file, sha256: match[1] };
  });
}

/** Copies one file as it is, hashed there and here; a file that changes meanwhile is tried again, and then refused. */
export async function copyRaw(place: CataloguePlace, file: ListedFile, options: { readonly into: string; readonly signal?: AbortSignal | undefined }): Promise<SnapshotFile> {
  for (let attempt = 0; attempt < copyAttempts; attempt += 1) {
    const here = await fetchFile(place, file, options);
    const [there] = await fingerprint(place, [file]);
    if (there?.sha256 === here.sha256) return here;
  }
  throw new PlexliftError('failed', `Cannot copy "${file.path}" from ${place.machine.name}: its copy here differs from it after ${copyAttempts} tries`, {
    remedy: 'The file is being written to; run the same command again when the server is less busy',
  });
}

async function fetchFile(place: CataloguePlace, file: ListedFile, options: { readonly into: string; readonly signal?: AbortSignal | undefined }): Promise<SnapshotFile> {
  const { exitCode, stderrLines, ...received } = await readOnce(place, file, options);
  if (exitCode === 0) return received;
  throw new PlexliftError('failed', `Cannot copy "${file.path}" from ${place.machine.name}: reading it ended with exit code ${exitCode ?? 'unknown'}`, {
    remedy: 'Read the lines above, then run the same command again',
    facts: stderrLines,
  });
}

/** One reading of a file as it is now, to wherever it came; an exit code of 1 is `cat` itself saying that it cannot read on. */
export async function readOnce(place: CataloguePlace, file: ListedFile, { into, signal }: { readonly into: string; readonly signal?: AbortSignal | undefined }): Promise<SnapshotFile & { readonly exitCode: number | null; readonly stderrLines: readonly string[] }> {
  const reading = as(place.as, { ...command('cat', '--', `${place.directory}/${file.path}`), environment: { LC_ALL: 'C' } });
  const process = place.machine.open(reading, signal === undefined ? {} : { signal });
  process.stdin.end();
  const received = await receive(process.stdout, path.join(into, file.path));
  const { exitCode, stderrTail } = await process.ended;
  signal?.throwIfAborted();
  return { path: file.path, ...received, exitCode, stderrLines: stderrTail.trim().split('\n').filter((line) => line !== '') };
}

/** Writes bytes into a file of this machine (mode 0600, its directory made) and says what came. */
export async function receive(bytes: AsyncIterable<Buffer> | NodeJS.ReadableStream, file: string): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(bytes, counted, createWriteStream(file, { mode: 0o600, flush: true }));
  return { sizeBytes, sha256: hash.digest('hex') };
}
