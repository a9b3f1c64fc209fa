import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { messageOf, PlexliftError } from '../errors.ts';
import { blobsDatabase, holdsMediaPaths, isDatedBackup, libraryDatabase } from '../plex/dataDirectory.ts';
import { copyInto, databaseNames, databasesIn, datedBackupNames } from './catalogueFiles.ts';
import { breathe, isSqliteError, ordinaryTables, plexOnlyParts, quoted, withDatabase, type PlexOnlyParts } from './database.ts';
import { readHeader } from './header.ts';

/** One thing that a check of a database said; `table` is null where it concerns the whole file. */
export type IntegrityMessage = {
  readonly table: string | null;
  readonly message: string;
};

/** What is known of the soundness of one database. */
export type IntegrityReport = {
  readonly file: string;
  /** True where nothing that stock SQLite can prove is wrong. */
  readonly ok: boolean;
  /** Damage. */
  readonly messages: readonly IntegrityMessage[];
  /** Odd, but found in libraries that work: dangling references, numbers stored as text. */
  readonly warnings: readonly IntegrityMessage[];
  /** What only Plex's own SQLite can prove. */
  readonly notProven: readonly string[];
};

/** What is known of the soundness of a whole catalogue. */
export type CatalogueIntegrity = {
  readonly ok: boolean;
  readonly databases: readonly IntegrityReport[];
  /** Databases every library has and this one lacks. */
  readonly missing: readonly string[];
};

/** Options of an examination: where throwaway copies may lie (default: the system's directory for such files). */
export interface ExamineOptions {
  readonly scratchDirectory?: string;
}

/** Examines every database of a catalogue; of dated backups only the header, as they are moved as they are. */
export async function examineCatalogue(directory: string, options: ExamineOptions = {}): Promise<CatalogueIntegrity> {
  const names = databaseNames(directory);
  const databases: IntegrityReport[] = [];
  for (const name of names) databases.push(await examineDatabase(join(databasesIn(directory), name), options));
  for (const name of datedBackupNames(directory)) databases.push(examineDatedBackup(join(databasesIn(directory), name)));
  const missing = [libraryDatabase, blobsDatabase].filter((name) => !names.includes(name));
  // A damaged backup of Plex's own is worth knowing, but it is not the library.
  const working = databases.filter(({ file }) => !isDatedBackup(basename(file)));
  return { ok: missing.length === 0 && working.every(({ ok }) => ok), databases, missing };
}

/** Examines one database without changing it: header, each table, references, and the whole file on a throwaway copy. */
export async function examineDatabase(file: string, options: ExamineOptions = {}): Promise<IntegrityReport> {
  const { header, faults } = readHeader(file);
  // To SQLite an empty file is a database without tables; of the two that hold the library it is a loss.
  if (statSync(file).size === 0 && !holdsMediaPaths(basename(file))) return { file, ok: true, messages: [], warnings: [{ table: null, message: 'the file is empty' }], notProven: [] };
  const messages: IntegrityMessage[] = faults.map((message) => ({ table: null, message }));
  if (header === null) return { file, ok: false, messages, warnings: [], notProven: [] };
  const warnings: IntegrityMessage[] = [];
  const notProven: string[] = [];
  const attempt = async (examine: () => Promise<unknown>): Promise<void> => {
    try {
      await examine();
    } catch (thrown) {
      // A full disk here is no damage to the library.
      if (!(thrown instanceof PlexliftError) || !isSqliteError(thrown.cause) || thrown.cause.errcode === sqliteFull) throw thrown;
      messages.push({ table: null, message: messageOf(thrown.cause) });
    }
  };
  // Each by itself: where one cannot go on, the others may still name what is wrong.
  await attempt(async () => sort(await checkWholeCopy(file, options), { messages, warnings }));
  await attempt(() => withDatabase(file, 'read', (database) => warnings.push(...danglingReferences(database))));
  await attempt(() => withDatabase(file, 'read', (database) => notProven.push(...unprovable(plexOnlyParts(database)))));
  // The whole covers every table; each by itself is only looked at to say where the damage is.
  if (messages.length > 0) await attempt(() => withDatabase(file, 'read', async (database) => sort(await checkTables(database), { messages, warnings })));
  const distinct = distinctMessages(messages);
  return { file, ok: distinct.length === 0, messages: distinct, warnings, notProven };
}

// The same words may come from the whole and from a table; the one that names the table is kept.
function distinctMessages(messages: readonly IntegrityMessage[]): readonly IntegrityMessage[] {
  const named = new Set(messages.filter(({ table }) => table !== null).map(({ message }) => message));
  const kept = messages.filter(({ table, message }) => table !== null || !named.has(message));
  return Array.from(new Map(kept.map((found) => [`${found.table}\n${found.message}`, found])).values());
}

// SQLITE_FULL, https://www.sqlite.org/rescode.html
const sqliteFull = 13;

function examineDatedBackup(file: string): IntegrityReport {
  const messages = readHeader(file).faults.map((message) => ({ table: null, message }));
  return { file, ok: messages.length === 0, messages, warnings: [], notProven: ['Only the header was looked at: dated backups are moved as they are'] };
}

