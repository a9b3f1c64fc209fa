import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewriteDatabase } from '../../src/catalogue/rewrite/rewrite.ts';
import { effectOn } from '../../src/catalogue/rewrite/searchTriggers.ts';
import { blobsDatabase, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { createPlexDatabase } from '../bed/library/plexDatabase.ts';
import type { Rows } from '../bed/library/rows.ts';
import { contentOf } from './databaseContent.ts';
import { pairs, removeScratch, scratchDirectory, tamper } from './smallCatalogue.ts';

const mapping = parseMapping(pairs);
const scratch = scratchDirectory();
const eras = { 'of about 2019': '1.18.9.2578', 'up to 1.43.0': '1.43.0.10492-121068a07', 'of 1.43.4': '1.43.4.10718-1e3cb7a60' } as const;
const extra = 'file:///mnt/nas-plex/Movies/A%20(2001)/extra.mkv';
const movedExtra = 'file:///media/library/Movies/A%20(2001)/extra.mkv';
const show = 'file:///mnt/nas-plex/Home Videos';

afterAll(() => removeScratch(scratch));

function fill(rows: Rows, { isOld = false }: { readonly isOld?: boolean } = {}): void {
  if (isOld) rows.insert('media_metadata_mappings', { media_guid: extra, metadata_guid: show });
  rows.insert('metadata_items', { id: 1, metadata_type: 12, title: 'Extra', title_sort: 'Extra', guid: extra, hash: '0123456789abcdef' });
  rows.insert('metadata_items', { id: 2, metadata_type: 1, title: 'Film', title_sort: 'Film', guid: 'plex://movie/mnt/nas-plex' });
  rows.insert('metadata_items', { id: 3, metadata_type: 4, title: 'Holiday', title_sort: 'Holiday', guid: `${show}/a b.mp4` });
  rows.insert('metadata_items', { id: 4, metadata_type: 12, title: 'Elsewhere', title_sort: 'Elsewhere', guid: 'file:///srv/elsewhere.mkv' });
  rows.insert('metadata_items', { id: 5, metadata_type: 12, title: 'Beside', title_sort: 'Beside', guid: 'file:///mnt/nas-plexus/x.mkv' });
  rows.insert('metadata_items', { id: 6, metadata_type: 1, title: 'None', title_sort: 'None' });
  rows.insert('tags', { id: 1, tag: 'Genre', tag_type: 1 });
  rows.insert('metadata_item_settings', { account_id: 1, guid: extra, view_count: 3 });
  rows.insert('metadata_item_settings', { account_id: 7, guid: extra, view_count: 1 });
  rows.insert('metadata_item_settings', { account_id: 1, guid: 'plex://movie/mnt/nas-plex', view_count: 2 });
  rows.insert('metadata_item_views', { account_id: 1, guid: `${show}/a b.mp4`, grandparent_guid: show, title: 'Holiday' });
  rows.insert('media_parts', { file: '/mnt/nas-plex/Movies/A (2001)/extra.mkv' });
}

/** A library of that version, settled. */
function library(name: string, version: string): string {
  const file = join(scratch, `${name}.db`);
  createPlexDatabase(file, { version, fill: (rows) => fill(rows, { isOld: version === eras['of about 2019'] }) });
  return file;
}

describe.each(Object.entries(eras))('"file://" identifiers in a library %s', (era, version) => {
  let [original, file] = ['', ''];
  beforeAll(() => {
    original = library(era, version);
    file = join(scratch, libraryDatabase);
  });

  async function rewritten(fileGuids: 'leave' | 'rewrite'): Promise<Awaited<ReturnType<typeof rewriteDatabase>>> {
    cpSync(original, file);
    return rewriteDatabase(file, { mapping, fileGuids });
  }

  it('are left unless it is asked for', async () => {
    const { columns } = await rewritten('leave');
    expect(columns.map(({ column }) => column)).toEqual(['root_path', 'file', 'url']);
    const [before, after] = [contentOf(original), contentOf(file)];
    expect(Object.keys(before).filter((table) => JSON.stringify(before[table]) !== JSON.stringify(after[table]))).toEqual(['media_parts']);
  });

  it('are mapped in every table that is keyed on them, and nothing else changes, the schema and its number least of all', async () => {
    const { columns } = await rewritten('rewrite');
    expect(columns.filter(({ column }) => /guid/.test(column)).map(({ table, column, rows, changed, uncovered, irreversible }) => ({ at: `${table}.${column}`, rows, changed, uncovered, irreversible }))).toEqual([
      { at: 'metadata_items.guid', rows: 4, changed: 2, uncovered: 2, irreversible: 0 },
      { at: 'metadata_item_settings.guid', rows: 2, changed: 2, uncovered: 0, irreversible: 0 },
      { at: 'metadata_item_views.guid', rows: 1, changed: 1, uncovered: 0, irreversible: 0 },
      { at: 'metadata_item_views.grandparent_guid', rows: 1, changed: 1, uncovered: 0, irreversible: 0 },
      ...(version === eras['of about 2019'] ? ['media_guid', 'metadata_guid'].map((column) => ({ at: `media_metadata_mappings.${column}`, rows: 1, changed: 1, uncovered: 0, irreversible: 0 })) : []),
    ]);
    const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase();
    // The predicted content: the old one with the old text in it replaced, which is exact here because no other cell holds these bytes.
    const replaced = Object.entries(contentOf(original)).map(([table, rows]) => [
      table,
      /^(?:metadata_items|metadata_item_settings|metadata_item_views|media_parts|media_metadata_mappings)$/.test(table)
        ? rows.map((row) => row.replaceAll(hex('file:///mnt/nas-plex/'), hex('file:///media/library/')).replaceAll(`text:${hex('/mnt/nas-plex/')}`, `text:${hex('/media/library/')}`))
        : rows,
    ]);
    expect(contentOf(file)).toEqual(Object.fromEntries(replaced));
    expect(contentOf(file)['metadata_items']?.[0]).toContain(hex(movedExtra));
  });

  it('come back with the reverse', async () => {
    await rewritten('rewrite');
    await rewriteDatabase(file, { mapping: parseMapping(pairs.map(({ from, to }) => ({ from: to, to: from }))), fileGuids: 'rewrite' });
    expect(contentOf(file)).toEqual(contentOf(original));
  });

  it('end in an error with the triggers back in place when two would become one', async () => {
    cpSync(original, file);
    tamper(file, `CREATE UNIQUE INDEX once ON metadata_items(guid); INSERT INTO metadata_item_settings(guid) VALUES ('x')`);
    tamper(file, `DROP INDEX once; CREATE UNIQUE INDEX once ON metadata_item_views(guid); INSERT INTO metadata_item_views(guid) VALUES ('file:///media/library/Home Videos/a b.mp4')`);
    const before = contentOf(file);
    await expect(rewriteDatabase(file, { mapping, fileGuids: 'rewrite' })).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('UNIQUE constraint failed: metadata_item_views.guid') as string });
    expect(contentOf(file)).toEqual(before);
  });
});

