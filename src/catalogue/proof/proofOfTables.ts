import type { DatabaseSync } from 'node:sqlite';
import { breathe, isStockCollation, quoted } from '../database.ts';
import { createPrediction, mayChange, type Pair, type PredictedColumn } from './prediction.ts';
import type { StoredTable } from './proofOfSchema.ts';
import type { Tally } from './proofReport.ts';

/** Two tables of the same columns in the databases attached as `before` and `after`. */
export interface TableComparison {
  readonly file: string;
  readonly table: StoredTable;
  readonly pairs: readonly Pair[];
  readonly predicted: readonly PredictedColumn[];
  /** The rows that are looked at; null: all. */
  readonly only: readonly (number | bigint)[] | null;
  readonly tally: Tally;
}

interface Compared extends TableComparison {
  /** `b` and `a` are one row before and after. */
  readonly join: string;
  readonly id: string;
  readonly among: string;
  readonly changed: Set<string>;
}

/** Compares cell by cell, as SQLite reads them; returns the columns in which a cell differs from before. */
export async function compareTable(database: DatabaseSync, comparison: TableComparison): Promise<ReadonlySet<string>> {
  const { file, table, only, tally } = comparison;
  const changed = new Set<string>();
  const keyed = keyOf(database, comparison);
  const joined = keyed.names.map((key) => `b.${key} ${keyed.equal} a.${key}`).join(' AND ');
  const id = keyed.isNumber ? `b.${keyed.names[0] ?? ''}` : keyed.names.map((key) => `quote(b.${key})`).join(" || ' ' || ");
  let among = '1';
  if (only !== null) {
    database.exec('CREATE TEMP TABLE IF NOT EXISTS doubtful(id INTEGER PRIMARY KEY); DELETE FROM temp.doubtful');
    const insert = database.prepare('INSERT OR IGNORE INTO temp.doubtful VALUES (?)');
    for (const rowid of only) insert.run(rowid);
    among = `b.${keyed.names[0] ?? ''} IN (SELECT id FROM temp.doubtful)`;
  }
  const directions = [
    ['before', 'after', 'the row is gone'],
    ['after', 'before', 'the row was added'],
  ] as const;
  for (const [one, other, kind] of directions) {
    const missing = database.prepare(`SELECT ${id} AS id FROM ${keyed.from(one, 'b')} WHERE ${among} AND NOT EXISTS (SELECT 1 FROM ${keyed.from(other, 'a')} WHERE ${joined})`);
    for (const row of missing.iterate()) tally.note({ file, table: table.name, rowid: String(row['id']), kind });
    await breathe();
  }
  const compared = { ...comparison, join: `${keyed.from('before', 'b')} JOIN ${keyed.from('after', 'a')} ON ${joined}`, id, among, changed };
  comparePaths(database, compared);
  await breathe();
  compareOthers(database, compared);
  return changed;
}

interface Key {
  readonly names: readonly string[];
  readonly equal: string;
  readonly isNumber: boolean;
  /** Never through an index: what is not in step with its table would hide rows. */
  readonly from: (schema: string, alias: string) => string;
}

// Rows are told apart by their rowid, by their key, or, where SQL can name neither, by their place in the table.
function keyOf(database: DatabaseSync, { table }: TableComparison): Key {
  const primary = table.hasRowid ? null : primaryKeyOf(database, table);
  const through = primary === null ? 'NOT INDEXED' : `INDEXED BY ${quoted(primary.name)}`;
  const names = table.key?.map(quoted);
  if (names !== undefined) {
    return { names, equal: table.hasRowid ? '=' : 'IS', isNumber: table.hasRowid, from: (schema, alias) => `${schema}.${quoted(table.name)} AS ${alias} ${through}` };
  }
  const columns = table.columns.map(quoted).join(', ');
  for (const schema of ['before', 'after']) {
    database.exec(`DROP TABLE IF EXISTS temp.placed_${schema};
      CREATE TEMP TABLE placed_${schema} AS SELECT row_number() OVER () AS "plexlift place", ${columns} FROM ${schema}.${quoted(table.name)} ${through};
      CREATE UNIQUE INDEX temp.place_${schema} ON placed_${schema}("plexlift place")`);
  }
  return { names: ['"plexlift place"'], equal: '=', isNumber: true, from: (schema, alias) => `temp.placed_${schema} AS ${alias}` };
}

