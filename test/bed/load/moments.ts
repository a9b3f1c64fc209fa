import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { loadAfter, loadBase, loadPreference, titleContent } from './loadModel.ts';
import type { LoadCell, LoadRow, LoadedDatabase } from './loadModel.ts';

/** A database as it was before any load: a digest of each table. */
export type Start = ReadonlyMap<string, string>;

/** Which moment of its history a database shows: the number of transactions in it, and whatever does not fit that number. */
export interface Moment {
  readonly commits: number;
  readonly differences: readonly string[];
}

/** What a load, or the server beside it, writes to, and how its rows are told from those that were there. */
const ownRows: ReadonlyMap<string, string> = new Map([
  ...['metadata_items', 'media_items', 'media_parts', 'metadata_item_views', 'metadata_item_settings', 'blobs'].map((table) => [table, `id < ${loadBase}`] as const),
  ['preferences', `name NOT IN ('${loadPreference}', 'standinLastStart')`],
  [titleContent, `docid < ${loadBase}`],
  ['sqlite_sequence', "name NOT IN ('metadata_items', 'media_items', 'media_parts', 'metadata_item_views', 'metadata_item_settings', 'blobs', 'preferences', 'activities', 'statistics_resources', 'statistics_bandwidth', 'devices', 'accounts')"],
]);

/** Tables that a server without any user writes to, and the pages of its full-text search. */
const restless = /^(?:activities|statistics_\w+|devices|accounts|library_sections|sqlite_stat1|fts4_metadata_titles_icu_(?:segments|segdir|docsize|stat))$/;

/** Reads a database, of which there must be no load yet. The file is only read: give a copy. */
export function startOf(file: string): Start {
  return withReader(file, (database) => new Map(tablesOf(database).map((table) => [table, digestOf(database, table)])));
}

/** Finds out which moment a database shows, and compares every row with what must be there then: the load's rows, and all that was there before. */
export function momentOf(file: string, { start, kind, withItems }: { readonly start: Start; readonly kind: LoadedDatabase; readonly withItems: boolean }): Moment {
  return withReader(file, (database) => {
    const differences: string[] = [];
    const tables = tablesOf(database);
    for (const table of new Set([...start.keys(), ...tables])) {
      if (!start.has(table) || !tables.includes(table)) differences.push(`${table} is ${start.has(table) ? 'gone' : 'new'}`);
      else if (digestOf(database, table) !== start.get(table)) differences.push(`${table}: what was there before the load is not as it was`);
    }
    const commits = Number(database.prepare('SELECT coalesce(max(CAST(value AS INTEGER)), 0) AS commits FROM preferences WHERE name = ?').get(loadPreference)?.['commits']);
    for (const [table, expected] of loadAfter(commits, kind, { withItems })) {
      if (table === titleContent && !start.has(table)) continue;
      differences.push(...rowDifferences(table, { expected, found: loadRowsOf(database, table) }));
      const sequence = database.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(table)?.['seq'];
      if (table !== 'preferences' && table !== 'metadata_item_settings' && table !== titleContent && commits > 0 && sequence !== loadBase + commits) differences.push(`${table}: its sequence is at ${String(sequence)} after ${commits} transactions`);
    }
    return { commits, differences };
  });
}

function withReader<Result>(file: string, use: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return use(database);
  } finally {
    database.close();
  }
}

function tablesOf(database: DatabaseSync): readonly string[] {
  const rows = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name").all();
  return rows.map(({ name }) => String(name)).filter((name) => !restless.test(name));
}

function digestOf(database: DatabaseSync, table: string): string {
  const digest = createHash('sha256');
  const own = ownRows.get(table);
  const statement = database.prepare(`SELECT * FROM "${table}" NOT INDEXED ${own === undefined ? '' : `WHERE ${own} `}ORDER BY rowid`);
  statement.setReadBigInts(true);
  for (const row of statement.iterate()) {
    for (const cell of Object.values(row)) digest.update(cell === null ? 'null\0' : cell instanceof Uint8Array ? cell : `${typeof cell} ${String(cell)}\0`);
  }
  return digest.digest('hex');
}

function loadRowsOf(database: DatabaseSync, table: string): ReadonlyMap<number, LoadRow> {
  const key = table === titleContent ? 'docid' : 'id';
  const where = table === 'preferences' ? `name = '${loadPreference}'` : `${key} >= ${loadBase}`;
  const rows = database.prepare(`SELECT * FROM "${table}" NOT INDEXED WHERE ${where}`).all();
  return new Map(rows.map((row) => [Number(row[key]), Object.fromEntries(Object.entries(row).flatMap(([column, cell]) => (cell === null ? [] : [[column, shownCell(cell)]])))]));
}

function shownCell(cell: unknown): LoadCell {
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString('hex');
  return typeof cell === 'number' ? cell : String(cell);
}

function rowDifferences(table: string, { expected, found }: { readonly expected: ReadonlyMap<number, LoadRow>; readonly found: ReadonlyMap<number, LoadRow> }): readonly string[] {
  const differences: string[] = [];
  for (const id of new Set([...expected.keys(), ...found.keys()])) {
    const [wanted, is] = [expected.get(id), found.get(id)];
    if (wanted === undefined || is === undefined) {
      differences.push(`${table} row ${id - loadBase} of the load is ${wanted === undefined ? 'too many' : 'missing'}`);
      continue;
    }
    for (const column of new Set([...Object.keys(wanted), ...Object.keys(is)])) {
      if (wanted[column] !== is[column]) differences.push(`${table}.${column} row ${id - loadBase} of the load is ${String(is[column])}, not ${String(wanted[column])}`);
    }
  }
  return differences;
}
