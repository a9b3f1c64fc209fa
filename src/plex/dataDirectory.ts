/** Where the databases lie below the data directory. */
export const databasesDirectory = 'Plug-in Support/Databases';

/** The file with the server's identity and settings, below the data directory. */
export const preferencesFile = 'Preferences.xml';

/** The main database. */
export const libraryDatabase = 'com.plexapp.plugins.library.db';

/** Its companion: analysis data, tied to the main database by ids. */
export const blobsDatabase = 'com.plexapp.plugins.library.blobs.db';

// Butler writes `<database>-YYYY-MM-DD`, and `…-tmp` while it works.
const datedBackup = /\.db-\d{4}-\d{2}-\d{2}(?:-tmp)?$/;
const sidecar = /-(?:wal|shm|journal)$/;

/** True for the name of a database that Plex works on, e.g. `com.plexapp.plugins.library.db` or a guide's `tv.plex.providers.epg.cloud-….db`. */
export function isDatabase(name: string): boolean {
  return name.endsWith('.db');
}

/** True for the name of a dated backup that Plex made of a database, e.g. `com.plexapp.plugins.library.db-2026-11-20`. */
export function isDatedBackup(name: string): boolean {
  return datedBackup.test(name);
}

/** True for the name of what SQLite keeps beside a database: `-wal`, `-shm`, `-journal`. */
export function isSidecar(name: string): boolean {
  return sidecar.test(name);
}

/** True for a name in the databases' directory that belongs to the catalogue: databases, what lies beside them, dated backups. */
export function isCatalogueFile(name: string): boolean {
  const owner = name.replace(sidecar, '');
  return isDatabase(owner) || isDatedBackup(owner);
}

/** True for the databases in which media paths are rewritten; the others (guides, DLNA) hold none and are only searched. */
export function holdsMediaPaths(name: string): boolean {
  return name === libraryDatabase || name === blobsDatabase;
}
