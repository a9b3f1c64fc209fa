import { existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { messageOf, PlexliftError } from '../errors.ts';

/** Rows come with integers as BigInt: ids and sizes above 2^53 would throw otherwise. */
const options = { readBigInts: true, enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: false, timeout: 5_000 } as const;

/** How a database is opened. `throwaway`: a copy whose schema may be taken apart. */
export type Access = 'read' | 'write' | 'throwaway';

/** An ordinary table (one with a b-tree of its own; the shadow tables of virtual ones are such too). */
export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** `rowid`, or another name it can be reached by; null in a table that has none, or whose columns took all its names. */
  readonly rowid: string | null;
}

/** A virtual table; `module` as written in its text, e.g. `fts4`. */
export interface VirtualTable {
  readonly name: string;
  readonly module: string;
}

/** What in a database only Plex's own SQLite can serve, as found in its schema. */
export interface PlexOnlyParts {
  /** Indexes with a collation that stock SQLite lacks (`icu_root`, formerly `naturalsort`). */
  readonly indexes: readonly { readonly name: string; readonly table: string; readonly collation: string }[];
  readonly virtualTables: readonly VirtualTable[];
  readonly triggers: readonly { readonly name: string; readonly table: string }[];
}

/** Opens `file`, gives it to `use`, closes it. What SQLite says against it becomes a `failed` error that names the file. */
export async function withDatabase<Result>(file: string, access: Access, use: (database: DatabaseSync) => Result | Promise<Result>): Promise<Result> {
  let database: DatabaseSync | null = null;
  try {
    database = openDatabase(file, access);
    return await use(database);
  } catch (thrown) {
    throw nameDatabase(thrown, file);
  } finally {
    database?.close();
  }
}

/** Opens `file`; the caller closes it. Where a function will do, `withDatabase` does both. */
export function openDatabase(file: string, access: Access): DatabaseSync {
  if (access === 'read') {
    const database = new DatabaseSync(readOnlyUri(file), { ...options, readOnly: true });
    database.exec('PRAGMA trusted_schema = OFF');
    return database;
  }
  if (access === 'throwaway') return new DatabaseSync(file, { ...options, defensive: false });
  const uri = pathToFileURL(file);
  // Without this a wrong name would quietly become a new, empty database.
  uri.searchParams.set('mode', 'rw');
  return new DatabaseSync(uri.href, options);
}

/** What SQLite threw, as a `failed` error that names the file; anything else as it is. */
export function nameDatabase(thrown: unknown, file: string): unknown {
  if (!isSqliteError(thrown)) return thrown;
  return new PlexliftError('failed', `Cannot use the database "${basename(file)}": ${messageOf(thrown)}`, {
    facts: [file],
    remedy: 'Check that the disk has room and that the file is whole; take the catalogue again',
    cause: thrown,
  });
}

/** The URI under which SQLite reads `file` and leaves nothing beside it. A write-ahead log that is there is read with it. */
export function readOnlyUri(file: string): string {
  const uri = pathToFileURL(file);
  uri.searchParams.set('mode', 'ro');
  // "immutable" reads past a log that is there, so it is only right without one.
  if (!hasLog(file)) uri.searchParams.set('immutable', '1');
  return uri.href;
}

/** True where a write-ahead log or a rollback journal with content lies beside the database. */
export function hasLog(file: string): boolean {
  return ['-wal', '-journal'].some((suffix) => existsSync(file + suffix) && statSync(file + suffix).size > 0);
}

/** The ordinary tables of a database, from `sqlite_master`. */
export function ordinaryTables(database: DatabaseSync): readonly Table[] {
  const names = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name")
    .all()
    .map(({ name }) => String(name));
  return names.map((name) => {
    const columns = database.prepare('SELECT name FROM pragma_table_xinfo(?) ORDER BY cid').all(name).map((column) => String(column['name']));
    const listed = database.prepare("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'").get(name);
    const alias = ['rowid', '_rowid_', 'oid'].find((candidate) => !columns.some((column) => column.toLowerCase() === candidate));
    return { name, columns, rowid: Number(listed?.['wr'] ?? 0) === 1 ? null : (alias ?? null) };
  });
}

/** Finds what stock SQLite cannot serve, from the schema itself: the text differs between Plex versions. */
export function plexOnlyParts(database: DatabaseSync): PlexOnlyParts {
  const indexes = database
    .prepare("SELECT m.name, m.tbl_name, x.coll FROM sqlite_master AS m, pragma_index_xinfo(m.name) AS x WHERE m.type = 'index' AND x.coll IS NOT NULL")
    .all()
    .filter(({ coll }) => !isStockCollation(String(coll)))
    .map((row) => ({ name: String(row['name']), table: String(row['tbl_name']), collation: String(row['coll']) }));
  const virtualTables = database
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name")
    .all()
    .map((row) => ({ name: String(row['name']), module: /\bUSING\s+["'`[]?(\w+)/i.exec(String(row['sql']))?.[1]?.toLowerCase() ?? '' }));
  const triggers = database
    .prepare("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    .all()
    .map((row) => ({ name: String(row['name']), table: String(row['tbl_name']) }));
  return { indexes, virtualTables, triggers };
}

/** True for the three collations that every SQLite has (https://www.sqlite.org/datatype3.html#collating_sequences). `pragma_collation_list` would also name those that a schema only mentions. */
export function isStockCollation(name: string): boolean {
  return ['BINARY', 'NOCASE', 'RTRIM'].includes(name.toUpperCase());
}

/** `name` as an identifier in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A cell that was selected with `CAST(… AS BLOB)`, or null. */
export function bytesOfCell(cell: unknown): Buffer | null {
  return cell instanceof Uint8Array ? Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength) : null;
}

/** True for what `node:sqlite` throws when SQLite itself says no. */
export function isSqliteError(thrown: unknown): thrown is Error & { readonly errcode: number } {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_SQLITE_ERROR' && 'errcode' in thrown && typeof thrown.errcode === 'number';
}

/** Lets signals and timers have their turn: `node:sqlite` works on the one thread. */
export async function breathe(): Promise<void> {
  await setImmediate();
}
