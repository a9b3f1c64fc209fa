import { basename } from 'node:path';
import type { CatalogueIntegrity, IntegrityReport } from '../catalogue/integrity/integrity.ts';
import { remedyForLogs } from '../catalogue/integrity/integrityWords.ts';
import { PlexliftError } from '../errors.ts';
import { isDatedBackup } from '../plex/dataDirectory.ts';
import { firstLines } from '../plex/ownSqliteFindings.ts';
import type { Snapshot } from '../sources/source.ts';

/** What was examined, in words, and whether this run has stopped the source. */
export interface Examination {
  readonly what: string;
  readonly isStopped: boolean;
  /** Databases that SQLite on the source could not read while it copied them. */
  readonly damaged?: Snapshot['damaged'];
}

/** Damage, told with file, table or index, page and message: at most 20 lines for each file, and how many there are. */
export function corruptionError(integrity: CatalogueIntegrity, examination: Examination): PlexliftError {
  const damaged = integrity.databases.filter(({ ok }) => !ok);
  const working = damaged.filter(({ file }) => !isDatedBackup(basename(file)));
  const unread = examination.damaged ?? [];
  return damageError({
    ...examination,
    message: working.length + unread.length > 0 ? `${examination.what} shows damage` : `a database is missing in ${examination.what}`,
    facts: [...integrity.missing.map((name) => `${name}: the file is missing`), ...unread.map(({ path, message }) => `${basename(path)}: SQLite on the source could not copy it: ${message}`), ...damaged.flatMap(linesOf)],
    logIsSuspect: damaged.some(({ logIsSuspect }) => logIsSuspect),
  });
}

/** Refuses to go on with a damaged database: where it was found, what it is, whether the source serves, and what to do. */
export function damageError({ message, facts, isStopped, logIsSuspect = false }: Pick<Examination, 'isStopped'> & { readonly message: string; readonly facts: readonly string[]; readonly logIsSuspect?: boolean }): PlexliftError {
  const source = isStopped ? 'Plex on the source is stopped, and nothing was repaired. "plexlift rollback" puts it back as it was; then repair' : 'Plex on the source was not stopped by this, and nothing was repaired. Repair';
  return new PlexliftError('refused', `Cannot go on: ${message}`, {
    facts,
    remedy: `${source} the database there (Plex's own article "Repair a Corrupted Database", or one of the dated backups beside it), and migrate again${logIsSuspect ? `. ${remedyForLogs}` : ''}`,
  });
}

function linesOf({ file, messages }: IntegrityReport): readonly string[] {
  const name = isDatedBackup(basename(file)) ? `${basename(file)} (a dated backup)` : basename(file);
  return firstLines(messages.map(({ table, message }) => `${name}${table === null ? '' : `, table ${table}`}: ${message}`)).map((line) => (line.startsWith('…') ? `${name}: ${line}` : line));
}
