import { copyFileSync, existsSync, readFileSync, mkdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareEqualPages } from '../../src/catalogue/proof/equalPages.ts';
import { openPages } from '../../src/catalogue/proof/filePages.ts';
import { proveDatabase, type ProofReport } from '../../src/catalogue/proof/proof.ts';
import { rewriteDatabase } from '../../src/catalogue/rewrite/rewrite.ts';
import { createTreeCursor } from '../../src/catalogue/proof/treeCursor.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { makeMutableCatalogue, quickDirectory } from './mutableCatalogue.ts';
import { withSchemaTakenApart } from './takenApart.ts';
import { databaseOf, pairs, removeScratch, tamper, versions } from './smallCatalogue.ts';

const scratch = quickDirectory();
const before = join(scratch, 'old');
const after = join(scratch, 'new.sqlite');
afterAll(() => removeScratch(scratch));

function prove(options: Partial<Parameters<typeof proveDatabase>[0]> = {}): Promise<ProofReport> {
  return proveDatabase({ before, after, pairs, fileGuids: 'leave', ...options });
}

describe('proveDatabase', () => {
  beforeAll(async () => {
    const catalogue = join(scratch, 'catalogue');
    makeMutableCatalogue(catalogue, 'now');
    copyFileSync(databaseOf(catalogue), before);
    copyFileSync(before, after);
    await rewriteDatabase(after, { mapping: parseMapping(pairs), fileGuids: 'leave' });
  });

  it('compares two files of any name, and counts what it compared', async () => {
    const proof = await prove();
    expect(proof).toMatchObject({ ok: true, differences: [], notProven: [] });
    const counted = new DatabaseSync(before, { readOnly: true });
    const tables = counted.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0").all().map(({ name }) => String(name));
    const rows = tables.reduce((sum, name) => sum + Number(counted.prepare(`SELECT count(*) AS rows FROM "${name}"`).get()?.['rows']), 0);
    const indexes = Number(counted.prepare("SELECT count(*) AS indexes FROM sqlite_master WHERE type = 'index' AND rootpage > 0").get()?.['indexes']);
    counted.close();
    expect(proof).toMatchObject({ tablesCompared: tables.length, rowsCompared: rows, indexesCompared: indexes });
  });

  it('finds every missing change where nothing was rewritten, and every change too many', async () => {
    expect((await prove({ after: before })).differences.every(({ kind }) => kind === 'this cell should have changed and did not')).toBe(true);
    expect((await prove({ pairs: [] })).differenceCount).toBe((await prove({ after: before })).differenceCount);
    expect(await prove({ before: after, after: before, pairs: pairs.map(({ from, to }) => ({ from: to, to: from })) })).toMatchObject({ ok: true });
  });

  it('names an index that stayed behind its table', async () => {
    const stale = join(scratch, 'stale');
    copyFileSync(after, stale);
    tamper(stale, "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'index_media_parts_on_file'; PRAGMA writable_schema = RESET; UPDATE media_parts SET file = '/media/library/x' WHERE id = 1");
    const saved = new DatabaseSync(before, { readOnly: true });
    const { rootpage, sql } = saved.prepare("SELECT rootpage, sql FROM sqlite_master WHERE name = 'index_media_parts_on_file'").get() ?? {};
    saved.close();
    tamper(stale, `PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES ('index', 'index_media_parts_on_file', 'media_parts', ${String(rootpage)}, '${String(sql)}')`);
    expect((await prove({ after: stale })).differences).toContainEqual(expect.objectContaining({ table: 'media_parts', rowid: '1', kind: 'the index "index_media_parts_on_file" does not hold this row as the table does' }));
  });

  it('finds a row that no index holds, in a table without rowids', async () => {
    const odd = join(scratch, 'odd');
    copyFileSync(after, odd);
    withSchemaTakenApart(odd, (row) => (row.name === 'future_keyed' ? row : null), (database) => database.exec("INSERT INTO future_keyed VALUES ('z', 9, 'added')"));
    expect((await prove({ after: odd })).differences).toContainEqual(expect.objectContaining({ table: 'future_keyed', rowid: "'z' 9", kind: 'the row was added' }));
  });

  it('compares a table that only Plex can read by what is stored', async () => {
    const [one, other] = [join(scratch, 'ordered'), join(scratch, 'ordered after')];
    tamper(one, "CREATE TABLE ordered(word TEXT COLLATE nocase PRIMARY KEY, n) WITHOUT ROWID; INSERT INTO ordered VALUES ('a', 1), ('B', 2)");
    copyFileSync(one, other);
    tamper(other, "UPDATE ordered SET n = 3 WHERE word = 'B'");
    const rename = "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'nocase', 'icu_root')";
    for (const file of [one, other]) tamper(file, rename);
    expect(await prove({ before: one, after: one })).toMatchObject({ ok: true, tablesCompared: 1 });
    expect((await prove({ before: one, after: other })).differences).toEqual([expect.objectContaining({ table: 'ordered', kind: "this table does not hold the same rows, and only Plex's own SQLite can read which" })]);
  });

  it('compares row by row where the pages lie elsewhere', async () => {
    const [one, other] = [join(scratch, 'one'), join(scratch, 'other')];
    tamper(one, "CREATE TABLE gap(x); INSERT INTO gap VALUES (zeroblob(99999)); CREATE TABLE media_parts(id INTEGER PRIMARY KEY, file TEXT, n); CREATE INDEX by_file ON media_parts(file); INSERT INTO media_parts VALUES (1, '/mnt/nas-plex/a', 1), (2, '/srv/b', 2); CREATE TABLE k(a TEXT PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO k VALUES ('x', 1), ('y', 2); DELETE FROM gap");
    copyFileSync(one, other);
    tamper(other, "UPDATE media_parts SET file = '/media/library/a' WHERE id = 1; VACUUM");
    const moved = await prove({ before: one, after: other });
    expect(moved.differences.map(({ table, kind }) => [table, kind.replaceAll(/\d+/g, 'N')])).toEqual([[null, 'the schema version was N and is N'], [null, 'the page count was N and is N']]);
    expect(moved.cellsChanged).toEqual([{ file: 'other', table: 'media_parts', column: 'file', cells: 1 }]);
    tamper(other, "UPDATE k SET b = 3 WHERE a = 'y'; DELETE FROM media_parts WHERE id = 2");
    const { differences } = await prove({ before: one, after: other });
    expect(differences).toContainEqual(expect.objectContaining({ table: 'k', column: 'b', rowid: "'y'" }));
    expect(differences).toContainEqual(expect.objectContaining({ table: 'media_parts', rowid: '2', kind: 'the row is gone' }));
  });

  it('reads what lies in a log beside the file before, and says that the pages were not compared', async () => {
    const logged = join(scratch, 'logged');
    const result = join(scratch, 'result');
    copyFileSync(before, logged);
    const writer = new DatabaseSync(logged);
    writer.exec("PRAGMA wal_autocheckpoint = 0; UPDATE accounts SET name = 'in the log' WHERE id = 7");
    expect(existsSync(`${logged}-wal`)).toBe(true);
    copyFileSync(after, result);
    const proof = await prove({ before: logged, after: result });
    expect(proof.differences).toEqual([expect.objectContaining({ table: 'accounts', column: 'name', rowid: '7' })]);
    expect(proof.notProven.length).toBeGreaterThan(0);
    tamper(result, "UPDATE accounts SET name = 'in the log' WHERE id = 7");
    expect(await prove({ before: logged, after: result })).toMatchObject({ ok: true });
    writer.close();
  });

  it('refuses what is no database, naming it', async () => {
    await expect(prove({ after: import.meta.filename })).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('proofOfFiles.test.ts') as string });
    await expect(prove({ before: import.meta.filename })).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('proofOfFiles.test.ts') as string });
  });
});

