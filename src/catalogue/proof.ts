import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDatabase, isSidecar, preferencesFile } from '../plex/dataDirectory.ts';
import type { PreferenceEdit } from '../plex/preferences.ts';
import { databasesIn } from './catalogueFiles.ts';
import { breathe, nameDatabase, ordinaryTables, quoted, readOnlyUri, type Table } from './database.ts';
import { comparePreferences } from './proofOfPreferences.ts';
import { predict, predictedColumns, type Pair } from './prediction.ts';
import { sameBytes } from './sameBytes.ts';

/** One way in which the result is not what the mapping predicts. */
export type Difference = {
  readonly file: string;
  readonly table: string | null;
  readonly column: string | null;
  /** The row, as its rowid or key; null where the difference is none of a row. */
  readonly rowid: string | null;
  readonly kind: string;
};

/** The outcome of a proof. */
export type ProofReport = {
  readonly ok: boolean;
  readonly tablesCompared: number;
  readonly rowsCompared: number;
  readonly cellsChanged: readonly { readonly file: string; readonly table: string; readonly column: string; readonly cells: number }[];
  /** All there are; `differences` holds the first 50. */
  readonly differenceCount: number;
  readonly differences: readonly Difference[];
};

/** What is compared with what: two catalogues, the pairs as the person gave them, the edits planned for Preferences.xml. */
export interface ProofOptions {
  readonly before: string;
  readonly after: string;
  readonly pairs: readonly Pair[];
  readonly edits: readonly PreferenceEdit[];
}

const differencesKept = 50;

interface Tally {
  readonly differences: Difference[];
  readonly cells: Map<string, { file: string; table: string; column: string; cells: number }>;
  count: number;
  tables: number;
  rows: number;
}

/** Proves that exactly the cells differ which the pairs predict, computed anew from `before`; changes neither. */
export async function proveRewrite({ before, after, pairs, edits }: ProofOptions): Promise<ProofReport> {
  const tally: Tally = { differences: [], cells: new Map(), count: 0, tables: 0, rows: 0 };
  // What lies beside a database before is read with it; after, nothing may lie there.
  const names = readdirSync(databasesIn(before)).filter((name) => !isSidecar(name) || !isDatabase(name.replace(/-\w+$/, '')));
  const namesAfter = readdirSync(databasesIn(after));
  for (const name of new Set([...names, ...namesAfter].toSorted())) {
    if (!names.includes(name)) note(tally, { file: name, kind: 'this file was not there before' });
    else if (!namesAfter.includes(name)) note(tally, { file: name, kind: 'this file is gone' });
    else if (isDatabase(name)) await compareDatabases(name, { before: join(databasesIn(before), name), after: join(databasesIn(after), name), pairs, tally });
    else if (!sameBytes(join(databasesIn(before), name), join(databasesIn(after), name))) note(tally, { file: name, kind: 'this file changed' });
  }
  for (const kind of comparePreferences(readFileSync(join(before, preferencesFile)), { after: readFileSync(join(after, preferencesFile)), edits })) {
    note(tally, { file: preferencesFile, kind });
  }
  return {
    ok: tally.count === 0,
    tablesCompared: tally.tables,
    rowsCompared: tally.rows,
    cellsChanged: Array.from(tally.cells.values()),
    differenceCount: tally.count,
    differences: tally.differences,
  };
}

interface Comparison {
  readonly before: string;
  readonly after: string;
  readonly pairs: readonly Pair[];
  readonly tally: Tally;
}

async function compareDatabases(file: string, { before, after, pairs, tally }: Comparison): Promise<void> {
  const database = new DatabaseSync(':memory:', { readBigInts: true, enableForeignKeyConstraints: false });
  try {
    database.prepare('ATTACH ? AS before').run(readOnlyUri(before));
    database.prepare('ATTACH ? AS after').run(readOnlyUri(after));
    compareSettings(database, { file, tally });
    compareSchema(database, { file, tally });
    const tablesAfter = new Map(ordinaryTables(database, 'after').map((table) => [table.name, table]));
    for (const table of ordinaryTables(database, 'before')) {
      // A table that is gone or has other columns was told by the comparison of the schemas.
      if (tablesAfter.get(table.name)?.columns.join('\n') !== table.columns.join('\n')) continue;
      compareTable(database, { file, table, pairs, tally });
      await breathe();
    }
  } catch (thrown) {
    throw nameDatabase(thrown, after);
  } finally {
    database.close();
  }
}

function compareSettings(database: DatabaseSync, { file, tally }: { readonly file: string; readonly tally: Tally }): void {
  for (const setting of ['page_size', 'encoding', 'auto_vacuum', 'user_version', 'application_id', 'schema_version', 'page_count']) {
    const [before, after] = ['before', 'after'].map((schema) => String(Object.values(database.prepare(`PRAGMA ${schema}.${setting}`).get() ?? {})[0]));
    // Longer paths may need more pages; fewer would mean that something was vacuumed or lost.
    const fits = setting === 'page_count' ? Number(after) >= Number(before) : after === before;
    if (!fits) note(tally, { file, kind: `"${setting}" was ${before} and is ${after}` });
  }
}

