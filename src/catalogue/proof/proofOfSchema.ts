import { closeSync, openSync, readSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Tally } from './proofReport.ts';

/** A table with rows of its own, as the file describes it; shadow tables of virtual ones are such too. */
export interface StoredTable {
  readonly name: string;
  readonly rootPage: number;
  /** The columns that are stored, in the order in which a row holds them. */
  readonly columns: readonly string[];
  /** Of `columns`: those that a row made before the column was added reads as NULL. */
  readonly withoutDefault: ReadonlySet<string>;
  /** The column that is the rowid itself, where there is one: a row holds nothing in its place. */
  readonly rowidColumn: string | null;
  readonly hasRowid: boolean;
  /** What tells rows apart, as SQL can name it; null where nothing does. */
  readonly key: readonly string[] | null;
}

/** An index with entries of its own. */
export interface StoredIndex {
  readonly name: string;
  readonly table: string;
  readonly rootPage: number;
}

/** Settings that lie in the header of the file (https://www.sqlite.org/fileformat.html, 1.3): where, how many bytes, and what they are. */
const headerFields = [
  [16, 2, 'page size'],
  [18, 1, 'journal mode for writing'],
  [19, 1, 'journal mode for reading'],
  [20, 1, 'bytes reserved in each page'],
  [21, 3, 'payload fractions'],
  [40, 4, 'schema version'],
  [44, 4, 'schema format'],
  [48, 4, 'default cache size'],
  [52, 4, 'automatic vacuum'],
  [56, 4, 'text encoding'],
  [60, 4, 'user version'],
  [64, 4, 'incremental vacuum'],
  [68, 4, 'application id'],
  [72, 16, 'bytes kept for later'],
] as const;

/** Compares the settings in the headers of two files; true where the rest can be compared. */
export function compareHeaders(file: string, { before, after, tally }: { readonly before: string; readonly after: string; readonly tally: Tally }): boolean {
  const [was, is] = [firstBytes(before), firstBytes(after)];
  if (was === null || is === null) return true;
  let isReadable = true;
  for (const [at, length, name] of headerFields) {
    const [old, made] = [was.subarray(at, at + length), is.subarray(at, at + length)];
    if (old.equals(made)) continue;
    const say = (bytes: Buffer): string => (length > 4 ? `"${bytes.toString('hex')}"` : String(bytes.readUIntBE(0, length)));
    tally.note({ file, kind: `the ${name} was ${say(old)} and is ${say(made)}` });
    // SQLite does not read two encodings together.
    if (name === 'text encoding') isReadable = false;
  }
  return isReadable;
}

function firstBytes(file: string): Buffer | null {
  const bytes = Buffer.alloc(100);
  const handle = openSync(file, 'r');
  try {
    const read = readSync(handle, bytes, 0, bytes.length, 0);
    return read === bytes.length && bytes.toString('latin1', 0, 16) === 'SQLite format 3\0' ? bytes : null;
  } finally {
    closeSync(handle);
  }
}

/** Compares settings as SQLite reads them; with `inLog`, those too that may lie in a log beside the file instead of its header. */
export function compareSettings(database: DatabaseSync, { file, inLog, tally }: { readonly file: string; readonly inLog: boolean; readonly tally: Tally }): void {
  for (const setting of [...(inLog ? ['page_size', 'auto_vacuum', 'user_version', 'application_id', 'schema_version'] : []), 'page_count']) {
    const [before, after] = ['before', 'after'].map((schema) => String(Object.values(database.prepare(`PRAGMA ${schema}.${setting}`).get() ?? {})[0]));
    // Longer paths may need more pages; fewer would mean that something was vacuumed or lost.
    // Where everything is vacuumed at once, shorter paths give pages back as well.
    const mayShrink = String(Object.values(database.prepare('PRAGMA before.auto_vacuum').get() ?? {})[0]) === '1';
    const fits = setting === 'page_count' ? mayShrink || Number(after) >= Number(before) : after === before;
    if (!fits) tally.note({ file, kind: `the ${setting.replaceAll('_', ' ')} was ${before} and is ${after}` });
  }
}

/** Compares the text of every table, index, trigger and view. */
export function compareSchema(database: DatabaseSync, { file, tally }: { readonly file: string; readonly tally: Tally }): void {
  const objects = 'SELECT type, name, tbl_name, sql FROM';
  const pairs = [
    ['before', 'after', 'is gone or was changed'],
    ['after', 'before', 'was added or changed'],
  ] as const;
  for (const [one, other, what] of pairs) {
    const rows = database.prepare(`${objects} ${one}.sqlite_master EXCEPT ${objects} ${other}.sqlite_master`).all();
    for (const row of rows) tally.note({ file, table: String(row['tbl_name']), kind: `the ${String(row['type'])} "${String(row['name'])}" ${what}` });
  }
}

/** The tables that have rows of their own, by name. */
export function storedTables(database: DatabaseSync, schema: 'before' | 'after'): ReadonlyMap<string, StoredTable> {
  const rows = database
    .prepare(`SELECT m.name AS tableName, m.rootpage, x.name, x.type, x.pk, x.hidden, x.dflt_value FROM ${schema}.sqlite_master AS m, pragma_table_xinfo(m.name, '${schema}') AS x WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.name, x.cid`)
    .all();
  const withoutRowid = new Set(database.prepare('SELECT name FROM pragma_table_list WHERE schema = ? AND wr = 1').all(schema).map(({ name }) => String(name)));
  return new Map(
    Array.from(Map.groupBy(rows, ({ tableName }) => String(tableName)), ([name, all]) => {
      const rootPage = Number(all[0]?.['rootpage']);
      // 2: a generated column that is computed when it is read.
      const stored = all.filter(({ hidden }) => Number(hidden) !== 2);
      const keyColumns = all.filter(({ pk }) => Number(pk) > 0).toSorted((left, right) => Number(left['pk']) - Number(right['pk']));
      const hasRowid = !withoutRowid.has(name);
      const keyNames = keyColumns.map((column) => String(column['name']));
      const rowidColumn = hasRowid && keyColumns.length === 1 && String(keyColumns[0]?.['type']).toUpperCase() === 'INTEGER' ? (keyNames[0] ?? null) : null;
      const free = ['rowid', '_rowid_', 'oid'].find((candidate) => !all.some((column) => String(column['name']).toLowerCase() === candidate));
      const rowid = free ?? rowidColumn;
      const key = hasRowid ? (rowid === null ? null : [rowid]) : keyNames;
      const withoutDefault = new Set(stored.filter((column) => column['dflt_value'] === null).map((column) => String(column['name'])));
      return [name, { name, rootPage, columns: stored.map((column) => String(column['name'])), withoutDefault, rowidColumn, hasRowid, key }] as const;
    }),
  );
}

/** The indexes that have entries of their own, by name. */
export function storedIndexes(database: DatabaseSync, schema: 'before' | 'after'): ReadonlyMap<string, StoredIndex> {
  const rows = database.prepare(`SELECT name, tbl_name, rootpage FROM ${schema}.sqlite_master WHERE type = 'index' AND rootpage > 0 ORDER BY tbl_name, name`).all();
  return new Map(rows.map((row) => [String(row['name']), { name: String(row['name']), table: String(row['tbl_name']), rootPage: Number(row['rootpage']) }]));
}
