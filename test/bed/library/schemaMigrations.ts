import { schemaEra } from './schema.ts';
import type { Rows } from './rows.ts';

const firstVersions = ['0', '20100101000000', '20200224131300', '20220304120000', '20230920090100', '20240207101500'];

/** Versions of the schema that the database of a server of `version` has gone through, oldest first: one that does not know the last is older than the database. */
export function schemaMigrations(version: string): readonly string[] {
  const era = schemaEra(version);
  if (era === '2019') return firstVersions.slice(0, 3);
  // The make-believe schema changed in every month from April 2024 on; servers before 1.43.4 end with October 2025.
  const months = era === 'now' ? 23 : 19;
  const later = Array.from({ length: months }, (_, index) => {
    const month = index + 3;
    return `${2024 + Math.floor(month / 12)}${String((month % 12) + 1).padStart(2, '0')}15${String(index).padStart(2, '0')}3000`;
  });
  return [...firstVersions, ...later];
}

/** Writes `schema_migrations`; most can be rolled back, some cannot. */
export function addSchemaMigrations(rows: Rows, version: string): void {
  for (const [index, migration] of schemaMigrations(version).entries()) {
    rows.insert('schema_migrations', {
      version: migration, rollback_sql: index % 3 === 0 ? null : `DROP INDEX IF EXISTS 'index_of_${migration}'`,
      optimize_on_rollback: index % 5 === 0 ? true : null, min_version: index > 20 ? '1.41.0.8992' : '',
    });
  }
}
