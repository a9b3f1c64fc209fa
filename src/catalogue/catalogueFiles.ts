import { constants, copyFileSync, existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { messageOf, PlexliftError } from '../errors.ts';
import { databasesDirectory, isDatabase, isDatedBackup } from '../plex/dataDirectory.ts';

/** Below `directory` (a catalogue laid out as in the data directory): the path of the databases' directory. */
export function databasesIn(directory: string): string {
  return join(directory, databasesDirectory);
}

/** Names of the databases that Plex works on, sorted; dated backups are not among them. */
export function databaseNames(directory: string): readonly string[] {
  return namesIn(directory).filter(isDatabase);
}

/** Names of dated backups of databases, sorted. */
export function datedBackupNames(directory: string): readonly string[] {
  return namesIn(directory).filter(isDatedBackup);
}

/** Copies a file, sharing its blocks where the file system can; throws `failed` where that does not work (no room, no permission). */
export function copyInto(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  } catch (cause) {
    throw new PlexliftError('failed', `Cannot copy "${basename(from)}": ${messageOf(cause)}`, {
      remedy: 'Make room on this computer, or give the run directory a place with more of it, and run the same command again',
      cause,
    });
  }
}

function namesIn(directory: string): readonly string[] {
  const databases = databasesIn(directory);
  return existsSync(databases) ? readdirSync(databases).toSorted() : [];
}
