import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPrediction, predictedColumns } from '../../src/catalogue/proof/prediction.ts';
import { proveRewrite, type ProofReport } from '../../src/catalogue/proof/proof.ts';
import { rewriteCatalogue } from '../../src/catalogue/rewrite/rewrite.ts';
import { blobsDatabase, libraryDatabase, preferencesFile } from '../../src/plex/dataDirectory.ts';
import { mapFileUrl } from '../../src/plex/fileUrl.ts';
import { rewrittenColumns } from '../../src/plex/pathColumns.ts';
import { mapPath, parseMapping } from '../../src/plex/pathMapping.ts';
import type { PreferenceEdit } from '../../src/plex/preferences.ts';
import { cases, isLong } from '../long.ts';
import { changedCells, databaseOf, makeCatalogue, pairs, removeScratch, scratchDirectory, tamper } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const before = join(scratch, 'taken');
const sound = join(scratch, 'rewritten');
const after = join(scratch, 'tampered');
let edits: readonly PreferenceEdit[] = [];

beforeAll(async () => {
  makeCatalogue(before);
  edits = (await rewriteCatalogue({ from: before, into: sound, mapping: parseMapping(pairs), fileGuids: 'leave', friendlyName: null })).preferences.edits;
});
beforeEach(() => {
  removeScratch(after);
  cpSync(sound, after, { recursive: true });
});
afterAll(() => removeScratch(scratch));

function prove(): Promise<ProofReport> {
  return proveRewrite({ before, after, pairs, fileGuids: 'leave', edits });
}

describe('proveRewrite', () => {
  it('finds exactly the cells the mapping predicts', async () => {
    const proof = await prove();
    expect(proof.differences).toEqual([]);
    expect(proof.ok).toBe(true);
    expect(Object.fromEntries(proof.cellsChanged.map(({ column, cells }) => [column, cells]))).toEqual(changedCells);
    expect(proof.tablesCompared).toBeGreaterThan(100);
  });

  it.each([
    ['one cell of a table that may not change', "UPDATE metadata_item_settings SET view_count = 3 WHERE account_id = 1", { table: 'metadata_item_settings', column: 'view_count', rowid: '1' }],
    ['a number that became text', "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, '\"bytes\" integer(8)', '\"bytes\" blob') WHERE name = 'statistics_bandwidth'", { table: 'statistics_bandwidth' }],
    ['the last digit of a size', 'UPDATE media_items SET size = size - 1 WHERE id = 1', { table: 'media_items', column: 'size', rowid: '1' }],
    ['the last bit of a rating', 'UPDATE metadata_items SET rating = 0.3 WHERE id = 1', { table: 'metadata_items', column: 'rating', rowid: '1' }],
    ['NULL that became empty', "UPDATE media_streams SET codec = '' WHERE id = 1", { table: 'media_streams', column: 'codec' }],
    ['text that became a BLOB where no path is', 'UPDATE metadata_items SET summary = CAST(summary AS BLOB) WHERE id = 2', { table: 'metadata_items', column: 'summary', rowid: '2' }],
    ['a path that was mapped elsewhere', "UPDATE media_parts SET file = '/media/library/x' WHERE id = 1", { table: 'media_parts', column: 'file', rowid: '1' }],
    ['a path that was put back', "UPDATE section_locations SET root_path = '/mnt/nas-plex/Movies' WHERE id = 1", { table: 'section_locations', column: 'root_path', kind: 'this cell should have changed and did not' }],
    ['a path that may not change', "UPDATE media_parts SET file = NULL WHERE file = ''", { table: 'media_parts', column: 'file' }],
    ['text that became a BLOB', 'UPDATE section_locations SET root_path = CAST(root_path AS BLOB) WHERE id = 2', { table: 'section_locations', column: 'root_path', rowid: '2' }],
    ['a row that is gone', 'DELETE FROM metadata_item_views', { table: 'metadata_item_views', rowid: '1', kind: 'the row is gone' }],
    ['a row that was added', "INSERT INTO accounts(id, name) VALUES (9, 'eve')", { table: 'accounts', rowid: '9', kind: 'the row was added' }],
    ['a row with another id', 'UPDATE media_parts SET id = 900 WHERE id = 3', { table: 'media_parts', rowid: '3', kind: 'the row is gone' }],
    ['an index that is gone', 'DROP INDEX index_media_parts_on_file', { table: 'media_parts', kind: 'the index "index_media_parts_on_file" is gone or was changed' }],
    ['an index that was added', 'CREATE INDEX extra ON accounts(name)', { table: 'accounts', kind: 'the index "extra" was added or changed' }],
    ['a trigger that is gone', 'DROP TRIGGER fts4_tag_titles_before_delete_icu', { table: 'tags' }],
    ['a trigger with other text', "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'old.rowid', 'old.id') WHERE name = 'fts4_metadata_titles_before_delete_icu'", { table: 'metadata_items' }],
    ['a sequence that was set back', "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'media_parts'", { table: 'sqlite_sequence', column: 'seq' }],
    ['a stored page of a search table', 'UPDATE fts4_metadata_titles_icu_segdir SET root = zeroblob(3)', { table: 'fts4_metadata_titles_icu_segdir', column: 'root' }],
    ['a stored title of a search table', "UPDATE fts4_metadata_titles_icu_content SET c0title = 'x'", { table: 'fts4_metadata_titles_icu_content', column: 'c0title' }],
    ['a table that was added', 'CREATE TABLE extra(id)', { table: 'extra' }],
    ['a version that was set', 'PRAGMA user_version = 7', { kind: 'the user version was 0 and is 7' }],
  ])('names %s', async (_, sql, expected) => {
    tamper(databaseOf(after), sql);
    const proof = await prove();
    expect(proof.ok).toBe(false);
    expect(proof.differences).toContainEqual(expect.objectContaining({ file: libraryDatabase, ...expected }));
  });

  it("catches a rewrite by SQL's own replace()", async () => {
    cpSync(databaseOf(before), databaseOf(after));
    tamper(
      databaseOf(after),
      `UPDATE media_parts SET file = replace(file, '/mnt/nas-plex', '/media/library'); UPDATE section_locations SET root_path = replace(root_path, '/mnt/nas-plex', '/media/library');
       UPDATE media_streams SET url = replace(url, '/mnt/nas-plex', '/media/library')`,
    );
    const proof = await prove();
    const columns = new Set(proof.differences.filter(({ column }) => column !== null).map(({ column }) => column));
    expect(columns).toEqual(new Set(['file', 'root_path', 'url']));
  });

  it('names a change in the companion, in a dated backup, and a file that is gone or new', async () => {
    tamper(databaseOf(after, blobsDatabase), 'UPDATE blobs SET blob = zeroblob(4)');
    writeFileSync(databaseOf(after, `${libraryDatabase}-2026-11-20`), 'another');
    renameSync(databaseOf(after), databaseOf(after, 'renamed.db'));
    const found = (await prove()).differences;
    expect(found).toContainEqual(expect.objectContaining({ file: blobsDatabase, table: 'blobs', column: 'blob', rowid: '1' }));
    expect(found).toContainEqual(expect.objectContaining({ file: `${libraryDatabase}-2026-11-20`, kind: 'this file changed' }));
    expect(found).toContainEqual(expect.objectContaining({ file: libraryDatabase, kind: 'this file is gone' }));
    expect(found).toContainEqual(expect.objectContaining({ file: 'renamed.db', kind: 'this file was not there before' }));
  });

  it('names the database it cannot read', async () => {
    writeFileSync(databaseOf(after), readFileSync(databaseOf(after)).fill(0xff, 4096));
    await expect(prove()).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining(libraryDatabase) as string });
  });

  it('counts all differences and keeps the first 50', async () => {
    tamper(databaseOf(after), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90) INSERT INTO preferences(name) SELECT 'x' || i FROM n");
    const proof = await prove();
    expect(proof.differences.length).toBe(50);
    expect(proof.differenceCount).toBeGreaterThanOrEqual(90);
  });

  it.each([
    ['a setting that changed', (text: string) => text.replace('"abc"', '"abd"'), 'the setting "MachineIdentifier" may not change and did'],
    ['a setting that is gone', (text: string) => text.replace(' PlexOnlineToken="s3cret"', ''), 'the setting "PlexOnlineToken" is gone'],
    ['a setting that was added', (text: string) => text.replace('/>', ' New="1"/>'), 'the setting "New" was added'],
    ['a setting that is not held', (text: string) => text.replace('autoEmptyTrash="0"', 'autoEmptyTrash="1"'), 'the setting "autoEmptyTrash" does not hold what was planned'],
    ['bytes outside the settings', (text: string) => `${text}\n`, 'bytes outside the settings changed'],
    ['white space', (text: string) => text.replace(' PlexOnlineToken', '  PlexOnlineToken'), 'the white space before "PlexOnlineToken" changed'],
  ])('names %s in Preferences.xml', async (_, change, kind) => {
    const file = join(after, preferencesFile);
    writeFileSync(file, change(readFileSync(file, 'utf8')));
    expect((await prove()).differences).toEqual([expect.objectContaining({ file: preferencesFile, kind })]);
  });
});

