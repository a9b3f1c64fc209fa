import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { PlexliftError } from '../../errors.ts';
import { isDatabase, isDatedBackup, libraryDatabase, preferencesFile } from '../../plex/dataDirectory.ts';
import { copyInto, databaseNames, databasesIn } from '../catalogueFiles.ts';
import { hasLog } from '../database.ts';

/** Makes `into` anew as a copy of the settled catalogue `from`; throws `refused` where a part is missing or a log lies beside a database. */
export function makeFreshCopy(from: string, into: string): void {
  if (resolve(from) === resolve(into)) throw new Error('Cannot rewrite a catalogue into itself');
  const needed = [join(databasesIn(from), libraryDatabase), join(from, preferencesFile)];
  for (const file of needed) {
    if (existsSync(file)) continue;
    throw new PlexliftError('refused', `Cannot rewrite the catalogue: "${basename(file)}" is missing`, { facts: [file], remedy: 'Take the catalogue again' });
  }
  for (const name of databaseNames(from)) requireSettled(join(databasesIn(from), name));
  rmSync(databasesIn(into), { recursive: true, force: true });
  mkdirSync(databasesIn(into), { recursive: true, mode: 0o700 });
  // Delivered with its mode, which is the one Plex gives it; the run directory around it is closed to others.
  chmodSync(databasesIn(into), 0o755);
  // Not what lies beside a settled database (an empty "-shm" a reader left), but all that belongs to a dated backup.
  const wanted = (name: string): boolean => isDatabase(name) || isDatedBackup(name.replace(/-(?:wal|shm|journal)$/, ''));
  for (const name of readdirSync(databasesIn(from)).filter(wanted)) copyInto(join(databasesIn(from), name), join(databasesIn(into), name));
  copyInto(join(from, preferencesFile), join(into, preferencesFile));
}

/** Throws `refused` where a write-ahead log or a rollback journal lies beside the database. */
export function requireSettled(file: string): void {
  if (!hasLog(file) && !existsSync(`${file}-wal`)) return;
  throw new PlexliftError('refused', `Cannot rewrite "${basename(file)}": a write-ahead log lies beside it`, {
    facts: [file],
    remedy: 'Take the catalogue again; its log has to be taken into the database first',
  });
}
