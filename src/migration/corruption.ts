import { basename } from 'node:path';
import type { CatalogueIntegrity } from '../catalogue/integrity.ts';
import { PlexliftError } from '../errors.ts';

/** Damage, told with file, table and message. */
export function corruptionError(what: string, integrity: CatalogueIntegrity): PlexliftError {
  const damaged = integrity.databases.filter(({ ok }) => !ok);
  return new PlexliftError('refused', `Cannot go on: ${what} ${damaged.length > 0 ? 'show damage' : 'are not complete'}`, {
    facts: [
      ...integrity.missing.map((name) => `${name}: the file is missing`),
      ...damaged.flatMap(({ file, messages }) => messages.slice(0, 20).map(({ table, message }) => `${basename(file)}${table === null ? '' : `, table ${table}`}: ${message}`)),
    ],
    remedy: 'Plex on the source was not stopped by this and nothing was repaired. Repair the database there (Plex\'s own article "Repair a Corrupted Database", or one of the dated backups beside it), then run the same command again',
  });
}