describe('the prediction', () => {
  it('knows the columns the rewrite changes, and no others', () => {
    const sorted = (names: readonly string[]): readonly string[] => names.toSorted();
    for (const fileGuids of ['leave', 'rewrite'] as const) {
      const tables = new Set([...rewrittenColumns('rewrite').map(({ table }) => table), 'accounts', 'tags']);
      const predicted = Array.from(tables).flatMap((table) => predictedColumns(table, fileGuids).map(({ column, form }) => `${table}.${column} ${form}`));
      expect(sorted(predicted)).toEqual(sorted(rewrittenColumns(fileGuids).map(({ table, column, form }) => `${table}.${column} ${form === 'path' ? 'plain' : 'url'}`)));
    }
  });

  const segment = fc.constantFrom('a', 'a-b', 'a_b', 'b c', '100%', '%20', '%2', '', "'", 'é', '🎬');
  const directory = fc.array(segment.filter((text) => text !== ''), { minLength: 0, maxLength: 3 }).map((segments) => `/${segments.join('/')}`);
  const value = fc.tuple(fc.constantFrom('', 'x', 'file://', 'file:/', 'blob://', 'C:\\'), fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`)).map((parts) => parts.join(''));

  it('agrees with the rewrite on every value, though it is written otherwise', () => {
    const some = fc.uniqueArray(fc.record({ from: directory, to: directory }), { minLength: 1, maxLength: 4, selector: ({ from }) => from });
    fc.assert(
      fc.property(some, value, (pairs, value) => {
        const mapping = parseMapping(pairs);
        const bytes = Buffer.from(value);
        const prediction = createPrediction(pairs);
        expect(prediction(bytes.toString('latin1'), 'plain')).toBe((mapPath(mapping, bytes)?.path ?? bytes).toString('latin1'));
        expect(prediction(bytes.toString('latin1'), 'url')).toBe((mapFileUrl(mapping, bytes)?.url ?? bytes).toString('latin1'));
      }),
      { numRuns: cases(2_000, 20_000), ...(isLong ? {} : { seed: 20_261_123 }) },
    );
  });
});
