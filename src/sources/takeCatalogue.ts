import { rm } from 'node:fs/promises';
import path from 'node:path';
import { PlexliftError } from '../errors.ts';
import { databasesDirectory, isDatabase, isSidecar, libraryDatabase, preferencesFile } from '../plex/dataDirectory.ts';
import { copyRaw, listCatalogue } from './catalogueCopy.ts';
import type { CataloguePlace } from './catalogueCopy.ts';
import type { Snapshot, SnapshotFile } from './source.ts';

/** How a catalogue is taken. */
export interface Taking {
  readonly place: CataloguePlace;
  readonly method: Snapshot['method'];
  /** Exists; what an earlier try left in it is removed. */
  readonly into: string;
  readonly signal?: AbortSignal | undefined;
  /** Consistent copies of these databases (file names) while a server uses them. */
  readonly copyDatabases: (names: readonly string[]) => Promise<readonly SnapshotFile[]>;
}

/** Takes a catalogue: databases page by page or as raw files with their logs, everything else as raw files. Throws unless both main files are there. */
export async function takeCatalogueOf({ place, method, into, signal, copyDatabases }: Taking): Promise<Snapshot> {
  // A write-ahead log of an earlier try beside a newer database would be replayed into it.
  await rm(path.join(into, databasesDirectory), { recursive: true, force: true });
  await rm(path.join(into, preferencesFile), { force: true });
  const takenAt = new Date().toISOString();
  const listed = await listCatalogue(place);
  const files: SnapshotFile[] = [];
  const online = method === 'online' ? listed.filter((file) => isDatabase(path.posix.basename(file.path))) : [];
  files.push(...(await copyDatabases(online.map((file) => path.posix.basename(file.path)))));
  const raw = listed.filter((file) => !online.includes(file) && !(method === 'online' && isLogOf(online, file.path)));
  for (const file of raw) files.push(await copyRaw(place, file, { into, signal }));
  const missing = [preferencesFile, `${databasesDirectory}/${libraryDatabase}`].filter((name) => !files.some((file) => file.path === name));
  if (missing.length > 0) {
    throw new PlexliftError('failed', `Cannot take the catalogue of "${place.directory}" on ${place.machine.name}: ${missing.map((name) => `"${name}"`).join(' and ')} missing`, {
      remedy: 'Check that this is the data directory of a Plex that was in use',
    });
  }
  return { method, takenAt, files: files.toSorted((left, right) => (left.path < right.path ? -1 : 1)) };
}

function isLogOf(databases: readonly { readonly path: string }[], file: string): boolean {
  return isSidecar(file) && databases.some((database) => file.startsWith(`${database.path}-`));
}
