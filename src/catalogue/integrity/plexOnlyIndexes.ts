import type { DatabaseSync } from 'node:sqlite';
import { breathe, isStockCollation, plexOnlyParts, quoted } from '../database.ts';
import type { PlexOnlyParts } from '../database.ts';
import type { IntegrityMessage } from './integrityLines.ts';

/** An index whose order only Plex's own SQLite knows, and whether its entries could be compared with the rows without it. */
export interface ComparedIndex {
  readonly name: string;
  readonly table: string;
  readonly collation: string;
  readonly compared: boolean;
  readonly messages: readonly IntegrityMessage[];
}

/** What a schema held in the order of a collation that stock SQLite lacks. */
export interface ReplacedCollations {
  readonly indexes: PlexOnlyParts['indexes'];
  /** Tables with a column of such a collation; one without a rowid is kept in that order itself. */
  readonly tables: readonly string[];
}

/** How many rows are named before the rest is only counted. */
const namedRows = 100;

/**
 * On a throwaway copy: gives every text of the schema a collation that stock SQLite has, in place of one that it lacks. The pages stay as
 * they are, so nothing may be looked up by such an index; but it can be read from end to end.
 */
export function replaceCollations(database: DatabaseSync): ReplacedCollations {
  const { indexes } = plexOnlyParts(database);
  const update = database.prepare('UPDATE sqlite_master SET sql = ? WHERE rowid = ?');
  const statements = database.prepare("SELECT rowid AS id, type, name, sql FROM sqlite_master WHERE sql LIKE '%COLLATE%'").all();
  const tables: string[] = [];
  for (const row of statements) {
    const replaced = String(row['sql']).replaceAll(/\bCOLLATE\s+(?:"([^"]+)"|'([^']+)'|`([^`]+)`|\[([^\]]+)\]|(\w+))/gi, (written, ...names: (string | undefined)[]) =>
      isStockCollation(names.slice(0, 5).find((name) => name !== undefined) ?? '') ? written : 'COLLATE BINARY',
    );
    if (replaced === row['sql']) continue;
    update.run(replaced, row['id'] as bigint);
    if (row['type'] === 'table') tables.push(String(row['name']));
  }
  return { indexes, tables };
}

/** After `replaceCollations`: proves of each such index that every row has an entry and every entry its row (that no entry is there twice, the count of `quick_check` proves); the order stays unproven. */
export async function compareEntries(database: DatabaseSync, indexes: PlexOnlyParts['indexes']): Promise<readonly ComparedIndex[]> {
  const found: ComparedIndex[] = [];
  for (const index of indexes) {
    const columns = plainColumns(database, index);
    found.push(columns === null ? { ...index, compared: false, messages: [] } : { ...index, ...compare(database, { ...index, columns }) });
    await breathe();
  }
  return found;
}

/** The key columns of an index over all rows of a table with a rowid; null where it is of another kind. */
function plainColumns(database: DatabaseSync, { name, table }: { readonly name: string; readonly table: string }): readonly string[] | null {
  const listed = database.prepare('SELECT partial FROM pragma_index_list(?) WHERE name = ?').get(table, name);
  const parts = database.prepare('SELECT cid, name FROM pragma_index_xinfo(?) WHERE key = 1').all(name);
  const hasRowid = Number(database.prepare("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'").get(table)?.['wr'] ?? 1) === 0;
  if (!hasRowid || Number(listed?.['partial'] ?? 1) !== 0 || parts.some(({ cid }) => Number(cid) < 0)) return null;
  return parts.map((part) => String(part['name']));
}

function compare(database: DatabaseSync, { name, table, columns }: { readonly name: string; readonly table: string; readonly columns: readonly string[] }): Pick<ComparedIndex, 'compared' | 'messages'> {
  const [index, rows] = [quoted(name), quoted(table)];
  const same = columns.map((column) => `r.${quoted(column)} IS e.${quoted(column)}`).join(' AND ');
  const entriesWithoutRow = `SELECT e.rowid AS id FROM ${rows} AS e INDEXED BY ${index} WHERE NOT EXISTS (SELECT 1 FROM ${rows} AS r NOT INDEXED WHERE r.rowid = e.rowid AND ${same})`;
  const rowsWithoutEntry = `SELECT r.rowid AS id FROM ${rows} AS r NOT INDEXED WHERE r.rowid NOT IN (SELECT e.rowid + 0 FROM ${rows} AS e INDEXED BY ${index})`;
  // The sum keeps SQLite from asking the table instead of the entries.
  // Unless SQLite reads the entries off the index alone, they would be compared with themselves.
  for (const sql of [entriesWithoutRow, rowsWithoutEntry]) {
    const reads = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => String(detail));
    if (!reads.some((detail) => detail.startsWith('SCAN e USING COVERING INDEX ') && detail.includes(name))) return { compared: false, messages: [] };
  }
  const said = (message: string): IntegrityMessage => ({ table, message });
  const wrong = named(database, { sql: entriesWithoutRow, say: (id) => `index ${name} says something else of row ${id} than the row itself` });
  const missing = named(database, { sql: rowsWithoutEntry, say: (id) => `row ${id} missing from index ${name}` });
  return { compared: true, messages: [...missing, ...wrong].map(said) };
}

function named(database: DatabaseSync, { sql, say }: { readonly sql: string; readonly say: (id: string) => string }): readonly string[] {
  const lines: string[] = [];
  let count = 0;
  for (const row of database.prepare(sql).iterate()) {
    count += 1;
    if (count <= namedRows) lines.push(say(String(row['id'])));
  }
  return count > namedRows ? [...lines, `… and the same of ${count - namedRows} more rows`] : lines;
}
