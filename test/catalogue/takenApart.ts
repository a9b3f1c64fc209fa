import { DatabaseSync } from 'node:sqlite';

/** One row of the schema table. */
export interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly root: number;
  readonly sql: string | null;
}

/**
 * Lets `change` write to a database whose schema holds only what `keep` makes of each row (null: not there); afterwards the schema is
 * as before. So cells and index entries change that SQLite would otherwise keep in step, and nothing else.
 */
export function withSchemaTakenApart<Result>(file: string, keep: (row: SchemaRow) => SchemaRow | null, change: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(file, { defensive: false, enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: true, readBigInts: true });
  try {
    database.exec('PRAGMA synchronous = OFF; PRAGMA writable_schema = ON');
    const version = Number(database.prepare('PRAGMA schema_version').get()?.['schema_version']);
    const saved = database.prepare('SELECT rowid AS id, type, name, tbl_name, rootpage, sql FROM sqlite_master').all();
    database.exec('BEGIN');
    const put = database.prepare('INSERT INTO sqlite_master(rowid, type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?, ?)');
    database.exec('DELETE FROM sqlite_master');
    for (const row of saved) {
      const kept = keep({ type: String(row['type']), name: String(row['name']), table: String(row['tbl_name']), root: Number(row['rootpage']), sql: row['sql'] === null ? null : String(row['sql']) });
      if (kept !== null) put.run(row['id'] ?? null, kept.type, kept.name, kept.table, kept.root, kept.sql);
    }
    database.exec('COMMIT; PRAGMA writable_schema = RESET');
    let result: Result;
    try {
      result = change(database);
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK');
      database.exec('PRAGMA writable_schema = ON; BEGIN; DELETE FROM sqlite_master');
      const restore = database.prepare('INSERT INTO sqlite_master(rowid, type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?, ?)');
      for (const row of saved) restore.run(row['id'] ?? null, row['type'] ?? null, row['name'] ?? null, row['tbl_name'] ?? null, row['rootpage'] ?? null, row['sql'] ?? null);
      database.exec(`COMMIT; PRAGMA schema_version = ${version}`);
    }
    return result;
  } finally {
    database.close();
  }
}
