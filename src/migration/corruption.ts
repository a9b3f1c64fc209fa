import { basename } from 'node:path';
import type { CatalogueIntegrity } from '../catalogue/integrity.ts';
import { PlexliftError } from '../errors.ts';

/** Damage, told with file, table and message; `what` was examined, and `isStopped` says whether the source serves meanwhile. */
export function corruptionError(integrity: CatalogueIntegrity, { what, isStopped }: { readonly what: string; readonly isStopped: boolean }): PlexliftError {
  const damaged = integrity.databases.filter(({ ok }) => !ok);
  const source = isStopped ? 'Plex on the source is stopped, and nothing was repaired. "plexlift rollback" puts it back as it was; then repair' : 'Plex on the source was not stopped, and nothing was repaired. Repair';
  return new PlexliftError('refused', `Cannot go on: ${damaged.length > 0 ? `${what} shows damage` : `a database is missing in ${what}`}`, {
    facts: [
      ...integrity.missing.map((name) => `${name}: the file is missing`),
      ...damaged.flatMap(({ file, messages }) => messages.slice(0, 20).map(({ table, message }) => `${basename(file)}${table === null ? '' : `, table ${table}`}: ${message}`)),
    ],
    remedy: `${source} the database there (Plex's own article "Repair a Corrupted Database", or one of the dated backups beside it), and migrate again`,
  });
}
