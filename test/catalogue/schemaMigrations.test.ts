import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { libraryCounts } from '../../src/catalogue/libraryCounts.ts';
import { databaseSchemas } from '../../src/catalogue/schemaMigrations.ts';
import { blobsDatabase, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { databaseOf, makeCatalogue, removeScratch, scratchDirectory, tamper } from './smallCatalogue.ts';

const directory = scratchDirectory();

beforeAll(() => makeCatalogue(directory));
afterAll(() => removeScratch(directory));

describe('databaseSchemas', () => {
  it('reads the newest by time, not as text, and each minimum once', async () => {
    tamper(databaseOf(directory), "INSERT INTO schema_migrations(version, rollback_sql, min_version) VALUES ('7', 'DROP INDEX x', ''), ('20200224131300', NULL, '1.41.0.8992'), ('20200225131300', '', ' 1.41.0.8992'), ('9', 'x', NULL)");
    expect(await databaseSchemas(directory)).toEqual([
      { file: blobsDatabase, migrations: 0, reversible: 0, newest: null, minimums: [] },
      { file: libraryDatabase, migrations: 5, reversible: 2, newest: '20260315240000', minimums: ['1.41.0.8992'] },
    ]);
    expect((await libraryCounts(databaseOf(directory))).schemaVersion).toBe('20260315240000');
  });

  it('reads a table of older servers, which has no minimums, and numbers stored as numbers', async () => {
    tamper(databaseOf(directory), 'DROP TABLE schema_migrations; CREATE TABLE schema_migrations(version, rollback_sql text, optimize_on_rollback boolean); INSERT INTO schema_migrations VALUES (20200224131300, NULL, NULL)');
    expect((await databaseSchemas(directory)).at(-1)).toEqual({ file: libraryDatabase, migrations: 1, reversible: 0, newest: '20200224131300', minimums: [] });
  });

  it('tells where the table is missing, but not of databases that never had it', async () => {
    tamper(databaseOf(directory), 'DROP TABLE schema_migrations');
    tamper(databaseOf(directory, 'com.plexapp.dlna.db'), 'CREATE TABLE object_ids(id)');
    writeFileSync(databaseOf(directory, 'tv.plex.providers.epg.cloud-1.db'), '');
    expect((await databaseSchemas(directory)).map(({ file, migrations }) => [file, migrations])).toEqual([[blobsDatabase, 0], [libraryDatabase, null]]);
    expect((await libraryCounts(databaseOf(directory))).schemaVersion).toBe(null);
  });
});