/** The index that is the table itself, where it has no rowids; without a collation of its, stock SQLite cannot read the table at all. */
export function primaryKeyOf(database: DatabaseSync, table: StoredTable): { readonly name: string; readonly isReadable: boolean } {
  const parts = database.prepare("SELECT l.name, x.coll FROM pragma_index_list(?, 'before') AS l, pragma_index_xinfo(l.name, 'before') AS x WHERE l.origin = 'pk' AND x.key = 1").all(table.name);
  return { name: String(parts[0]?.['name']), isReadable: parts.every(({ coll }) => coll === null || isStockCollation(String(coll))) };
}

function comparePaths(database: DatabaseSync, { file, table, pairs, predicted, tally, join, id, among, changed }: Compared): void {
  const prediction = createPrediction(pairs);
  for (const { column, form } of predicted.filter((each) => table.columns.includes(each.column))) {
    const [b, a] = [`b.${quoted(column)}`, `a.${quoted(column)}`];
    const cells = database.prepare(
      `SELECT ${id} AS id, typeof(${b}) AS typeBefore, CAST(${b} AS BLOB) AS before, typeof(${a}) AS typeAfter, CAST(${a} AS BLOB) AS after
       FROM ${join} WHERE ${among} AND ((${mayChange(b, form)}) OR ${cellDiffers(b, a)})`,
    );
    for (const row of cells.iterate()) {
      const [was, is] = [latin1(row['before']), latin1(row['after'])];
      const isText = row['typeBefore'] === 'text' && row['typeAfter'] === 'text';
      const expected = isText && was !== null ? prediction(was, form) : null;
      if (!isText || was !== is) changed.add(column);
      if (isText && is === expected) {
        if (is !== was) tally.countCell({ file, table: table.name, column });
      } else {
        const kind = isText && is === was ? 'this cell should have changed and did not' : 'this cell does not hold what the mapping predicts';
        tally.note({ file, table: table.name, column, rowid: String(row['id']), kind });
      }
    }
  }
}

// An expression of SQLite may be 1,000 deep, and a column takes a few levels of it.
const columnsAtOnce = 100;

function compareOthers(database: DatabaseSync, { file, table, predicted, tally, join, id, among, changed }: Compared): void {
  const untouched = table.columns.filter((column) => !predicted.some((each) => each.column === column));
  for (let first = 0; first < untouched.length; first += columnsAtOnce) {
    const columns = untouched.slice(first, first + columnsAtOnce);
    const differs = columns.map((column) => cellDiffers(`b.${quoted(column)}`, `a.${quoted(column)}`));
    const rows = database.prepare(`SELECT ${id} AS id, ${differs.map((test, place) => `${test} AS d${place}`).join(', ')} FROM ${join} WHERE ${among} AND (${differs.join(' OR ')})`);
    for (const row of rows.iterate()) {
      for (const [place, column] of columns.entries()) {
        if (Number(row[`d${place}`]) !== 1) continue;
        changed.add(column);
        tally.note({ file, table: table.name, column, rowid: String(row['id']), kind: 'this cell may not change and did' });
      }
    }
  }
}

// By value, then what equal values can differ in: whole and floating-point numbers, and the two zeros. COLLATE BINARY keeps SQLite
// from asking for a collation that only Plex has.
function cellDiffers(b: string, a: string): string {
  return `(${b} COLLATE BINARY IS NOT ${a} OR CASE typeof(${b}) WHEN 'integer' THEN typeof(${a}) <> 'integer' WHEN 'real' THEN typeof(${a}) <> 'real' OR atan2(${b}, -1) IS NOT atan2(${a}, -1) ELSE 0 END)`;
}

function latin1(cell: unknown): string | null {
  return cell instanceof Uint8Array ? Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('latin1') : null;
}
