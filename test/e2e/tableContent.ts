import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** The rows of a table: by rowid, then by column. A cell is its type's letter and its exact bytes or digits. */
export type TableContent = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** Everything that can be read in a database file. */
export interface DatabaseContent {
  /** Names and SQL of every object, as stored. */
  readonly schema: readonly string[];
  readonly tables: ReadonlyMap<string, TableContent>;
}

/** Reads every table that is not virtual, with the write-ahead log beside the file if there is one. The file is only read: give a copy. */
export function readDatabase(file: string): DatabaseContent {
  if (!existsSync(file)) throw new Error(`Cannot read "${file}": it is not there`);
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const objects = database.prepare("SELECT type, name, coalesce(sql, '') AS sql FROM sqlite_master ORDER BY rowid").all().map((row) => ({ type: String(row['type']), name: String(row['name']), sql: String(row['sql']) }));
    const ordinary = objects.filter(({ type, sql }) => type === 'table' && !/^CREATE VIRTUAL/i.test(sql));
    return { schema: objects.map(({ type, name, sql }) => `${type} ${name} ${sql}`), tables: new Map(ordinary.map(({ name }) => [name, readTable(database, name)])) };
  } finally {
    database.close();
  }
}

function readTable(database: DatabaseSync, name: string): TableContent {
  const table = `"${name.replaceAll('"', '""')}"`;
  const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all(name).map((row) => String(row['name']));
  const cells = columns.map((column, position) => {
    const cell = `"${column.replaceAll('"', '""')}"`;
    return `CASE typeof(${cell}) WHEN 'text' THEN 't' || hex(${cell}) WHEN 'blob' THEN 'b' || hex(${cell}) ELSE quote(${cell}) END AS c${position}`;
  });
  // Without an index: one in the order of a collation that stock SQLite lacks cannot be read.
  const rows = database.prepare(`SELECT CAST(rowid AS TEXT) AS row, ${cells.join(', ')} FROM ${table} NOT INDEXED`).all();
  return new Map(rows.map((row) => [String(row['row']), Object.fromEntries(columns.map((column, position) => [column, String(row[`c${position}`])]))]));
}

/** The text of a cell, or null where it holds no text. */
export function textOfCell(cell: string | undefined): string | null {
  return cell?.startsWith('t') === true ? Buffer.from(cell.slice(1), 'hex').toString('utf8') : null;
}

/** What may differ, and what a cell should have become; without `expected` every cell should have stayed as it is. */
export interface ContentComparison {
  readonly expected?: (cell: string, place: { readonly table: string; readonly column: string }) => string;
  readonly exceptTables?: (table: string) => boolean;
  /** As `table.column`. */
  readonly exceptColumns?: ReadonlySet<string>;
}

/** Every difference between what should be and what is: tables, rows and cells, one line each. */
export function contentDifferences(before: DatabaseContent, after: DatabaseContent, comparison: ContentComparison = {}): readonly string[] {
  const { expected = (cell) => cell, exceptTables = () => false, exceptColumns = new Set() } = comparison;
  const lines: string[] = before.schema.join('\n') === after.schema.join('\n') ? [] : ['the schema differs'];
  for (const table of new Set([...before.tables.keys(), ...after.tables.keys()])) {
    if (exceptTables(table)) continue;
    const [then, now] = [before.tables.get(table), after.tables.get(table)];
    if (then === undefined || now === undefined) {
      lines.push(`table ${table} is ${then === undefined ? 'new' : 'gone'}`);
      continue;
    }
    for (const row of new Set([...then.keys(), ...now.keys()])) {
      const [was, is] = [then.get(row), now.get(row)];
      if (was === undefined || is === undefined) {
        lines.push(`${table} row ${row} is ${was === undefined ? 'new' : 'gone'}`);
        continue;
      }
      for (const [column, cell] of Object.entries(was)) {
        if (exceptColumns.has(`${table}.${column}`)) continue;
        const wanted = expected(cell, { table, column });
        if (is[column] !== wanted) lines.push(`${table}.${column} row ${row} is ${shown(is[column])}, not ${shown(wanted)}`);
      }
    }
  }
  return lines;
}

function shown(cell: string | undefined): string {
  const text = textOfCell(cell);
  return text === null ? (cell ?? 'absent') : `"${text}"`;
}
