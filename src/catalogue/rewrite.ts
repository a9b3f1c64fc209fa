import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { PlexliftError } from '../errors.ts';
import { holdsMediaPaths, isDatabase, isDatedBackup, libraryDatabase, preferencesFile } from '../plex/dataDirectory.ts';
import { isFileUrl, mapFileUrl } from '../plex/fileUrl.ts';
import { rewrittenColumns, type PathColumn } from '../plex/pathColumns.ts';
import { mapPath, type PathMapping } from '../plex/pathMapping.ts';
import { planPreferences, type PreferencePlan } from '../plex/preferencePlan.ts';
import { editPreferences } from '../plex/preferences.ts';
import { copyInto, databaseNames, databasesIn } from './catalogueFiles.ts';
import { breathe, bytesOfCell, hasLog, plexOnlyParts, quoted, withDatabase } from './database.ts';
import { readHeader } from './header.ts';

/** What happened to one column of one database. */
export type ColumnRewrite = {
  readonly table: string;
  readonly column: string;
  /** Rows that held text, and how many of them changed. */
  readonly rows: number;
  readonly changed: number;
  /** Rows each rule has, by its `from`; an identity rule has rows without changing them. */
  readonly byRule: readonly { readonly from: string; readonly rows: number }[];
  /** Rows that held a path no rule has; URLs of other schemes are no paths. */
  readonly uncovered: number;
};

/** What happened to one database. */
export type DatabaseRewrite = {
  readonly file: string;
  readonly columns: readonly ColumnRewrite[];
};

/** What a rewrite did to a catalogue. */
export type CatalogueRewrite = {
  readonly databases: readonly DatabaseRewrite[];
  readonly preferences: PreferencePlan;
};

/** `from` is a settled catalogue and stays as it is; `into` is made anew from it, so repeating gives the same. */
export interface RewriteOptions {
  readonly from: string;
  readonly into: string;
  readonly mapping: PathMapping;
  readonly friendlyName: string | null;
  /** Told after each batch: the rows looked at so far. */
  readonly onRows?: (rows: number) => void;
}

/** Copies the catalogue `from` to `into` and rewrites the paths and settings there. Throws `refused` where it cannot be done safely. */
export async function rewriteCatalogue({ from, into, mapping, friendlyName, onRows }: RewriteOptions): Promise<CatalogueRewrite> {
  copyCatalogue(from, into);
  const databases: DatabaseRewrite[] = [];
  let before = 0;
  for (const name of databaseNames(into).filter(holdsMediaPaths)) {
    let looked = 0;
    const file = join(databasesIn(into), name);
    databases.push(await rewriteDatabase(file, { mapping, onRows: (rows) => onRows?.(before + (looked = rows)) }));
    before += looked;
  }
  const file = join(into, preferencesFile);
  const bytes = readFileSync(file);
  const preferences = planPreferences(bytes, { mapping, friendlyName });
  writeFileSync(file, editPreferences(bytes, preferences.edits), { mode: 0o600 });
  return { databases, preferences };
}

/** Rewrites one settled database in place, in one transaction; not to be repeated on its own result. */
export async function rewriteDatabase(file: string, options: Pick<RewriteOptions, 'mapping' | 'onRows'>): Promise<DatabaseRewrite> {
  requireSettled(file);
  const before = readHeader(file).header;
  const columns = await withDatabase(file, 'write', async (database) => {
    database.exec('BEGIN IMMEDIATE');
    try {
      const present = columnsToRewrite(database, basename(file));
      const done: ColumnRewrite[] = [];
      let looked = 0;
      const onBatch = (rows: number): void => options.onRows?.((looked += rows));
      for (const column of present) done.push(await rewriteColumn(database, column, { mapping: options.mapping, onBatch }));
      database.exec('COMMIT');
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      return done;
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw thrown;
    }
  });
  requireSettled(file);
  const after = readHeader(file).header;
  if (before?.journal !== after?.journal || before?.pageSizeBytes !== after?.pageSizeBytes) {
    throw new Error(`Cannot rewrite "${basename(file)}": its journal mode or page size changed on the way`);
  }
  return { file, columns };
}