describe('what is refused', () => {
  let original = '';
  beforeAll(() => {
    original = library('refused', eras['of 1.43.4']);
  });
  const index = (sql: string): string => `CREATE INDEX odd ON ${sql.replace('COLLATE icu_root', '')}; PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE INDEX odd ON ${sql.replaceAll("'", "''")}' WHERE name = 'odd'`;

  it.each([
    ['CREATE TRIGGER spy AFTER UPDATE ON metadata_items BEGIN UPDATE media_items SET width = 1; END', 'trigger "spy"'],
    ['CREATE TRIGGER spy AFTER UPDATE OF title ON metadata_item_settings BEGIN SELECT 1; END', 'trigger "spy"'],
    ['CREATE TRIGGER fts4_metadata_titles_after_insert AFTER UPDATE OF guid ON metadata_items BEGIN UPDATE media_items SET width = 1; END', 'trigger "fts4_metadata_titles_after_insert"'],
    [index('metadata_items(guid COLLATE icu_root)'), 'the index "odd"'],
    [index("metadata_items(title COLLATE icu_root) WHERE guid > ''"), 'the index "odd"'],
    [index('metadata_items(lower(guid) COLLATE icu_root)'), 'the index "odd"'],
    [index('media_parts(file COLLATE icu_root)'), 'the index "odd"'],
    [`CREATE TABLE favourites(id INTEGER PRIMARY KEY, item_guid text); INSERT INTO favourites(item_guid) VALUES ('${extra}')`, '"favourites" has "file://" identifiers in a column "item_guid"'],
    [`PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, '"guid"', '"gvid"') WHERE name = 'metadata_item_settings'`, 'no column "guid" in a table "metadata_item_settings"'],
  ])('after %j: nothing is changed', async (sql, fact) => {
    const file = join(scratch, 'refusal', libraryDatabase);
    cpSync(original, file, { recursive: true });
    tamper(file, sql);
    const before = readFileSync(file);
    await expect(rewriteDatabase(file, { mapping, fileGuids: 'rewrite' })).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining(fact) as string });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it.each([
    ['an index of Plex alone over another column', index('metadata_items(title COLLATE icu_root)')],
    ['an unknown column of identifiers that hold no path of the mapping', "CREATE TABLE favourites(item_guid text); INSERT INTO favourites VALUES ('plex://movie/1'), ('file:///srv/x'), (NULL)"],
  ])('not: %s', async (_, sql) => {
    const file = join(scratch, 'allowed', libraryDatabase);
    cpSync(original, file, { recursive: true });
    tamper(file, sql);
    const before = contentOf(file);
    await rewriteDatabase(file, { mapping, fileGuids: 'rewrite' });
    expect(contentOf(file)['sqlite_master']).toEqual(before['sqlite_master']);
  });

  it('not: a companion without the tables', async () => {
    const file = join(scratch, blobsDatabase);
    cpSync(original, file);
    tamper(file, 'DROP TABLE media_parts; DROP TABLE metadata_item_views');
    expect((await rewriteDatabase(file, { mapping, fileGuids: 'rewrite' })).columns.map(({ table }) => table)).not.toContain('media_parts');
  });
});

