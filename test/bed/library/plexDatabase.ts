import { DatabaseSync } from 'node:sqlite';
import { createRows, type Rows } from './rows.ts';
import { loadSchema, type PlexSchema } from './schema.ts';

/** Whose schema a database gets, and what fills it. */
export interface PlexDatabaseDraft {
  /** The server's version: search tables changed their form with 1.43.4. */
  readonly version: string;
  readonly fill: (rows: Rows) => void;
}

/**
 * Makes a database with Plex's schema at `path`, which must not exist.
 * Closed cleanly: WAL in its header, 1024-byte pages, no `-wal` beside it.
 */
export function createPlexDatabase(path: string, { version, fill }: PlexDatabaseDraft): void {
  const schema = loadSchema(version);
  // The rows must be in before the real text is: stock SQLite has neither the tokenizer nor the collation that the text names.
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: true, defensive: false });
  try {
    database.exec('PRAGMA page_size=1024; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-262144; BEGIN');
    for (const { sql } of [...schema.tables, ...schema.vocabulary]) database.exec(sql);
    for (const { sql } of schema.virtualTables) if (!isSpellfix(sql)) database.exec(withoutTokenizer(sql));
    for (const { sql } of schema.triggers) database.exec(sql);
    fill(createRows(database));
    // No trigger keeps these two; an index that lags behind its content would be reported as damage.
    for (const { name, sql } of schema.virtualTables) {
      if (sql.includes("content='") && !sql.includes('tokenize=')) database.exec(`INSERT INTO ${name}(${name}) VALUES('rebuild')`);
    }
    // Indexes last: one sort each instead of a hundred scattered writes a row.
    for (const { sql } of schema.indexes) database.exec(sql);
    database.exec(withStockCollation(schema.icuIndex.sql));
    database.exec('ANALYZE; COMMIT');
    putRealText(database, schema);
  } finally {
    database.close();
  }
  markAsWal(path);
}

/** Puts WAL into the header of the database at `path` and leaves no `-wal` behind. */
export function markAsWal(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode=WAL');
  } finally {
    database.close();
  }
}

function putRealText(database: DatabaseSync, schema: PlexSchema): void {
  database.exec('PRAGMA writable_schema=ON; BEGIN');
  const update = database.prepare('UPDATE sqlite_master SET sql = ? WHERE name = ?');
  const insert = database.prepare("INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) VALUES('table', ?, ?, 0, ?)");
  for (const { name, sql } of [...schema.virtualTables, schema.icuIndex]) {
    if (isSpellfix(sql)) insert.run(name, name, sql);
    else update.run(sql, name);
  }
  database.exec('COMMIT; PRAGMA writable_schema=OFF');
}

function isSpellfix(sql: string): boolean {
  return sql.includes('USING spellfix1');
}

function withoutTokenizer(sql: string): string {
  return sql.replace(/, tokenize=[^)]*\)$/, ')');
}

// NOCASE and the bed's icu_root agree on every sort title that sortTitle() makes; the library's test proves it for the rows themselves.
function withStockCollation(sql: string): string {
  return sql.replace('COLLATE icu_root', 'COLLATE NOCASE');
}
