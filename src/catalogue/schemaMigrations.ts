import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { blobsDatabase, libraryDatabase } from '../plex/dataDirectory.ts';
import { databaseNames, databasesIn } from './catalogueFiles.ts';
import { ordinaryTables, withDatabase } from './database.ts';

/** What a database tells of the servers that wrote it. */
export type DatabaseSchema = {
  readonly file: string;
  /** Migrations it went through; null where the table for them is missing, and no server of Plex made it. */
  readonly migrations: number | null;
  /** How many of them an older server could take back. */
  readonly reversible: number;
  /** The stamp of the newest one, e.g. `20260401000000`; null where there is none. */
  readonly newest: string | null;
  /** What it wants of a server that opens it: versions, or stamps of migrations; each once. Older libraries say nothing. */
  readonly minimums: readonly string[];
};

/** Reads `schema_migrations` of the library, of its blobs, and of every other database that has it. */
export async function databaseSchemas(directory: string): Promise<readonly DatabaseSchema[]> {
  const schemas: DatabaseSchema[] = [];
  for (const file of databaseNames(directory)) {
    const schema = await withDatabase(join(databasesIn(directory), file), 'read', (database) => schemaOf(database, file));
    if (schema.migrations !== null || isPlexSchema(file)) schemas.push(schema);
  }
  return schemas;
}

function isPlexSchema(file: string): boolean {
  return file === libraryDatabase || file === blobsDatabase;
}

/** What one database tells. */
export function schemaOf(database: DatabaseSync, file: string): DatabaseSchema {
  const columns = ordinaryTables(database).find(({ name }) => name === 'schema_migrations')?.columns;
  if (columns === undefined) return { file, migrations: null, reversible: 0, newest: null, minimums: [] };
  const cell = (name: string): string => (columns.includes(name) ? `CAST(${name} AS TEXT)` : 'NULL');
  const rows = database.prepare(`SELECT ${cell('version')} AS version, ${cell('rollback_sql')} AS rollback, ${cell('min_version')} AS minimum FROM schema_migrations NOT INDEXED`).all();
  const stamps = rows.map(({ version }) => String(version ?? '')).toSorted(byAge);
  return {
    file,
    migrations: rows.length,
    reversible: rows.filter(({ rollback }) => typeof rollback === 'string' && rollback !== '').length,
    newest: stamps.at(-1) ?? null,
    minimums: Array.from(new Set(rows.map(({ minimum }) => String(minimum ?? '').trim()).filter((minimum) => minimum !== ''))).toSorted(),
  };
}

// The earliest migrations are small numbers ("7"), which as texts would come after every time stamp.
function byAge(left: string, right: string): number {
  return left.length - right.length || (left < right ? -1 : Number(left > right));
}
