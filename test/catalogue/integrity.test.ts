import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { examineCatalogue, examineDatabase } from '../../src/catalogue/integrity/integrity.ts';
import { blobsDatabase } from '../../src/plex/dataDirectory.ts';
import { swapEntries } from './rawPages.ts';
import { databaseOf, makeCatalogue, removeScratch, scratchDirectory, tamper, versions } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const sound = join(scratch, 'sound');
const damaged = join(scratch, 'damaged');
const workspace = join(scratch, 'workspace');
const file = databaseOf(damaged);

beforeAll(() => {
  makeCatalogue(sound, {
    fill: (rows) => {
      for (let row = 0; row < 2_000; row += 1) rows.insert('media_parts', { media_item_id: 1, file: `/mnt/nas-plex/many/${row}.mkv` });
    },
  });
  cpSync(sound, workspace, { recursive: true });
});
beforeEach(() => {
  removeScratch(damaged);
  cpSync(sound, damaged, { recursive: true });
});
afterAll(() => removeScratch(scratch));

/** The page on which the b-tree of a table or index begins, and the size of pages. */
function page(name: string): { readonly number: number; readonly size: number } {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const row = database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(name);
    return { number: Number(row?.['rootpage']), size: Number(database.prepare('PRAGMA page_size').get()?.['page_size']) };
  } finally {
    database.close();
  }
}

function overwrite(at: number, bytes: Uint8Array): void {
  const content = readFileSync(file);
  content.set(bytes, at);
  writeFileSync(file, content);
}