/** Each table by itself, so that a message can be laid to its table even where the whole cannot be checked. */
async function checkTables(database: DatabaseSync): Promise<IntegrityMessage[]> {
  const { indexes } = plexOnlyParts(database);
  const messages: IntegrityMessage[] = [];
  const deferred = new Set(indexes.map(({ table }) => table));
  for (const { name } of ordinaryTables(database)) {
    // A table with a Plex-only index cannot be checked here; the throwaway copy, which lacks that index, is.
    if (deferred.has(name)) continue;
    for (const message of integrityCheck(database, name)) messages.push({ table: name, message });
    await breathe();
  }
  return messages;
}

function danglingReferences(database: DatabaseSync): IntegrityMessage[] {
  const counted = new Map<string, IntegrityMessage & { readonly count: number }>();
  for (const row of database.prepare('PRAGMA foreign_key_check').iterate()) {
    const table = String(row['table']);
    const parent = String(row['parent']);
    const count = (counted.get(`${table}\n${parent}`)?.count ?? 0) + 1;
    counted.set(`${table}\n${parent}`, { table, count, message: `${count} of its rows name${count === 1 ? 's' : ''} a row of "${parent}" that does not exist` });
  }
  return Array.from(counted.values(), ({ table, message }) => ({ table, message }));
}

/** The whole file, on a copy from which everything was taken that stock SQLite cannot serve. */
async function checkWholeCopy(file: string, { scratchDirectory = tmpdir() }: ExamineOptions): Promise<IntegrityMessage[]> {
  const scratch = mkdtempSync(join(scratchDirectory, 'plexlift-examine-'));
  const copy = join(scratch, 'copy.db');
  try {
    for (const suffix of ['', '-wal', '-journal']) {
      if (existsSync(file + suffix)) copyInto(file + suffix, copy + suffix);
    }
    return await withDatabase(copy, 'throwaway', async (database) => {
      database.exec('PRAGMA journal_mode = DELETE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF');
      removePlexOnlyParts(database);
      await breathe();
      const tables = tablesOfRootPages(database);
      return integrityCheck(database, null).map((message) => ({ table: tableOf(message, tables), message }));
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function removePlexOnlyParts(database: DatabaseSync): void {
  const { indexes, virtualTables } = plexOnlyParts(database);
  database.exec('PRAGMA writable_schema = ON');
  database.exec("DELETE FROM sqlite_master WHERE type = 'trigger'");
  const remove = database.prepare("DELETE FROM sqlite_master WHERE type = 'table' AND name = ?");
  // Full-text tables that Plex keeps empty beside their content would fail their own self-check; an rtree passes it in every library.
  for (const { name, module } of virtualTables) if (module !== 'rtree') remove.run(name);
  database.exec('PRAGMA writable_schema = RESET');
  // Dropped, not deleted from the schema: otherwise its pages would count as lost.
  for (const { name } of indexes) database.exec(`DROP INDEX ${quoted(name)}`);
}

function integrityCheck(database: DatabaseSync, table: string | null): string[] {
  const sql = table === null ? 'PRAGMA integrity_check(1000)' : `PRAGMA integrity_check(${quoted(table)})`;
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => String(row['integrity_check']))
      .filter((message) => message !== 'ok');
  } catch (thrown) {
    // Damage can be such that the check itself stops.
    if (!isSqliteError(thrown)) throw thrown;
    return [messageOf(thrown)];
  }
}

// Values whose storage class is not what the column's type suggests: any program may write them, and none stumbles over them.
const harmless = /^(?:NUMERIC|TEXT) value in /;

function sort(found: readonly IntegrityMessage[], { messages, warnings }: { readonly messages: IntegrityMessage[]; readonly warnings: IntegrityMessage[] }): void {
  for (const each of found) (harmless.test(each.message) ? warnings : messages).push(each);
}

interface Owners {
  readonly byPage: ReadonlyMap<string, string>;
  readonly byName: ReadonlyMap<string, string>;
}

function tablesOfRootPages(database: DatabaseSync): Owners {
  const rows = database.prepare('SELECT name, tbl_name, rootpage FROM sqlite_master WHERE rootpage > 0').all();
  return {
    byPage: new Map(rows.map((row) => [String(row['rootpage']), String(row['tbl_name'])])),
    byName: new Map(rows.map((row) => [String(row['name']), String(row['tbl_name'])])),
  };
}

function tableOf(message: string, { byPage, byName }: Owners): string | null {
  const page = /\bTree (\d+)\b/.exec(message)?.[1];
  if (page !== undefined) return byPage.get(page) ?? null;
  const name = /\b(?:index|value in) ([^\s.]+)/.exec(message)?.[1];
  return name === undefined ? null : (byName.get(name) ?? null);
}

function unprovable({ indexes, virtualTables }: PlexOnlyParts): string[] {
  return [
    ...indexes.map(({ name, table, collation }) => `Index "${name}" of "${table}": its order is that of the collation "${collation}", which only Plex's own SQLite has`),
    ...virtualTables
      .filter(({ module }) => module !== 'rtree')
      .map(({ name, module }) => `Search table "${name}" (${module}): only its stored pages were checked, its content only Plex's own SQLite can read`),
  ];
}