describe('the reader of pages', () => {
  it('finds the rows that SQLite finds, in every tree', async () => {
    const database = new DatabaseSync(before, { readOnly: true, readBigInts: true });
    const pages = [openPages(before), openPages(before)] as const;
    try {
      if (pages[0] === null || pages[1] === null) throw new Error('Cannot open the database');
      const equal = await compareEqualPages(pages[0], pages[1], async () => {});
      for (const { name, rootpage } of database.prepare("SELECT name, rootpage FROM sqlite_master WHERE type = 'table' AND rootpage > 0").all()) {
        const rows = Number(database.prepare(`SELECT count(*) AS rows FROM "${String(name)}" NOT INDEXED`).get()?.['rows']);
        expect(equal.rowsOfEqualTree(Number(rootpage)), String(name)).toBe(rows);
        const cursor = createTreeCursor(pages[0], Number(rootpage));
        const found: string[] = [];
        while (cursor.next()) found.push(String(cursor.rowid));
        expect(found.length, String(name)).toBe(rows);
        // Of these, SQL cannot name a rowid.
        const ids = /future_(?:keyed|hidden)/.test(String(name)) ? found : database.prepare(`SELECT rowid AS id FROM "${String(name)}" NOT INDEXED`).all().map(({ id }) => String(id));
        expect(found).toEqual(ids);
      }
    } finally {
      database.close();
      for (const file of pages) file?.close();
    }
  });
});

