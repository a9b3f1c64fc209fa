import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** What a cell can be given; `undefined` leaves the column to its default. */
export type Cell = string | number | bigint | boolean | null | Uint8Array | undefined;

/** Writes rows into one database. */
export interface Rows {
  /** Inserts one row and returns its rowid. */
  insert(table: string, cells: Readonly<Record<string, Cell>>): number;
  /** Runs `sql` for what an insert cannot say, for instance a text value that is no UTF-8. */
  run(sql: string, ...cells: readonly (string | number | bigint | null | Uint8Array)[]): void;
}

/** Writes rows through `database`, keeping one prepared statement for each combination of columns. */
export function createRows(database: DatabaseSync): Rows {
  const statements = new Map<string, StatementSync>();

  function prepared(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }
  function insert(table: string, cells: Readonly<Record<string, Cell>>): number {
    const columns: string[] = [];
    const values: (string | number | bigint | null | Uint8Array)[] = [];
    for (const [column, cell] of Object.entries(cells)) {
      if (cell === undefined) continue;
      columns.push(`"${column}"`);
      values.push(typeof cell === 'boolean' ? Number(cell) : cell);
    }
    const sql = `INSERT INTO "${table}" (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    return Number(prepared(sql).run(...values).lastInsertRowid);
  }
  function run(sql: string, ...cells: readonly (string | number | bigint | null | Uint8Array)[]): void {
    prepared(sql).run(...cells);
  }
  return { insert, run };
}
