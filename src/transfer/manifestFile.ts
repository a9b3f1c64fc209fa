import { existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, PlexliftError } from '../errors.ts';
import { manifestApplicationId, manifestSchema, manifestUpgrades, manifestVersion } from './manifestSchema.ts';

/**
 * Opens the database of a manifest; only a file that does not exist stands for an empty one, and is made complete before it gets its
 * name. Throws `failed` for a file that is no manifest, is damaged, or was written by a newer plexlift.
 */
export function openManifestFile(file: string): DatabaseSync {
  if (!existsSync(file)) makeManifestFile(file);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 10_000 });
    refuseForeign(database);
    upgrade(database);
    // Listings come in no order, so that their rows go everywhere: with the usual 2 MB of pages each would be read and written again and again.
    // An entry said to be on the target again after a power loss, although it was about to be replaced, would be a false receipt.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = FILE; PRAGMA cache_size = -12288; PRAGMA wal_autocheckpoint = 8192;');
    return database;
  } catch (error) {
    database?.close();
    throw new PlexliftError('failed', `Cannot open the manifest "${file}": ${messageOf(error)}`, {
      remedy: 'If the file is damaged, move it away and run the same command again: everything is then sent and proven anew',
      cause: error,
    });
  }
}

function makeManifestFile(file: string): void {
  const unnamed = `${file}.new`;
  for (const rest of [unnamed, `${unnamed}-journal`]) rmSync(rest, { force: true });
  const database = new DatabaseSync(unnamed);
  database.exec(`BEGIN; ${manifestSchema} PRAGMA application_id = ${manifestApplicationId}; PRAGMA user_version = ${manifestVersion}; COMMIT;`);
  database.close();
  renameSync(unnamed, file);
}

function refuseForeign(database: DatabaseSync): void {
  const applicationId = database.prepare('PRAGMA application_id').get()?.['application_id'];
  if (applicationId !== manifestApplicationId) throw new Error('it is not a manifest of plexlift');
  const version = versionOf(database);
  if (version !== manifestVersion && manifestUpgrades[version] === undefined) throw new Error(`it has version ${version}, and this plexlift reads version ${manifestVersion}`);
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** A run that an older plexlift began goes on with this one. */
function upgrade(database: DatabaseSync): void {
  for (let version = versionOf(database); version < manifestVersion; version += 1) {
    inTransaction(database, () => database.exec(`${manifestUpgrades[version] ?? ''}; PRAGMA user_version = ${version + 1};`));
  }
}

/** Carries out `work` whole or not at all. It must not wait for anything: the connection is shared. */
export function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
