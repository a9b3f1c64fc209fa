import type { DatabaseSync } from 'node:sqlite';
import { PlexliftError } from '../../errors.ts';
import { blobsDatabase } from '../../plex/dataDirectory.ts';
import { mapFileUrl } from '../../plex/fileUrl.ts';
import { pathColumns, rewrittenColumns, type FileGuids, type PathColumn } from '../../plex/pathColumns.ts';
import type { PathMapping } from '../../plex/pathMapping.ts';
import { bytesOfCell, ordinaryTables, plexOnlyParts, quoted, type Table } from '../database.ts';
import { effectOn, triggersOf, type StoredTrigger } from './searchTriggers.ts';

/** A path column that is there, in a table whose rows have numbers. */
export interface PresentColumn extends PathColumn {
  /** What the number of a row is called in this table. */
  readonly rowid: string;
}

/** What a rewrite of one database touches: the columns it changes, and the search triggers that have to stand aside meanwhile. */
export interface RewritePlan {
  readonly columns: readonly PresentColumn[];
  readonly triggers: readonly StoredTrigger[];
}

interface Wanted {
  readonly name: string;
  readonly mapping: PathMapping;
  readonly fileGuids: FileGuids;
}

/** Finds what a rewrite of the database `name` touches; throws `refused` where a change to it would change more than the paths, or leave part of them behind. */
export function planRewrite(database: DatabaseSync, { name, mapping, fileGuids }: Wanted): RewritePlan {
  if (database.prepare('PRAGMA encoding').get()?.['encoding'] !== 'UTF-8') throw unfit(name, 'its text is not UTF-8, as it is in every database of Plex');
  const tables = ordinaryTables(database);
  const columns = rewrittenColumns(fileGuids).flatMap((column) => presentColumn(database, column, { name, tables }));
  requireStockIndexes(database, columns, name);
  const triggers = Array.from(new Set(columns.map(({ table }) => table))).flatMap((table) => triggersInTheWay(database, table, { name, columns }));
  if (fileGuids === 'rewrite') requireKnownGuids(database, tables, { name, mapping });
  return { columns, triggers };
}

function presentColumn(database: DatabaseSync, column: PathColumn, { name, tables }: { readonly name: string; readonly tables: readonly Table[] }): readonly PresentColumn[] {
  const table = tables.find((each) => each.name === column.table);
  const kind = database.prepare("SELECT type FROM pragma_table_list(?) WHERE schema = 'main'").get(column.table)?.['type'];
  if (kind !== undefined && (kind !== 'table' || table === undefined || table.rowid === null)) throw unfit(name, `"${column.table}" is no ordinary table`);
  const found = database.prepare('SELECT 1 FROM pragma_table_xinfo(?) WHERE name = ? AND hidden = 0').get(column.table, column.column);
  if (found !== undefined && table !== undefined && table.rowid !== null) return [{ ...column, rowid: table.rowid }];
  // The companion of the library has its tables only by custom, and tables keyed on identifiers come and go with the versions.
  const mayLack = name === blobsDatabase || (column.action === 'on request' && kind === undefined);
  if (!mayLack) throw unfit(name, `it has no column "${column.column}" in a table "${column.table}"`);
  return [];
}

/** An index over another column, such as the one on sort titles, is not touched by an update. */
function requireStockIndexes(database: DatabaseSync, columns: readonly PathColumn[], name: string): void {
  for (const index of plexOnlyParts(database).indexes) {
    const over = database.prepare('SELECT cid, name FROM pragma_index_xinfo(?) WHERE key = 1').all(index.name);
    const partial = database.prepare('SELECT partial FROM pragma_index_list(?) WHERE name = ?').get(index.table, index.name);
    const touched = columns.find(
      ({ table, column }) => table === index.table && (Number(partial?.['partial']) === 1 || over.some((each) => Number(each['cid']) === expression || each['name'] === column)),
    );
    if (touched !== undefined) throw unfit(name, `the index "${index.name}" of "${index.table}" needs the collation "${index.collation}", which only Plex has`);
  }
}

// What `pragma_index_xinfo` calls an expression; it may hold any column, as the condition of a partial index may.
const expression = -2;

function triggersInTheWay(database: DatabaseSync, table: string, { name, columns }: { readonly name: string; readonly columns: readonly PathColumn[] }): readonly StoredTrigger[] {
  const changed = columns.filter((each) => each.table === table);
  return triggersOf(database, table).filter((trigger) => {
    // Tables of media have no trigger in any version, so one there is somebody's own.
    const effect = changed.some(({ action }) => action === 'rewrite') ? 'unknown' : effectOn(trigger, changed.map(({ column }) => column));
    if (effect === 'unknown') throw unfit(name, `the trigger "${trigger.name}" would change more than the paths in "${table}"`);
    return effect === 'fires';
  });
}

/** Rows are joined by the text of an identifier: one that is not mapped with the others would lose what belongs to it. */
function requireKnownGuids(database: DatabaseSync, tables: readonly Table[], { name, mapping }: { readonly name: string; readonly mapping: PathMapping }): void {
  for (const { name: table, columns } of tables) {
    for (const column of columns.filter((each) => /guid/i.test(each) && !pathColumns.some((known) => known.table === table && known.column === each))) {
      const c = quoted(column);
      const rows = database.prepare(`SELECT CAST(${c} AS BLOB) AS value FROM ${quoted(table)} NOT INDEXED WHERE ${c} COLLATE BINARY >= 'file:///' AND ${c} COLLATE BINARY < 'file://0'`);
      for (const row of rows.iterate()) {
        const value = bytesOfCell(row['value']);
        if (value === null || mapFileUrl(mapping, value) === null) continue;
        throw unfit(name, `"${table}" has "file://" identifiers in a column "${column}" that plexlift does not know`, 'Leave "file://" identifiers as they are; nothing was changed');
      }
    }
  }
}

function unfit(name: string, fact: string, remedy = 'This database differs from every one plexlift knows; nothing was changed, and the schema of the file has to be looked at first'): PlexliftError {
  return new PlexliftError('refused', `Cannot rewrite "${name}": ${fact}`, { remedy });
}