describe('effectOn', () => {
  const on = (head: string, body: string): { name: string; table: string; sql: string } => ({ name: 'x', table: 'metadata_items', sql: `CREATE TRIGGER ${head} BEGIN ${body}; END` });
  const removal = 'DELETE FROM fts4_metadata_titles_icu WHERE docid=old.rowid';
  const addition = 'INSERT INTO fts4_metadata_titles_icu(docid, title, title_sort) VALUES(new.rowid, new.title, new.title_sort)';

  it.each([
    ['fires', on('fts4_metadata_titles_before_update_icu BEFORE UPDATE ON metadata_items', removal)],
    ['fires', on('fts4_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items', addition)],
    ['fires', on('fts4_metadata_titles_after_update_icu after  update of "title" , [GUID]\non "metadata_items"', addition)],
    ['rests', on('fts4_metadata_titles_after_update_icu AFTER UPDATE OF title, title_sort ON metadata_items', addition)],
    ['rests', on('fts4_metadata_titles_after_update_icu AFTER UPDATE OF title, guids ON metadata_items', addition)],
    ['rests', on('fts4_metadata_titles_after_insert_icu AFTER INSERT ON metadata_items', addition)],
    ['rests', on('fts4_metadata_titles_before_delete_icu BEFORE DELETE ON metadata_items', removal)],
    ['rests', on('fts4_tag_titles_after_update_icu AFTER UPDATE OF tag ON tags WHEN new.tag_type in (0,1,400)', 'INSERT INTO fts4_tag_titles_icu(docid, tag) VALUES(new.rowid, new.tag)')],
    ['unknown', on('fts4_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items', addition.replaceAll('title_sort', 'guid'))],
    ['unknown', on('fts4_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items WHEN new.guid in (1)', addition)],
    ['unknown', on('fts4_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items', addition.replace('new.title,', 'new.title || new.guid,'))],
    ['unknown', on('fts4_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items', addition.replace('new.title,', 'new.original_title,'))],
    ['unknown', on('fts4_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items', `${removal}; DELETE FROM accounts`)],
    ['unknown', on('fts4_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items', 'DELETE FROM accounts WHERE docid=old.rowid')],
    ['unknown', on('fts5_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items', removal)],
  ])('%s: %j', (effect, trigger) => {
    expect(effectOn(trigger, ['guid'])).toBe(effect);
  });
});
