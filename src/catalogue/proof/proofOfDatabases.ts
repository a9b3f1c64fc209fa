import { DatabaseSync } from 'node:sqlite';
import { breathe, hasLog, nameDatabase, quoted, readOnlyUri } from '../database.ts';
import { compareEqualPages, type EqualPages } from './equalPages.ts';
import { openPages, type FilePages } from './filePages.ts';
import { predictedColumns, type Expected } from './prediction.ts';
import { compareIndex, sameEntries } from './proofOfIndexes.ts';
import { compareHeaders, compareSchema, compareSettings, storedIndexes, storedTables, type StoredTable } from './proofOfSchema.ts';
import { compareStoredRows } from './proofOfStoredRows.ts';
import { compareTable, primaryKeyOf } from './proofOfTables.ts';
import type { Tally } from './proofReport.ts';

/** Two database files; `expected` is null where no cell may change. */
export interface DatabaseComparison {
  readonly before: string;
  readonly after: string;
  readonly expected: Expected | null;
  readonly tally: Tally;
}

interface Pages {
  readonly before: FilePages;
  readonly after: FilePages;
  readonly equal: EqualPages;
}

/** Compares two databases: settings, schema, every row of every table, every index. Differences carry `file` as their file. */
export async function compareDatabases(file: string, { before, after, expected, tally }: DatabaseComparison): Promise<void> {
  const inLog = hasLog(before) || hasLog(after);
  if (!inLog && !compareHeaders(file, { before, after, tally })) return;
  const database = new DatabaseSync(':memory:', { readBigInts: true, enableForeignKeyConstraints: false });
  let pages: Pages | null = null;
  try {
    attach(database, before, 'before');
    attach(database, after, 'after');
    database.exec('PRAGMA trusted_schema = OFF');
    compareSettings(database, { file, inLog, tally });
    compareSchema(database, { file, tally });
    // What a log holds is not in the pages.
    if (!inLog) pages = await openBoth(before, after);
    if (inLog) tally.leaveOpen(`A log lies beside "${file}": every row was compared, but indexes only Plex's own SQLite can read were not`);
    await compareContents(database, { file, expected, pages, tally });
  } catch (thrown) {
    throw nameDatabase(thrown, after);
  } finally {
    database.close();
    pages?.before.close();
    pages?.after.close();
  }
}

interface Contents {
  readonly file: string;
  readonly expected: Expected | null;
  readonly pages: Pages | null;
  readonly tally: Tally;
}

async function compareContents(database: DatabaseSync, { file, expected, pages, tally }: Contents): Promise<void> {
  const tablesAfter = storedTables(database, 'after');
  const changedIn = new Map<string, ReadonlySet<string>>();
  const rowidOf = new Map<string, string | null>();
  for (const table of storedTables(database, 'before').values()) {
    const made = tablesAfter.get(table.name);
    // A table that is gone or has other columns was told by the comparison of the schemas.
    if (made === undefined || made.columns.join('\n') !== table.columns.join('\n') || made.hasRowid !== table.hasRowid) continue;
    rowidOf.set(table.name, table.hasRowid ? (table.key?.[0] ?? null) : null);
    changedIn.set(table.name, await compareOne(database, { file, table, rootPageAfter: made.rootPage, expected, pages, tally }));
    await breathe();
  }
  const indexesBefore = storedIndexes(database, 'before');
  for (const index of storedIndexes(database, 'after').values()) {
    const was = indexesBefore.get(index.name);
    const changed = changedIn.get(index.table);
    // So was an index that is new, or of another table.
    if (was === undefined || was.table !== index.table || changed === undefined) continue;
    const isSame = pages !== null && was.rootPage === index.rootPage && pages.equal.rowsOfEqualTree(index.rootPage) !== null;
    compareIndex(database, { file, index, rootPageBefore: was.rootPage, pages, isSame, rowid: rowidOf.get(index.table) ?? null, changed, tally });
    await breathe();
  }
}

interface OneTable extends Contents {
  readonly table: StoredTable;
  readonly rootPageAfter: number;
}

/** Returns the columns in which a cell differs from before. */
async function compareOne(database: DatabaseSync, { file, table, rootPageAfter, expected, pages, tally }: OneTable): Promise<ReadonlySet<string>> {
  const predicted = (expected === null ? [] : predictedColumns(table.name, expected.fileGuids)).filter(({ column }) => table.columns.includes(column));
  const pairs = expected?.pairs ?? [];
  if (pages !== null && predicted.length === 0 && table.rootPage === rootPageAfter) {
    const rows = pages.equal.rowsOfEqualTree(table.rootPage);
    if (rows !== null) {
      tally.countCompared({ tables: 1, rows });
      return new Set();
    }
  }
  if (!table.hasRowid && !primaryKeyOf(database, table).isReadable) {
    if (pages === null) tally.leaveOpen(`Table "${table.name}" in "${file}" was not compared: only Plex's own SQLite can read it, and the pages of the files cannot be compared`);
    else if (sameEntries(pages, { before: table.rootPage, after: rootPageAfter })) tally.countCompared({ tables: 1 });
    else tally.note({ file, table: table.name, kind: "this table does not hold the same rows, and only Plex's own SQLite can read which" });
    return new Set();
  }
  const raw = pages === null || !table.hasRowid ? null : await compareStoredRows({ ...pages, table, rootPageAfter, predicted, pairs });
  if (raw === null || !raw.isComplete || (raw.doubtful.length > 0 && table.key === null)) {
    tally.countCompared({ tables: 1, rows: Number(database.prepare(`SELECT count(*) AS rows FROM before.${quoted(table.name)} NOT INDEXED`).get()?.['rows']) });
    return compareTable(database, { file, table, pairs, predicted, only: null, tally });
  }
  tally.countCompared({ tables: 1, rows: raw.rows });
  for (const [column, cells] of raw.cells) tally.countCell({ file, table: table.name, column, cells });
  const changed = raw.doubtful.length === 0 ? [] : await compareTable(database, { file, table, pairs, predicted, only: raw.doubtful, tally });
  return new Set([...raw.cells.keys(), ...changed]);
}

function attach(database: DatabaseSync, path: string, schema: 'before' | 'after'): void {
  try {
    database.prepare(`ATTACH ? AS ${schema}`).run(readOnlyUri(path));
    database.exec(`PRAGMA ${schema}.cache_size = -${cacheKib}; SELECT count(*) FROM ${schema}.sqlite_master`);
  } catch (thrown) {
    throw nameDatabase(thrown, path);
  }
}

// Enough for the inner pages of the largest index.
const cacheKib = 16 * 1024;

async function openBoth(before: string, after: string): Promise<Pages | null> {
  const opened = { before: openPages(before), after: openPages(after) };
  const { before: was, after: is } = opened;
  if (was !== null && is !== null && was.pageSizeBytes === is.pageSizeBytes && was.usableBytes === is.usableBytes) {
    return { before: was, after: is, equal: await compareEqualPages(was, is, breathe) };
  }
  was?.close();
  is?.close();
  return null;
}
