import { rm } from 'node:fs/promises';
import path from 'node:path';
import { PlexliftError } from '../errors.ts';
import { databasesDirectory, isDatabase, isSidecar, libraryDatabase, preferencesFile } from '../plex/dataDirectory.ts';
import { copyRaw, listCatalogue, readOnce } from './catalogueCopy.ts';
import type { CataloguePlace, ListedFile } from './catalogueCopy.ts';
import { cutOffDatabases } from './cutOff.ts';
import type { CopiedDatabases } from './onlineCopy.ts';
import type { DamagedDatabase, Snapshot, SnapshotFile } from './source.ts';

/** How a catalogue is taken. */
export interface Taking {
  readonly place: CataloguePlace;
  readonly method: Snapshot['method'];
  /** Exists; what an earlier try left in it is removed. */
  readonly into: string;
  readonly signal?: AbortSignal | undefined;
  /** Consistent copies of these databases (file names) while a server uses them. */
  readonly copyDatabases: (names: readonly string[]) => Promise<CopiedDatabases>;
}

/**
 * Takes a catalogue: databases page by page or as raw files with their logs, everything else as raw files. A database that SQLite cannot
 * read page by page is taken raw, to be examined, and named. Throws unless the library and its settings are there.
 */
export async function takeCatalogueOf({ place, method, into, signal, copyDatabases }: Taking): Promise<Snapshot> {
  // A write-ahead log of an earlier try beside a newer database would be replayed into it.
  await rm(path.join(into, databasesDirectory), { recursive: true, force: true });
  await rm(path.join(into, preferencesFile), { force: true });
  const takenAt = new Date().toISOString();
  const listed = await listCatalogue(place);
  requireWhole(place, listed);
  const online = method === 'online' ? listed.filter((file) => isDatabase(path.posix.basename(file.path))) : [];
  const { files: copies, unfit } = await copyDatabases(online.map((file) => path.posix.basename(file.path)));
  const cutOff = await cutOffDatabases(place, copies, { into, signal });
  const damaged = [...unfit.map(({ name, message }) => ({ path: `${databasesDirectory}/${name}`, message })), ...cutOff];
  const whole = online.filter((file) => !damaged.some((database) => database.path === file.path));
  const files: SnapshotFile[] = copies.filter((copy) => whole.some((file) => file.path === copy.path));
  for (const file of listed) {
    if (whole.some((database) => database === file || isLogOf(database, file.path))) continue;
    if (damaged.some((database) => database.path === file.path || isLogOf(database, file.path))) files.push(...(await readDamaged(place, file, { into, signal, damaged })));
    else files.push(await copyRaw(place, file, { into, signal }));
  }
  return { method, takenAt, files: files.toSorted((left, right) => (left.path < right.path ? -1 : 1)), damaged };
}

function requireWhole(place: CataloguePlace, listed: readonly ListedFile[]): void {
  const missing = [preferencesFile, `${databasesDirectory}/${libraryDatabase}`].filter((name) => !listed.some((file) => file.path === name));
  if (missing.length === 0) return;
  throw new PlexliftError('refused', `Cannot take the catalogue of "${place.directory}" on ${place.machine.name}: ${missing.map((name) => `"${name}"`).join(' and ')} missing, or no file`, {
    remedy: 'Check that this is the data directory of a Plex that was in use',
  });
}

/** Fetches what SQLite could not read as it is now: a file that a server writes to meanwhile may be torn, but it was damaged before. */
async function readDamaged(place: CataloguePlace, file: ListedFile, { damaged, ...options }: { readonly into: string; readonly signal?: AbortSignal | undefined; readonly damaged: readonly DamagedDatabase[] }): Promise<readonly SnapshotFile[]> {
  const { exitCode, stderrLines, ...received } = await readOnce(place, file, options);
  if (exitCode === 0) return [received];
  await rm(path.join(options.into, file.path), { force: true });
  // A log may be gone by now: the server moved it into the database.
  if (isSidecar(file.path) && stderrLines.some((line) => line.includes('No such file'))) return [];
  const facts = [...damaged.map((database) => `${database.path}: ${database.message}`), ...stderrLines];
  if (exitCode !== 1) throw new PlexliftError('failed', `Cannot copy "${file.path}" from ${place.machine.name}: reading it ended with exit code ${exitCode ?? 'unknown'}`, { remedy: 'Read the lines above, then run the same command again', facts });
  throw new PlexliftError('refused', `Cannot read "${file.path}" on ${place.machine.name}`, {
    facts,
    remedy: 'Plex on the source was not stopped by this, and nothing was repaired. Make the file readable there, or put one of the dated backups beside it in its place, and run the same command again',
  });
}

function isLogOf(database: { readonly path: string }, file: string): boolean {
  return isSidecar(file) && file.startsWith(`${database.path}-`);
}
