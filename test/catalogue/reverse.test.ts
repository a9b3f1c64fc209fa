import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rewriteDatabase } from '../../src/catalogue/rewrite/rewrite.ts';
import { libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { invertMapping, parseMapping } from '../../src/plex/pathMapping.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { contentOf } from './databaseContent.ts';
import { makePathLibrary, readPathRows, text, type Place } from './pathLibrary.ts';
import { databaseOf, makeCatalogue, pairs, versions } from './smallCatalogue.ts';

const scratch = makeScratchDirectory('plexlift-reverse-');
const file = join(scratch, libraryDatabase);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Mapping = Readonly<Record<string, string>>;

function parsed(mapping: Mapping): ReturnType<typeof parseMapping> {
  return parseMapping(Object.entries(mapping).map(([from, to]) => ({ from, to })));
}

describe('a whole library', () => {
  it.each(Object.values(versions))('of %s comes back cell by cell, its identifiers too', async (version) => {
    const directory = join(scratch, version);
    makeCatalogue(directory, { version });
    const mapping = parseMapping(pairs);
    for (const fileGuids of ['leave', 'rewrite'] as const) {
      cpSync(databaseOf(directory), file);
      const { columns } = await rewriteDatabase(file, { mapping, fileGuids });
      expect(columns.every(({ irreversible }) => irreversible === 0)).toBe(true);
      expect(contentOf(file)).not.toEqual(contentOf(databaseOf(directory)));
      await rewriteDatabase(file, { mapping: invertMapping(mapping), fileGuids });
      expect(contentOf(file)).toEqual(contentOf(databaseOf(directory)));
    }
  });
});

/** Rows that do not come back, of those given; true of a value where the reverse must not give it. */
type Example = readonly [name: string, place: Place, mapping: Mapping, values: Readonly<Record<string, boolean>>];

const examples: readonly Example[] = [
  ['a plain move', 'media_parts.file', { '/mnt/a': '/x' }, { '/mnt/a/1': false, '/mnt/a': false, '/srv/1': false, 'C:\\x': false }],
  ['a row that lay below a target before', 'media_parts.file', { '/mnt/a': '/x' }, { '/mnt/a/1': false, '/x/1': true, '/x': true, '/xy/1': false }],
  ['a swap', 'media_parts.file', { '/a': '/b', '/b': '/a' }, { '/a/1': false, '/b/1': false }],
  ['a chain without an end', 'media_parts.file', { '/a': '/b', '/b': '/c' }, { '/a/1': false, '/b/1': false, '/c/1': true }],
  ['a target within a target', 'media_parts.file', { '/a': '/x', '/b': '/x/y' }, { '/a/1': false, '/a/y/1': true, '/a/yz/1': false, '/b/1': false }],
  ['a slash at the end of a directory that becomes the root', 'media_parts.file', { '/mnt': '/' }, { '/mnt': false, '/mnt/': true, '/mnt/1': false, '/srv/1': true, srv: false }],
  ['the root as "from"', 'media_parts.file', { '/': '/x' }, { '/1': false, '/': false, '/x/1': false }],
  ['a directory left where it is, and one that arrives there', 'media_parts.file', { '/a': '/a', '/b': '/a/b' }, { '/a/1': false, '/a/b/1': true, '/b/1': false }],
  ['a raw URL whose only mark of rawness was in the directory', 'media_streams.url', { '/mnt/a b': '/media/c' }, { 'file:///mnt/a b/x': true, 'file:///mnt/a b/x y': false, 'file:///mnt/a%20b/x': false, 'file:///mnt/a b/50%': false }],
  ['a raw "%" that only the directory had', 'media_streams.url', { '/mnt/100%': '/media/c' }, { 'file:///mnt/100%/x': true, 'file:///mnt/100%25/x': false }],
  ['a URL of another scheme', 'media_streams.url', { '/mnt/a': '/x' }, { 'blob://x/1': false, 'file:///x/1': true }],
  ['an identifier', 'metadata_items.guid', { '/mnt/a': '/x' }, { 'file:///mnt/a/1': false, 'file:///x/1': true, 'plex://movie/x': false }],
];

describe('what would not come back', () => {
  it.each(examples)('%s', async (_, place, mapping, values) => {
    rmSync(file, { force: true });
    const rows = Object.keys(values).map((value, at) => ({ rowid: BigInt(at + 1), path: text(value), beside: [null, null] as const }));
    makePathLibrary(file, { [place]: rows });
    const { columns } = await rewriteDatabase(file, { mapping: parsed(mapping), fileGuids: 'rewrite' });
    expect(columns.find(({ table, column }) => `${table}.${column}` === place)?.irreversible).toBe(Object.values(values).filter(Boolean).length);
    await rewriteDatabase(file, { mapping: invertMapping(parsed(mapping)), fileGuids: 'rewrite' });
    const back = readPathRows(file, place);
    expect(Object.fromEntries(rows.map(({ path }, at) => [Object.keys(values)[at], JSON.stringify(back[at]?.path) !== JSON.stringify(path)]))).toEqual(values);
  });

  it('every row of two directories that became one; the others do', async () => {
    rmSync(file, { force: true });
    const mapping = parsed({ '/a': '/x', '/b': '/x/', '/c': '/y' });
    const values = ['/a/1', '/a/2', '/b/3', '/c/4', '/d/5', '/x/6', '/y/7'];
    makePathLibrary(file, { 'media_parts.file': values.map((value, at) => ({ rowid: BigInt(at + 1), path: text(value), beside: [null, null] })) });
    const { columns } = await rewriteDatabase(file, { mapping, fileGuids: 'leave' });
    expect(columns.find(({ column }) => column === 'file')).toMatchObject({ changed: 4, irreversible: 5 });
    expect(() => invertMapping(mapping)).toThrow('Cannot take the mapping back');
  });
});

describe('invertMapping', () => {
  it('tries the longest directory first again', () => {
    expect(invertMapping(parsed({ '/long/directory': '/x', '/a': '/x/y/z', '/b': '/' })).rules.map(({ from, to }) => [from, to])).toEqual([['/x/y/z', '/a'], ['/x', '/long/directory'], ['/', '/b']]);
  });

  it('names the two directories that became one', () => {
    expect(() => invertMapping(parsed({ '/a': '/x', '/bb': '/x' }))).toThrow(expect.objectContaining({ kind: 'usage', message: 'Cannot take the mapping back: "/bb" and "/a" both went to "/x"' }));
  });
});