describe('examineDatabase', () => {
  it('finds a sound library sound, says what it could not prove, and leaves nothing behind', async () => {
    const before = readFileSync(file);
    const report = await examineDatabase(file, { scratchDirectory: workspace });
    expect(report).toMatchObject({ ok: true, messages: [], warnings: [] });
    expect(report.notProven.join('\n')).toContain('"index_title_sort_icu" of "metadata_items"');
    expect(report.notProven.join('\n')).toContain('"spellfix_tag_titles" (spellfix1)');
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(join(damaged, 'Plug-in Support/Databases')).filter((name) => /-(?:wal|shm)$/.test(name))).toEqual([]);
    expect(readdirSync(workspace)).toEqual(readdirSync(sound));
  });

  it('finds a library of the shape before 1.43.4 sound too', async () => {
    const older = join(scratch, 'older');
    makeCatalogue(older, { version: versions.before });
    expect(await examineDatabase(databaseOf(older))).toMatchObject({ ok: true, messages: [] });
  });

  it('knows the index of older servers too', async () => {
    tamper(file, "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(replace(sql, 'icu_root', 'naturalsort'), 'index_title_sort_icu', 'index_title_sort_naturalsort'), name = 'index_title_sort_naturalsort' WHERE name = 'index_title_sort_icu'");
    const report = await examineDatabase(file);
    expect(report).toMatchObject({ ok: true, messages: [] });
    expect(report.notProven.join('\n')).toContain('the collation "naturalsort"');
  });

  it.each([
    { what: 'a column', sql: 'CREATE TABLE later(a TEXT COLLATE NOCASE UNIQUE, b)', from: 'NOCASE', to: 'icu_later', unproven: 'Index "sqlite_autoindex_later_1" of "later": its entries are those of the rows' },
    { what: 'a table without a rowid', sql: 'CREATE TABLE later(a TEXT COLLATE NOCASE PRIMARY KEY, b) WITHOUT ROWID', from: 'NOCASE', to: 'icu_later', unproven: 'Table "later": whether what a column of it holds is in order' },
    { what: 'a partial index', sql: 'CREATE TABLE later(a, b); CREATE INDEX later_a ON later(a COLLATE NOCASE) WHERE b > 1', from: 'NOCASE', to: '"icu_later"', unproven: 'Index "later_a" of "later": only its pages were checked' },
    { what: 'an index over two columns', sql: 'CREATE TABLE later(a, b); CREATE INDEX later_a ON later(b, a COLLATE NOCASE DESC)', from: 'NOCASE', to: '[icu_later]', unproven: 'Index "later_a" of "later": its entries are those of the rows' },
    { what: 'an index that calls a function', sql: 'CREATE TABLE later(a, b); CREATE INDEX later_a ON later(lower(a))', from: 'lower', to: 'plex_lower', unproven: 'Table "later" and its indexes: not checked at all' },
    { what: 'a constraint that calls a function', sql: 'CREATE TABLE later(a CHECK(lower(a) IS NOT NULL), b)', from: 'lower', to: 'plex_lower', unproven: 'Table "later" and its indexes: not checked at all' },
  ])('says what it cannot prove of $what of a later server, and finds damage beside it all the same', async ({ sql, from, to, unproven }) => {
    tamper(file, `${sql}; INSERT INTO later(a, b) VALUES ('a', 1), ('B', 2), ('c', 3)`);
    tamper(file, `PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, '${from}', '${to}') WHERE tbl_name = 'later'`);
    const report = await examineDatabase(file);
    expect(report).toMatchObject({ ok: true, messages: [] });
    expect(report.notProven.join('\n')).toContain(unproven);
    const { number, size } = page('media_streams');
    overwrite((number - 1) * size, Buffer.alloc(size));
    expect((await examineDatabase(file)).messages.map(({ table }) => table)).toContain('media_streams');
  });

  it('says which references it cannot check', async () => {
    tamper(file, 'CREATE TABLE parents(a TEXT COLLATE NOCASE UNIQUE); CREATE TABLE children(a REFERENCES parents(a)); INSERT INTO children VALUES (1)');
    tamper(file, "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'NOCASE', 'icu_later') WHERE tbl_name = 'parents'");
    const report = await examineDatabase(file);
    expect(report).toMatchObject({ ok: true, messages: [] });
    expect(report.notProven).toContain('A part of the file could not be checked by the SQLite of this computer: no such collation sequence: icu_later');
  });

  it('finds damage behind thousands of titles whose order it does not know', async () => {
    const titled = join(scratch, 'titled');
    makeCatalogue(titled, {
      fill: (rows) => {
        for (let row = 0; row < 2_500; row += 1) rows.insert('metadata_items', { library_section_id: 1, metadata_type: 1, title: `t${row}`, title_sort: `${row % 2 === 0 ? 'a' : 'B'}${row}` });
      },
    });
    expect((await examineDatabase(databaseOf(titled))).messages).toEqual([]);
    // SQLite goes through the tables in an order of its own, and this one comes behind the titles.
    swapEntries(databaseOf(titled), 'index_media_streams_on_media_item_id');
    expect((await examineDatabase(databaseOf(titled))).messages.map(({ table }) => table)).toContain('media_streams');
  });

  it('says so where a sound database is no library', async () => {
    rmSync(file);
    tamper(file, 'CREATE TABLE bookmarks(url)');
    expect((await examineDatabase(file)).messages).toEqual([{ table: null, message: expect.stringContaining('it has no table "library_sections"') as string }]);
  });

  it('reads what is still in the write-ahead log', async () => {
    const writer = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    try {
      writer.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; INSERT INTO activities(id, parent_id) VALUES (1, 77)");
      const { ok, warnings } = await examineDatabase(file);
      expect([ok, warnings.length]).toEqual([true, 1]);
    } finally {
      writer.close();
    }
  });

  it('names a row that its index lacks', async () => {
    tamper(file, "PRAGMA writable_schema = ON; CREATE TABLE spare AS SELECT name, sql FROM sqlite_master WHERE name = 'index_media_parts_on_file'; DELETE FROM sqlite_master WHERE name = 'index_media_parts_on_file'");
    const rootPage = new DatabaseSync(databaseOf(sound), { readOnly: true });
    const root = Number(rootPage.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'index_media_parts_on_file'").get()?.['rootpage']);
    rootPage.close();
    // While the index is out of the schema, a row is added that it never hears of.
    tamper(file, "INSERT INTO media_parts(file) VALUES ('/mnt/nas-plex/unindexed.mkv')");
    tamper(file, `PRAGMA writable_schema = ON; INSERT INTO sqlite_master SELECT 'index', name, 'media_parts', ${root}, sql FROM spare; DELETE FROM spare`);
    const report = await examineDatabase(file);
    expect(report.ok).toBe(false);
    expect(report.messages).toContainEqual({ table: 'media_parts', message: expect.stringMatching(/row \d+ missing from index index_media_parts_on_file/) as string });
  });

  it('names the table of a page that was zeroed', async () => {
    const { number, size } = page('media_streams');
    overwrite((number - 1) * size, Buffer.alloc(size));
    const report = await examineDatabase(file);
    expect(report.ok).toBe(false);
    expect(report.messages.map(({ table }) => table)).toContain('media_streams');
  });

  it('names damage in the table that only the throwaway copy can check', async () => {
    const { number, size } = page('index_metadata_items_on_guid');
    overwrite((number - 1) * size + 8, Buffer.alloc(40, 0x7f));
    const report = await examineDatabase(file);
    expect(report.ok).toBe(false);
    expect(report.messages.map(({ table }) => table)).toContain('metadata_items');
  });

  it('finds damage in the index that only Plex can read, as far as pages go', async () => {
    const { number, size } = page('index_title_sort_icu');
    overwrite((number - 1) * size, Buffer.alloc(size));
    expect(await examineDatabase(file)).toMatchObject({ ok: false });
  });

  it('finds damage in the tree of places, which stock SQLite can read', async () => {
    tamper(file, "INSERT INTO locations_rowid(rowid, nodeno) VALUES (5, 99)");
    const report = await examineDatabase(file);
    expect(report.ok).toBe(false);
    expect(report.messages.map(({ message }) => message).join()).toContain('locations');
  });

  it('says when a file is cut short', async () => {
    const { size } = page('media_parts');
    truncateSync(file, Math.floor(readFileSync(file).length / size / 2) * size);
    const report = await examineDatabase(file);
    expect(report.ok).toBe(false);
    expect(report.messages[0]?.message).toMatch(/cut short: the header counts \d+ pages/);
    truncateSync(file, readFileSync(file).length - 100);
    expect((await examineDatabase(file)).messages.map(({ message }) => message).join()).toContain('no whole number of its pages');
  });

  it.each([
    ['an empty file', Buffer.alloc(0), 'the file is empty'],
    ['text', Buffer.from('<html>not a database</html>'.repeat(20)), 'does not begin as one'],
    ['an impossible page size', Buffer.concat([Buffer.from('SQLite format 3\0\x00\x03'), Buffer.alloc(200)]), 'page size of 3 bytes'],
    ['zeros after the header', null, ''],
  ])('says when it is %s', async (_, content, message) => {
    if (content === null) overwrite(100, Buffer.alloc(readFileSync(file).length - 100));
    else writeFileSync(file, content);
    const report = await examineDatabase(file);
    expect(report.ok).toBe(false);
    expect(report.messages.map((found) => found.message).join('\n')).toContain(message);
  });

  it('warns of dangling references, which are found in libraries that work', async () => {
    tamper(file, "INSERT INTO activities(id, parent_id) VALUES (1, 77), (2, 78)");
    expect(await examineDatabase(file)).toMatchObject({ ok: true, warnings: [{ table: 'activities', message: '2 of its rows name a row of "activities" that does not exist' }] });
  });
});

describe('examineCatalogue', () => {
  it('looks at every database, and at dated backups without laying their damage to the library', async () => {
    const report = await examineCatalogue(damaged);
    expect(report.ok).toBe(true);
    expect(report.databases.map(({ file, ok }) => [file.split('/').at(-1), ok])).toEqual([
      ['com.plexapp.plugins.library.blobs.db', true],
      ['com.plexapp.plugins.library.db', true],
      ['com.plexapp.plugins.library.db-2026-11-20', false],
    ]);
  });

  it('takes an empty guide for what it is, but not an empty library', async () => {
    writeFileSync(databaseOf(damaged, 'tv.plex.providers.epg.cloud-1.db'), '');
    expect(await examineCatalogue(damaged)).toMatchObject({ ok: true });
    writeFileSync(databaseOf(damaged, blobsDatabase), '');
    expect(await examineCatalogue(damaged)).toMatchObject({ ok: false });
  });

  it('names a companion that is missing', async () => {
    rmSync(databaseOf(damaged, blobsDatabase));
    expect(await examineCatalogue(damaged)).toMatchObject({ ok: false, missing: [blobsDatabase] });
  });
});
