import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../src/catalogue/database.ts';
import type { Difference } from '../../src/catalogue/proof/proof.ts';
import type { Random } from '../bed/library/random.ts';

/** One change that was made to a rewritten catalogue, and how a proof has to name it. */
export interface Mutation {
  readonly what: string;
  /** The file that changed. */
  readonly path: string;
  readonly isNamedBy: (difference: Difference) => boolean;
}

/** Makes one change of its kind; null where the place it picked does not allow one. */
export type Mutate = (random: Random, place: Place) => Mutation | null;

/** What a change is made to. */
export interface Place {
  /** The rewritten catalogue. */
  readonly after: string;
  readonly fileGuids: 'leave' | 'rewrite';
}

/** A table as a change needs it. */
export interface MutableTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rowidColumn: string | null;
  readonly hasRowid: boolean;
  readonly keyColumns: readonly string[];
  readonly rows: number;
}

/** The tables of a database that have rows of their own and at least one row. */
export function filledTables(database: DatabaseSync): readonly MutableTable[] {
  const tables = database.prepare("SELECT m.name, l.wr FROM sqlite_master AS m JOIN pragma_table_list AS l ON l.name = m.name AND l.schema = 'main' WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.name").all();
  return tables.flatMap((row) => {
    const name = String(row['name']);
    const rows = Number(database.prepare(`SELECT count(*) AS rows FROM "${name}" NOT INDEXED`).get()?.['rows']);
    if (rows === 0) return [];
    const information = database.prepare('SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid').all(name);
    const keyColumns = information.filter(({ pk }) => Number(pk) > 0).map((column) => String(column['name']));
    const hasRowid = Number(row['wr']) === 0;
    const isRowid = hasRowid && keyColumns.length === 1 && information.some(({ pk, type }) => Number(pk) > 0 && String(type).toUpperCase() === 'INTEGER');
    const columns = information.filter(({ hidden }) => Number(hidden) !== 2).map((column) => String(column['name']));
    return [{ name, columns, rowidColumn: isRowid ? (keyColumns[0] ?? null) : null, hasRowid, keyColumns, rows }];
  });
}

/** `CREATE TABLE` for the same stored rows without types, constraints and defaults, so that a cell takes any value as it is given. */
export function bareTable({ name, columns, rowidColumn, hasRowid, keyColumns }: MutableTable): string {
  const shown = columns.map((column) => `"${column}"${column === rowidColumn ? ' INTEGER PRIMARY KEY' : ''}`);
  const key = hasRowid ? [] : [`PRIMARY KEY (${keyColumns.map((column) => `"${column}"`).join(', ')})`];
  return `CREATE TABLE "${name}"(${[...shown, ...key].join(', ')})${hasRowid ? '' : ' WITHOUT ROWID'}`;
}

/** Reads a database and leaves nothing beside it. */
export function reading<Result>(path: string, use: (database: DatabaseSync) => Result): Result {
  const database = openDatabase(path, 'read');
  try {
    return use(database);
  } finally {
    database.close();
  }
}