function compareSchema(database: DatabaseSync, { file, tally }: { readonly file: string; readonly tally: Tally }): void {
  const objects = 'SELECT type, name, tbl_name, sql FROM';
  const pairs = [
    ['before', 'after', 'is gone or was changed'],
    ['after', 'before', 'was added or changed'],
  ] as const;
  for (const [one, other, what] of pairs) {
    const rows = database.prepare(`${objects} ${one}.sqlite_master EXCEPT ${objects} ${other}.sqlite_master`).all();
    for (const row of rows) note(tally, { file, table: String(row['tbl_name']), kind: `the ${String(row['type'])} "${String(row['name'])}" ${what}` });
  }
}

interface TableComparison {
  readonly file: string;
  readonly table: Table;
  readonly pairs: readonly Pair[];
  readonly tally: Tally;
}

function compareTable(database: DatabaseSync, { file, table, pairs, tally }: TableComparison): void {
  const name = quoted(table.name);
  const keys = table.key.kind === 'rowid' ? [table.key.name] : table.key.names;
  const equal = table.key.kind === 'rowid' ? '=' : 'COLLATE BINARY IS';
  const joined = keys.map((key) => `b.${quoted(key)} ${equal} a.${quoted(key)}`).join(' AND ');
  const key = keys.map((column) => `quote(b.${quoted(column)})`).join(" || ' ' || ");
  tally.tables += 1;
  tally.rows += Number(database.prepare(`SELECT count(*) AS rows FROM before.${name} NOT INDEXED`).get()?.['rows']);

  const directions = [
    ['before', 'after', 'the row is gone'],
    ['after', 'before', 'the row was added'],
  ] as const;
  for (const [one, other, kind] of directions) {
    const missing = database.prepare(`SELECT ${key} AS id FROM ${one}.${name} AS b NOT INDEXED WHERE NOT EXISTS (SELECT 1 FROM ${other}.${name} AS a WHERE ${joined})`);
    for (const row of missing.iterate()) note(tally, { file, table: table.name, rowid: String(row['id']), kind });
  }

  const predicted = predictedColumns(file, table.name);
  const untouched = table.columns.filter((column) => !predicted.some((each) => each.column === column));
  compareUntouched(database, { file, table, tally, untouched, join: `before.${name} AS b NOT INDEXED JOIN after.${name} AS a ON ${joined}`, key });
  for (const { column, form } of predicted.filter(({ column }) => table.columns.includes(column))) {
    const c = quoted(column);
    const cells = database.prepare(
      `SELECT ${key} AS id, typeof(b.${c}) AS typeBefore, CAST(b.${c} AS BLOB) AS before, typeof(a.${c}) AS typeAfter, CAST(a.${c} AS BLOB) AS after
       FROM before.${name} AS b NOT INDEXED JOIN after.${name} AS a ON ${joined} WHERE b.${c} IS NOT NULL OR a.${c} IS NOT NULL`,
    );
    for (const row of cells.iterate()) {
      const [was, is] = [latin1(row['before']), latin1(row['after'])];
      const expected = row['typeBefore'] === 'text' && was !== null ? predict(was, { pairs, form }) : was;
      if (row['typeBefore'] !== row['typeAfter'] || is !== expected) {
        const kind = is === was ? 'this cell should have changed and did not' : 'this cell does not hold what the mapping predicts';
        note(tally, { file, table: table.name, column, rowid: String(row['id']), kind });
      } else if (is !== was) {
        countCell(tally, { file, table: table.name, column });
      }
    }
  }
}

interface UntouchedComparison {
  readonly file: string;
  readonly table: Table;
  readonly tally: Tally;
  readonly untouched: readonly string[];
  readonly join: string;
  readonly key: string;
}

function compareUntouched(database: DatabaseSync, { file, table, tally, untouched, join, key }: UntouchedComparison): void {
  // Storage class, then bytes; a floating point number also by value, since its text may be rounded. COLLATE BINARY keeps SQLite
  // from asking for a collation that only Plex has.
  const differs = untouched.map((column) => {
    const [b, a] = [`b.${quoted(column)}`, `a.${quoted(column)}`];
    return `(typeof(${b}) IS NOT typeof(${a}) OR CAST(${b} AS BLOB) COLLATE BINARY IS NOT CAST(${a} AS BLOB) OR (typeof(${b}) = 'real' AND ${b} COLLATE BINARY IS NOT ${a}))`;
  });
  if (differs.length === 0) return;
  const rows = database.prepare(`SELECT ${key} AS id, ${differs.map((test, place) => `${test} AS d${place}`).join(', ')} FROM ${join} WHERE ${differs.join(' OR ')}`);
  for (const row of rows.iterate()) {
    for (const [place, column] of untouched.entries()) {
      if (Number(row[`d${place}`]) === 1) note(tally, { file, table: table.name, column, rowid: String(row['id']), kind: 'this cell may not change and did' });
    }
  }
}

function latin1(cell: unknown): string | null {
  return cell instanceof Uint8Array ? Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('latin1') : null;
}

function countCell(tally: Tally, { file, table, column }: { readonly file: string; readonly table: string; readonly column: string }): void {
  const known = tally.cells.get(`${file}\n${table}\n${column}`) ?? { file, table, column, cells: 0 };
  known.cells += 1;
  tally.cells.set(`${file}\n${table}\n${column}`, known);
}

function note(tally: Tally, difference: Partial<Difference> & Pick<Difference, 'file' | 'kind'>): void {
  tally.count += 1;
  if (tally.differences.length < differencesKept) tally.differences.push({ table: null, column: null, rowid: null, ...difference });
}
