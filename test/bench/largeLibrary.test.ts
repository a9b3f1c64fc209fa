import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeLargeLibrary } from '../../bench/largeLibrary.ts';
import { allStatements, loadSchema } from '../bed/library/schema.ts';

const directory = mkdtempSync(join(tmpdir(), 'plexlift-large-library-'));
const file = join(directory, 'library.db');
let database: DatabaseSync;

beforeAll(() => {
  makeLargeLibrary(file, { parts: 2_000, pageSizeBytes: 1_024 });
  database = new DatabaseSync(file, { readOnly: true });
});
afterAll(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

function count(sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0]);
}

test('has the schema of Plex, to the letter', () => {
  const kept = new Set(database.prepare('SELECT sql FROM sqlite_master').all().map(({ sql }) => sql));

  expect(allStatements(loadSchema()).filter(({ sql }) => !kept.has(sql))).toEqual([]);
});

test('has rows in every ordinary table', () => {
  const { tables, vocabulary } = loadSchema();
  const named = [...tables, ...vocabulary].filter(({ type }) => type === 'table');

  expect(named.map(({ name }) => name).filter((name) => count(`SELECT count(*) FROM "${name}"`) === 0)).toEqual([]);
  expect(count('SELECT count(*) FROM sqlite_sequence')).toBeGreaterThan(40);
});

test('has the proportions of real libraries', () => {
  expect(count('SELECT count(*) FROM media_parts')).toBe(2_000);
  expect(count('SELECT count(*) FROM media_items')).toBe(2_000);
  const streams = count('SELECT count(*) FROM media_streams');
  expect(streams / 2_000).toBeGreaterThan(3);
  expect(count("SELECT count(*) FROM media_streams WHERE url LIKE 'file:///mnt/nas-plex/%'") / streams).toBeCloseTo(0.2, 1);
  expect(count("SELECT count(*) FROM media_streams WHERE url LIKE 'file:%' AND instr(url, ' ') > 0")).toBeGreaterThan(100);
  expect(count("SELECT avg(length(CAST(file AS BLOB))) FROM media_parts WHERE file <> ''")).toBeGreaterThan(80);
  expect(count("SELECT avg(length(CAST(file AS BLOB))) FROM media_parts WHERE file <> ''")).toBeLessThan(120);
  expect(count('SELECT min(length(summary)) FROM metadata_items WHERE metadata_type = 1')).toBeGreaterThanOrEqual(300);
  expect(count('SELECT max(length(summary)) FROM metadata_items')).toBeLessThanOrEqual(800);
  expect(count('SELECT count(DISTINCT account_id) FROM metadata_item_settings')).toBe(5);
});

test('is sound', () => {
  const { tables } = loadSchema();
  // Stock SQLite cannot check the one table whose index needs a collation of Plex.
  const checked = tables.map(({ name }) => name).filter((name) => name !== 'metadata_items');

  expect(checked.flatMap((name) => database.prepare(`PRAGMA integrity_check("${name}")`).all().map((row) => Object.values(row)[0])).filter((line) => line !== 'ok')).toEqual([]);
});