function copyCatalogue(from: string, into: string): void {
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

function requireSettled(file: string): void {
  if (!hasLog(file) && !existsSync(`${file}-wal`)) return;
  throw new PlexliftError('refused', `Cannot rewrite "${basename(file)}": a write-ahead log lies beside it`, {
    facts: [file],
    remedy: 'Take the catalogue again; its log has to be taken into the database first',
  });
}

/** The path columns this database has, after making sure that a change to them changes nothing else. */
function columnsToRewrite(database: DatabaseSync, name: string): readonly PathColumn[] {
  if (database.prepare('PRAGMA encoding').get()?.['encoding'] !== 'UTF-8') throw unfit(name, 'its text is not UTF-8, as it is in every database of Plex');
  const present = rewrittenColumns.filter(({ table, column }) => {
    const found = database.prepare('SELECT type FROM pragma_table_xinfo(?) WHERE name = ? AND hidden = 0').get(table, column);
    if (found === undefined && name === libraryDatabase) throw unfit(name, `it has no column "${column}" in a table "${table}"`);
    return found !== undefined;
  });
  const tables = new Set(present.map(({ table }) => table));
  const parts = plexOnlyParts(database);
  for (const trigger of parts.triggers) {
    if (tables.has(trigger.table)) throw unfit(name, `the trigger "${trigger.name}" would change more than the paths in "${trigger.table}"`);
  }
  for (const index of parts.indexes) {
    if (tables.has(index.table)) throw unfit(name, `the index "${index.name}" of "${index.table}" needs the collation "${index.collation}", which only Plex has`);
  }
  for (const table of tables) {
    const kind = database.prepare("SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'").get(table);
    if (kind?.['type'] !== 'table' || Number(kind['wr']) !== 0) throw unfit(name, `"${table}" is no ordinary table`);
  }
  return present;
}

const batchRows = 2_000;

async function rewriteColumn(database: DatabaseSync, column: PathColumn, { mapping, onBatch }: { readonly mapping: PathMapping; readonly onBatch: (rows: number) => void }): Promise<ColumnRewrite> {
  const [table, name] = [quoted(column.table), quoted(column.column)];
  // As BLOB: text that is no valid UTF-8 would come back changed. By rowid and without indexes: an index on the path would show a
  // row again under its new path.
  const select = database.prepare(
    `SELECT rowid AS id, CAST(${name} AS BLOB) AS value FROM ${table} NOT INDEXED WHERE rowid > ? AND typeof(${name}) = 'text' ORDER BY rowid LIMIT ${batchRows}`,
  );
  const update = database.prepare(`UPDATE ${table} SET ${name} = CAST(? AS TEXT) WHERE rowid = ?`);
  const byRule = new Map(mapping.rules.map(({ from }) => [from, 0]));
  let [last, rows, changed, uncovered] = [-(2n ** 63n), 0, 0, 0];
  for (;;) {
    const batch = select.all(last);
    for (const row of batch) {
      const value = bytesOfCell(row['value']);
      if (typeof row['id'] !== 'bigint') throw new Error(`Cannot rewrite "${column.table}": a row without a number`);
      last = row['id'];
      if (value === null || value.length === 0) continue;
      rows += 1;
      const mapped = mapValue(column, { mapping, value });
      if (mapped === null) {
        if (column.form === 'path' || isFileUrl(value)) uncovered += 1;
        continue;
      }
      byRule.set(mapped.from, (byRule.get(mapped.from) ?? 0) + 1);
      if (mapped.value.equals(value)) continue;
      if (Number(update.run(mapped.value, last).changes) !== 1) throw new Error(`Cannot rewrite "${column.table}": row ${last} did not take its new path`);
      changed += 1;
    }
    onBatch(batch.length);
    if (batch.length < batchRows) break;
    await breathe();
  }
  return { table: column.table, column: column.column, rows, changed, uncovered, byRule: Array.from(byRule, ([from, rows]) => ({ from, rows })) };
}

function mapValue({ form }: PathColumn, { mapping, value }: { readonly mapping: PathMapping; readonly value: Buffer }): { readonly value: Buffer; readonly from: string } | null {
  if (form === 'path') {
    const mapped = mapPath(mapping, value);
    return mapped === null ? null : { value: mapped.path, from: mapped.rule.from };
  }
  const mapped = mapFileUrl(mapping, value);
  return mapped === null ? null : { value: mapped.url, from: mapped.rule.from };
}

function unfit(name: string, fact: string): PlexliftError {
  return new PlexliftError('refused', `Cannot rewrite "${name}": ${fact}`, {
    remedy: 'This database differs from every one plexlift knows; nothing was changed, and the schema of the file has to be looked at first',
  });
}
