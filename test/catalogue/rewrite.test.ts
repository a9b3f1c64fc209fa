import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHeader } from '../../src/catalogue/integrity/header.ts';
import { examineCatalogue } from '../../src/catalogue/integrity/integrity.ts';
import { rewriteCatalogue, rewriteDatabase } from '../../src/catalogue/rewrite/rewrite.ts';
import { libraryDatabase, preferencesFile } from '../../src/plex/dataDirectory.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { readPreferences } from '../../src/plex/preferences.ts';
import { contentOf, type TableContent } from './databaseContent.ts';
import { brokenPath, changedCells, databaseOf, makeCatalogue, pairs, removeScratch, scratchDirectory, tamper, untouchedParts, versions } from './smallCatalogue.ts';

const mapping = parseMapping(pairs);
const scratch = scratchDirectory();
const from = join(scratch, 'taken');
const into = join(scratch, 'rewritten');

beforeAll(() => makeCatalogue(from));
afterAll(() => removeScratch(scratch));

function rewrite(): ReturnType<typeof rewriteCatalogue> {
  return rewriteCatalogue({ from, into, mapping, fileGuids: 'leave', friendlyName: 'vm' });
}

function column(file: string, sql: string): unknown[] {
  const database = new DatabaseSync(file, { readOnly: true, readBigInts: true });
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => (row['value'] instanceof Uint8Array ? Buffer.from(row['value']).toString('latin1') : row['value']));
  } finally {
    database.close();
  }
}

function bytes(directory: string): Record<string, string> {
  const databases = join(directory, 'Plug-in Support/Databases');
  return Object.fromEntries(readdirSync(databases).map((name) => [name, readFileSync(join(databases, name)).toString('base64')]));
}

describe('rewriteCatalogue', () => {
  it('maps what lies in the directories and leaves everything else, in both shapes of a library', async () => {
    for (const version of Object.values(versions)) {
      removeScratch(from);
      makeCatalogue(from, { version });
      const before = bytes(from);
      const result = await rewrite();
      expect(bytes(from), 'the catalogue that was taken').toEqual(before);
      const library = result.databases.find(({ file }) => file.endsWith(libraryDatabase));
      expect(Object.fromEntries(library?.columns.map(({ column, changed }) => [column, changed]) ?? [])).toEqual(changedCells);

      const parts = column(databaseOf(into), 'SELECT CAST(file AS BLOB) AS value FROM media_parts NOT INDEXED ORDER BY id');
      expect(parts).toContain(Buffer.from(`/media/library/Movies/A_b%c (2001)/it's "one".mkv`).toString('latin1'));
      expect(parts).toContain(Buffer.from('/media/library/Movies/🎬/é.mkv'.normalize('NFD')).toString('latin1'));
      expect(parts).toContain('/media/library/mnt/nas-plex/twice.mkv');
      expect(parts).toContain('/media/optimized/Plex Versions/A/a.mp4');
      expect(parts.at(-1)).toBe(brokenPath.toString('latin1').replace('/mnt/nas-plex', '/media/library'));
      for (const untouched of untouchedParts) expect(parts).toContain(untouched === null ? null : Buffer.from(untouched).toString('latin1'));
      expect(column(databaseOf(into), "SELECT count(*) AS value FROM media_parts NOT INDEXED WHERE typeof(file) = 'blob'")).toEqual([1n]);
      expect(column(databaseOf(into), "SELECT url AS value FROM media_streams WHERE url LIKE 'file:%' ORDER BY id")).toEqual([
        'file:///media/library/Movies/A%20(2001)/100%25.srt',
        'file:///media/library/Movies/B (2002)/raw.srt',
        'file:///srv/other.srt',
      ]);
      expect(column(databaseOf(into), 'SELECT guid AS value FROM metadata_items WHERE id = 2')).toEqual(['file:///mnt/nas-plex/Movies/extra.mkv']);
    }
  });

  it('gives the same when it is repeated: nothing is mapped twice', async () => {
    await rewrite();
    const once = bytes(into);
    await rewrite();
    expect(bytes(into)).toEqual(once);
  });

  it('leaves one sound file a database, with the journal mode and page size it had', async () => {
    tamper(databaseOf(from), 'PRAGMA journal_mode = WAL');
    await rewrite();
    expect(readdirSync(join(into, 'Plug-in Support/Databases')).filter((name) => /-(?:wal|shm|journal)$/.test(name))).toEqual([]);
    expect(readHeader(databaseOf(into)).header).toMatchObject({ journal: 'wal', pageSizeBytes: 1024 });
    tamper(databaseOf(from), 'PRAGMA journal_mode = DELETE');
    await rewrite();
    expect(readHeader(databaseOf(into)).header).toMatchObject({ journal: 'rollback', pageSizeBytes: 1024 });
    expect(await examineCatalogue(into)).toMatchObject({ ok: true, missing: [] });
  });

  it('tells how many rows it looked at, all in all', async () => {
    const told: number[] = [];
    const { databases } = await rewriteCatalogue({ from, into, mapping, fileGuids: 'leave', friendlyName: null, onRows: (rows) => told.push(rows) });
    expect(told).toEqual(told.toSorted((left, right) => left - right));
    expect(told.at(-1)).toBeGreaterThanOrEqual(databases.flatMap(({ columns }) => columns.map(({ rows }) => rows)).reduce((sum, rows) => sum + rows));
  });

  it('refuses a catalogue that is not whole, and to write over what was taken', async () => {
    const partial = join(scratch, 'partial');
    cpSync(from, partial, { recursive: true });
    rmSync(join(partial, preferencesFile));
    await expect(rewriteCatalogue({ from: partial, into, mapping, fileGuids: 'leave', friendlyName: null })).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('"Preferences.xml" is missing') as string });
    await expect(rewriteCatalogue({ from, into: from, mapping, fileGuids: 'leave', friendlyName: null })).rejects.toThrow('into itself');
    expect(existsSync(databaseOf(from))).toBe(true);
  });

  it('edits the settings', async () => {
    await rewrite();
    const preferences = readPreferences(readFileSync(join(into, preferencesFile)));
    expect(preferences.get('GlobalMusicVideoPath')).toBe('/media/library/Clips & more');
    expect([preferences.get('TranscoderTempDirectory'), preferences.get('FriendlyName'), preferences.get('PlexOnlineToken')]).toEqual([null, 'vm', 's3cret']);
  });
});

