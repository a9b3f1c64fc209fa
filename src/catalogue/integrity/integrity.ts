import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { messageOf, PlexliftError } from '../../errors.ts';
import { blobsDatabase, holdsMediaPaths, isDatedBackup, libraryDatabase } from '../../plex/dataDirectory.ts';
import { copyInto, databaseNames, databasesIn, datedBackupNames } from '../catalogueFiles.ts';
import { hasLog, isSqliteError, ordinaryTables, plexOnlyParts, withDatabase } from '../database.ts';
import { readHeader } from './header.ts';
import type { IntegrityMessage } from './integrityLines.ts';
import { unprovenIn } from './integrityWords.ts';
import { examineLog } from './logFaults.ts';
import { checkTables, checkWhole, isDiskFull, lacksPart } from './wholeCheck.ts';

export type { IntegrityMessage } from './integrityLines.ts';

/** What is known of the soundness of one database. */
export type IntegrityReport = {
  readonly file: string;
  /** True where nothing that stock SQLite can prove is wrong. */
  readonly ok: boolean;
  /** Damage. */
  readonly messages: readonly IntegrityMessage[];
  /** Odd, but found in libraries that work: dangling references, numbers stored as text, a log that ends within a transaction. */
  readonly warnings: readonly IntegrityMessage[];
  /** What only Plex's own SQLite can prove. */
  readonly notProven: readonly string[];
  /** True where it is the log beside the file that is damaged, or another database's. */
  readonly logIsSuspect: boolean;
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

/** Examines every database of a catalogue, with the logs beside them; of dated backups only the header, as they are moved as they are. */
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

/** Examines one database without changing it: header, log, references, and the whole file on a throwaway copy. */
export async function examineDatabase(file: string, options: ExamineOptions = {}): Promise<IntegrityReport> {
  const { header, faults } = readHeader(file);
  // To SQLite an empty file is a database without tables; of the two that hold the library it is a loss.
  if (faults[0] === emptyFile && !holdsMediaPaths(basename(file))) return { file, ok: true, messages: [], warnings: [{ table: null, message: emptyFile }], notProven: [], logIsSuspect: false };
  const ofFile = (lines: readonly string[]): readonly IntegrityMessage[] => lines.map((message) => ({ table: null, message }));
  if (header === null) return { file, ok: false, messages: ofFile(faults), warnings: [], notProven: [], logIsSuspect: false };
  const log = examineLog(file, header);
  if (log.faults.length > 0) return { file, ok: false, messages: ofFile([...log.faults, ...faults]), warnings: [], notProven: [], logIsSuspect: true };

  const found = await examineContent(file, options);
  const messages = distinct([...ofFile(faults), ...found.messages]);
  const isSoundAlone = messages.length > 0 && hasLog(file) && (await examineContent(file, { ...options, withoutLog: true })).messages.length === 0;
  return {
    file,
    ok: messages.length === 0,
    messages: isSoundAlone ? [{ table: null, message: `without the ${existsSync(`${file}-wal`) ? 'write-ahead log' : 'rollback journal'} beside it the database is sound: that is damaged, or belongs to another database or another state of this one` }, ...messages] : messages,
    warnings: [...ofFile(log.warnings), ...found.warnings],
    notProven: found.notProven,
    logIsSuspect: isSoundAlone,
  };
}

const emptyFile = 'the file is empty';

function distinct(messages: readonly IntegrityMessage[]): readonly IntegrityMessage[] {
  return Array.from(new Map(messages.map((found) => [`${found.table}\n${found.message}`, found])).values());
}

function examineDatedBackup(file: string): IntegrityReport {
  const messages = readHeader(file).faults.map((message) => ({ table: null, message }));
  return { file, ok: messages.length === 0, messages, warnings: [], notProven: ['Only the header was looked at: dated backups are moved as they are'], logIsSuspect: false };
}

interface Content {
  readonly messages: readonly IntegrityMessage[];
  readonly warnings: readonly IntegrityMessage[];
  readonly notProven: readonly string[];
}

interface ContentOptions extends ExamineOptions {
  readonly withoutLog?: boolean;
}

/** The whole file and its references, on a copy that is taken apart as far as stock SQLite needs it. */
async function examineContent(file: string, { scratchDirectory = tmpdir(), withoutLog = false }: ContentOptions): Promise<Content> {
  const scratch = mkdtempSync(join(scratchDirectory, 'plexlift-examine-'));
  const copy = join(scratch, basename(file));
  const found: IntegrityMessage[] = [];
  const [references, notProven]: [IntegrityMessage[], string[]] = [[], []];
  // Each by itself: where one cannot go on, the others may still name what is wrong.
  const attempt = async (examine: (database: DatabaseSync) => Promise<void> | void): Promise<void> => {
    try {
      await withDatabase(copy, 'throwaway', examine);
    } catch (thrown) {
      // A full disk here is no damage to the library.
      if (!(thrown instanceof PlexliftError) || !isSqliteError(thrown.cause) || isDiskFull(thrown.cause)) throw thrown;
      if (lacksPart(thrown.cause)) notProven.push(`A part of the file could not be checked by the SQLite of this computer: ${messageOf(thrown.cause)}`);
      else found.push({ table: null, message: messageOf(thrown.cause) });
    }
  };
  try {
    for (const suffix of withoutLog ? [''] : ['', '-wal', '-journal']) {
      if (existsSync(file + suffix)) copyInto(file + suffix, copy + suffix);
    }
    await attempt((database) => {
      database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF');
      found.push(...lackingTables(database, basename(file)));
    });
    await attempt((database) => void references.push(...danglingReferences(database)));
    await attempt(async (database) => {
      const { virtualTables } = plexOnlyParts(database);
      const { messages, ...left } = await checkWhole(database);
      found.push(...messages);
      notProven.push(...unprovenIn({ ...left, virtualTables }));
    });
    // Damage can be such that the whole cannot be checked; then each table by itself, to say where.
    if (found.length > 0 && found.every(({ table }) => table === null)) await attempt(async (database) => void found.push(...(await checkTables(database))));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { messages: found.filter(({ message }) => !harmless.test(message)), warnings: [...found.filter(({ message }) => harmless.test(message)), ...references], notProven };
}

// Values whose storage class is not what the column's type suggests: any program may write them, and none stumbles over them.
const harmless = /^(?:NUMERIC|TEXT) value in /;

/** Tables that the library and its companion have in every version; without them a file is sound, and the database of something else. */
const coreTables = ['library_sections', 'section_locations', 'metadata_items', 'media_items', 'media_parts', 'metadata_item_settings'];

function lackingTables(database: DatabaseSync, name: string): readonly IntegrityMessage[] {
  if (!holdsMediaPaths(name)) return [];
  const present = new Set(ordinaryTables(database).map((table) => table.name));
  const lacking = coreTables.filter((table) => !present.has(table));
  return lacking.length === 0 ? [] : [{ table: null, message: `it has no table ${lacking.map((table) => `"${table}"`).join(', ')}, as every library of Plex does` }];
}

function danglingReferences(database: DatabaseSync): readonly IntegrityMessage[] {
  const counted = new Map<string, IntegrityMessage & { readonly count: number }>();
  for (const row of database.prepare('PRAGMA foreign_key_check').iterate()) {
    const table = String(row['table']);
    const parent = String(row['parent']);
    const count = (counted.get(`${table}\n${parent}`)?.count ?? 0) + 1;
    counted.set(`${table}\n${parent}`, { table, count, message: `${count} of its rows name${count === 1 ? 's' : ''} a row of "${parent}" that does not exist` });
  }
  return Array.from(counted.values(), ({ table, message }) => ({ table, message }));
}
