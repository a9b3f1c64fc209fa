import { DatabaseSync } from 'node:sqlite';
import { loadSchema, type PlexSchema } from '../test/bed/library/schema.ts';
import { countsOf } from './counts.ts';
import { fillLibrary } from './libraryRows.ts';
import { fillRemainingTables } from './remainingTables.ts';
import { putWords } from './words.ts';

/** How large a library to make. Servers of today start with pages of 1024 bytes. */
export interface LargeLibrary {
  readonly parts: number;
  readonly pageSizeBytes: number;
}

/** Makes a library with Plex's schema (1.43.4) and rows in every table of it at `file`, which must not exist; the same for the same options. */
export function makeLargeLibrary(file: string, { parts, pageSizeBytes }: LargeLibrary): void {
  const schema = loadSchema();
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: true, defensive: false });
  try {
    database.exec(`PRAGMA page_size=${pageSizeBytes}; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE`);
    database.exec('PRAGMA cache_size=-524288; PRAGMA temp_store=MEMORY; PRAGMA threads=2; BEGIN');
    for (const { sql } of [...schema.tables, ...schema.vocabulary]) database.exec(sql);
    for (const { sql } of schema.virtualTables) if (!isSpellfix(sql)) database.exec(withStockTokenizer(sql));
    putWords(database);
    const counts = countsOf(parts);
    fillLibrary(database, counts);
    fillRemainingTables(database, counts);
    // Indexes and triggers last: one sort each, and no trigger fires for what was put into the search tables above.
    for (const { sql } of [...schema.indexes, ...schema.triggers]) database.exec(sql);
    for (const { sql } of schema.collatedIndexes) database.exec(sql.replace('COLLATE icu_root', 'COLLATE NOCASE'));
    database.exec('DROP TABLE temp.phrase; DROP TABLE temp.prose; PRAGMA analysis_limit=400; ANALYZE; COMMIT');
    putRealText(database, schema);
  } finally {
    database.close();
  }
  markAsWal(file);
}

/** The text that stock SQLite cannot serve goes in when all rows are: the tokenizer and the collation exist only in Plex. */
function putRealText(database: DatabaseSync, schema: PlexSchema): void {
  database.exec('PRAGMA writable_schema=ON; BEGIN');
  const update = database.prepare('UPDATE sqlite_master SET sql = ? WHERE name = ?');
  const insert = database.prepare("INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) VALUES('table', ?, ?, 0, ?)");
  for (const { name, sql } of [...schema.virtualTables, ...schema.collatedIndexes]) {
    if (isSpellfix(sql)) insert.run(name, name, sql);
    else update.run(sql, name);
  }
  database.exec('COMMIT; PRAGMA writable_schema=OFF');
}

function markAsWal(file: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA journal_mode=WAL');
  } finally {
    database.close();
  }
}

function isSpellfix(sql: string): boolean {
  return sql.includes('USING spellfix1');
}

function withStockTokenizer(sql: string): string {
  return sql.replace(/, tokenize=[^)]*\)$/, ')');
}
