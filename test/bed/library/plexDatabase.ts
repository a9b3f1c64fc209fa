import { DatabaseSync } from 'node:sqlite';
import { createRowsOf2019 } from './rowsOf2019.ts';
import { createRows, type Rows } from './rows.ts';
import { loadSchema, schemaEra, type PlexSchema, type SchemaStatement } from './schema.ts';

/** How the file itself is laid out; what is not given is as a fresh server makes it. */
export interface DatabaseLayout {
  /** 512 to 65,536, a power of two; 1,024 if not given. */
  readonly pageSizeBytes?: number;
  /** What the header says; WAL if not given. */
  readonly journal?: 'wal' | 'delete';
  readonly autoVacuum?: 'none' | 'full' | 'incremental';
}

/** Whose schema a database gets, and what fills it. */
export interface PlexDatabaseDraft {
  /** The server's version: it decides the form of the schema, and how rows are written. */
  readonly version: string;
  /** A schema of which `version` knows nothing; that of `version` if not given. */
  readonly schema?: PlexSchema | undefined;
  readonly layout?: DatabaseLayout;
  /** The open database is for what rows cannot say; its search tables have stock tokenizers as yet. */
  readonly fill: (rows: Rows, database: DatabaseSync) => void;
}

/**
 * Makes a database with Plex's schema at `path`, which must not exist.
 * Closed cleanly: no `-wal` beside it.
 */
export function createPlexDatabase(path: string, { version, schema = loadSchema(version), layout = {}, fill }: PlexDatabaseDraft): void {
  const { pageSizeBytes = 1024, journal = 'wal', autoVacuum = 'none' } = layout;
  // The rows must be in before the real text is: stock SQLite has neither the tokenizer nor the collation that the text names.
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: true, defensive: false });
  try {
    database.exec(`PRAGMA page_size=${pageSizeBytes}; PRAGMA auto_vacuum=${autoVacuum}; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-262144; BEGIN`);
    for (const { sql } of [...schema.tables, ...schema.vocabulary]) database.exec(withStockCollation(sql));
    for (const { sql } of schema.virtualTables) if (isStock(sql)) database.exec(withoutTokenizer(sql));
    for (const { sql } of [...schema.triggers, ...schema.views, ...schema.indexes.filter(isUnique)]) database.exec(sql);
    fill(schemaEra(version) === '2019' ? createRowsOf2019(database) : createRows(database), database);
    // No trigger keeps these two; an index that lags behind its content would be reported as damage.
    for (const { name, sql } of schema.virtualTables) {
      if (sql.includes("content='") && !sql.includes('tokenize=')) database.exec(`INSERT INTO ${name}(${name}) VALUES('rebuild')`);
    }
    // The others last: one sort each instead of a hundred scattered writes a row.
    for (const { sql } of schema.indexes.filter((index) => !isUnique(index))) database.exec(sql);
    for (const { sql } of schema.collatedIndexes) database.exec(withStockCollation(sql));
    database.exec('ANALYZE; COMMIT');
    putRealText(database, schema);
  } finally {
    database.close();
  }
  if (journal === 'wal') markAsWal(path);
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
  for (const { name, sql } of schema.virtualTables) {
    if (isStock(sql)) update.run(sql, name);
    else insert.run(name, name, sql);
  }
  for (const { name, sql } of [...schema.tables, ...schema.collatedIndexes]) if (sql !== withStockCollation(sql)) update.run(sql, name);
  database.exec('COMMIT; PRAGMA writable_schema=OFF');
}

function isUnique({ sql }: SchemaStatement): boolean {
  return sql.startsWith('CREATE UNIQUE');
}

// False for modules that only Plex has, such as spellfix1: of those the text alone can be written.
function isStock(sql: string): boolean {
  return / USING (?:fts[345]|rtree)\b/.test(sql);
}

function withoutTokenizer(sql: string): string {
  return sql.replace(/, tokenize=[^)]*\)$/, ')');
}

// NOCASE and the bed's icu_root agree on every sort title that sortTitle() makes; the library's test proves it for the rows themselves.
function withStockCollation(sql: string): string {
  return sql.replaceAll(/COLLATE (?:icu_\w+|naturalsort)/g, 'COLLATE NOCASE');
}