it('catches a whole library that was rewritten with replace()', { timeout: 120_000 }, async () => {
  const root = join(scratch, 'library');
  mkdirSync(root);
  await makeLibrary({ dataDirectory: join(root, 'data'), mediaDirectory: join(root, 'media'), optimizedDirectory: join(root, 'optimized'), items: 60, version: versions.now });
  const [taken, byHand, sound] = [databaseOf(join(root, 'data')), join(root, 'by-hand.db'), join(root, 'sound.db')];
  // The bed leaves the newest commits in a log, as a running server does.
  tamper(taken, 'PRAGMA wal_checkpoint(TRUNCATE)');
  for (const copy of [byHand, sound]) copyFileSync(taken, copy);
  await rewriteDatabase(sound, { mapping: parseMapping(pairs), fileGuids: 'leave' });
  expect(await prove({ before: taken, after: sound })).toMatchObject({ ok: true });
  const replace = (table: string, column: string): string => `UPDATE ${table} SET ${column} = replace(${column}, '/mnt/nas-plex', '/media/library');`;
  tamper(byHand, [replace('section_locations', 'root_path'), replace('media_parts', 'file'), replace('media_streams', 'url')].join(' '));
  const proof = await prove({ before: taken, after: byHand });
  expect(proof.ok).toBe(false);
  expect(new Set(proof.differences.map(({ table }) => table))).toContain('media_parts');
  expect(proof.differences.every(({ kind }) => kind === 'this cell does not hold what the mapping predicts')).toBe(true);
});

it('shares no code with the rewrite', () => {
  const source = resolve(import.meta.dirname, '../../src');
  const reached = new Set<string>();
  const follow = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, type, names, target = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\s+(type\s+)?((?:[^'";]|\n)*?)from\s+'(\.[^']+)'/gm)) {
      const onlyTypes = type !== undefined || (names ?? '').replaceAll(/[{}\s]/g, ' ').split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '));
      if (!onlyTypes) follow(resolve(dirname(file), target));
    }
  };
  follow(join(source, 'catalogue/proof/proof.ts'));
  const files = Array.from(reached, (file) => relative(source, file)).toSorted();
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => /plex\/(?:pathMapping|fileUrl|pathColumns|needles|preference\w*)\.ts|catalogue\/rewrite\//.test(file))).toEqual([]);
  expect(files.filter((file) => file.startsWith('plex/'))).toEqual(['plex/dataDirectory.ts']);
});