describe('rewriteDatabase', () => {
  async function refusal(sql: string): Promise<{ readonly thrown: unknown; readonly unchanged: boolean; readonly contentBefore: TableContent; readonly contentAfter: TableContent }> {
    const copy = join(scratch, 'refused', libraryDatabase);
    removeScratch(join(scratch, 'refused'));
    cpSync(databaseOf(from), copy, { recursive: true });
    tamper(copy, sql);
    const [before, contentBefore] = [readFileSync(copy), contentOf(copy)];
    const thrown = await rewriteDatabase(copy, { mapping, fileGuids: 'leave' }).catch((error: unknown) => error);
    return { thrown, unchanged: readFileSync(copy).equals(before), contentBefore, contentAfter: contentOf(copy) };
  }

  it.each([
    ['CREATE TRIGGER spy AFTER UPDATE ON media_parts BEGIN UPDATE media_items SET width = 1; END', 'trigger "spy"'],
    ["CREATE INDEX odd ON media_parts(file); PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE INDEX odd ON media_parts(file COLLATE icu_root)' WHERE name = 'odd'", 'collation "icu_root"'],
    [`PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, '"url" varchar', '"uri" varchar') WHERE name = 'media_streams'`, 'no column "url"'],
    ['DROP TABLE section_locations', 'no column "root_path"'],
  ])('refuses after %j and changes nothing', async (sql, fact) => {
    const { thrown, unchanged } = await refusal(sql);
    expect(thrown).toMatchObject({ kind: 'refused', message: expect.stringContaining(fact) as string });
    expect(unchanged).toBe(true);
  });

  it('takes everything back when a row cannot be changed', async () => {
    const taken = 'file:///media/library/Movies/B (2002)/raw.srt';
    const { thrown, contentBefore, contentAfter } = await refusal(`CREATE UNIQUE INDEX once ON media_streams(url); INSERT INTO media_streams(url) VALUES ('${taken}')`);
    expect(thrown).toMatchObject({ kind: 'refused', message: expect.stringContaining('UNIQUE constraint failed: media_streams.url') as string, facts: [expect.stringContaining('"file:///media/library"') as string] });
    expect(contentAfter).toEqual(contentBefore);
    // What lies beside it would be taken for its log.
    expect(readdirSync(join(scratch, 'refused'))).toEqual([libraryDatabase]);
  });

  it('takes a library of any name, and refuses what is none', async () => {
    const copy = join(scratch, 'library by hand (1).sqlite');
    cpSync(databaseOf(from), copy);
    const { columns } = await rewriteDatabase(copy, { mapping, fileGuids: 'leave' });
    expect(Object.fromEntries(columns.map(({ column, changed }) => [column, changed]))).toEqual(changedCells);
    const other = join(scratch, 'other.sqlite');
    tamper(other, 'CREATE TABLE media_parts(file text)');
    await expect(rewriteDatabase(other, { mapping, fileGuids: 'leave' })).rejects.toMatchObject({ kind: 'refused', message: 'Cannot rewrite "other.sqlite": it has no column "root_path" in a table "section_locations"' });
  });

  it('refuses a database that is not settled, and one that is not there', async () => {
    const copy = join(scratch, 'unsettled.db');
    cpSync(databaseOf(from), copy);
    cpSync(databaseOf(from), `${copy}-wal`);
    await expect(rewriteDatabase(copy, { mapping, fileGuids: 'leave' })).rejects.toMatchObject({ kind: 'refused' });
    const absent = join(scratch, 'absent.db');
    await expect(rewriteDatabase(absent, { mapping, fileGuids: 'leave' })).rejects.toThrow(/absent\.db/);
    expect(existsSync(absent)).toBe(false);
  });
});
