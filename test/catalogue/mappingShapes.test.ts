import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rewriteDatabase } from '../../src/catalogue/rewrite/rewrite.ts';
import type { ColumnRewrite } from '../../src/catalogue/rewrite/rewriteColumn.ts';
import { libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { makePathLibrary, places, readPathRows, text, type Cell, type Place } from './pathLibrary.ts';

const scratch = makeScratchDirectory('plexlift-shapes-');
const file = join(scratch, libraryDatabase);
const besides = [9_007_199_254_740_993n, text(Buffer.from([0x2f, 0xff, 0x00, 0x80]))] as const;

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Mapping = Readonly<Record<string, string>>;

/** Puts cells into a column of a real database, rewrites it, and reads them back. */
async function rewritten(mapping: Mapping, place: Place, cells: readonly Cell[]): Promise<{ readonly cells: readonly Cell[]; readonly counts: ColumnRewrite | undefined }> {
  rmSync(file, { force: true });
  makePathLibrary(file, { [place]: cells.map((path, at) => ({ rowid: BigInt(at + 1), path, beside: besides })) });
  const pairs = Object.entries(mapping).map(([from, to]) => ({ from, to }));
  const { columns } = await rewriteDatabase(file, { mapping: parseMapping(pairs), fileGuids: 'rewrite' });
  const rows = readPathRows(file, place);
  for (const { beside } of rows) expect(beside).toEqual(besides);
  return { cells: rows.map(({ path }) => path), counts: columns.find(({ table, column }) => `${table}.${column}` === place) };
}

type Example = readonly [name: string, mapping: Mapping, values: Readonly<Record<string, string>>];

const long = `/mnt/a/${'x'.repeat(65_536)}`;

const paths: readonly Example[] = [
  ['a chain: a goes to b while b goes to c', { '/a': '/b', '/b': '/c' }, { '/a/1': '/b/1', '/b/1': '/c/1', '/c/1': '/c/1' }],
  ['a longer chain, told backwards', { '/c': '/d', '/b': '/c', '/a': '/b' }, { '/a/1': '/b/1', '/b/1': '/c/1', '/c/1': '/d/1' }],
  ['a swap', { '/a': '/b', '/b': '/a' }, { '/a/1': '/b/1', '/b/1': '/a/1', '/a': '/b', '/a/b/a': '/b/b/a' }],
  ['a circle of three', { '/a': '/b', '/b': '/c', '/c': '/a' }, { '/a/1': '/b/1', '/b/1': '/c/1', '/c/1': '/a/1' }],
  ['nested directories', { '/a': '/x', '/a/b': '/y', '/a/b/c': '/z' }, { '/a/1': '/x/1', '/a/b': '/y', '/a/b/1': '/y/1', '/a/b/c/1': '/z/1', '/a/bc/1': '/x/bc/1' }],
  ['a directory that is taken out of a mapped one', { '/a': '/x', '/a/b': '/a/b' }, { '/a/1': '/x/1', '/a/b/1': '/a/b/1' }],
  ['a directory that moves into itself', { '/a': '/a/a' }, { '/a/1': '/a/a/1', '/a/a/1': '/a/a/a/1' }],
  ['a directory that moves out of itself', { '/a/a': '/a' }, { '/a/a/1': '/a/1', '/a/a/a/1': '/a/a/1', '/a/1': '/a/1' }],
  ['the root as "from"', { '/': '/media' }, { '/': '/media', '/films/1': '/media/films/1', '//films': '/media//films', 'films/1': 'films/1', 'C:\\films': 'C:\\films' }],
  ['the root as "to"', { '/mnt': '/' }, { '/mnt': '/', '/mnt/': '/', '/mnt/1': '/1', '/mntx': '/mntx' }],
  ['the root on both sides', { '/': '/' }, { '/': '/', '/a': '/a' }],
  ['the root beside a directory', { '/': '/rest', '/mnt': '/media' }, { '/mnt/1': '/media/1', '/srv/1': '/rest/srv/1', '/mntx': '/rest/mntx' }],
  ['slashes at the end of the pair', { '/mnt/a///': '/media/' }, { '/mnt/a': '/media', '/mnt/a/': '/media/', '/mnt/a/1/': '/media/1/', '/mnt/a//1': '/media//1' }],
  ['a name that another continues', { '/mnt/nas': '/x', '/mnt/nas-plex': '/y' }, { '/mnt/nas/1': '/x/1', '/mnt/nas-plex/1': '/y/1', '/mnt/nas-plex-optimized/1': '/mnt/nas-plex-optimized/1' }],
  ['"_" stands for itself', { '/mnt/n_s': '/x' }, { '/mnt/n_s/1': '/x/1', '/mnt/nas/1': '/mnt/nas/1' }],
  ['"%" stands for itself', { '/mnt/100%': '/x_%' }, { '/mnt/100%/50%.mkv': '/x_%/50%.mkv', '/mnt/100percent/1': '/mnt/100percent/1', '/mnt/100%25/1': '/mnt/100%25/1' }],
  ['letters of another case are another name', { '/mnt/nas': '/x' }, { '/mnt/NAS/1': '/mnt/NAS/1', '/Mnt/nas/1': '/Mnt/nas/1' }],
  ['quotes and other signs of SQL', { '/mnt/it\'s "x"; --': '/y\'"`' }, { '/mnt/it\'s "x"; --/a\'b': '/y\'"`/a\'b' }],
  ['spaces, also at the ends of names', { '/mnt/a b': '/x  y ' }, { '/mnt/a b/c d': '/x  y /c d', '/mnt/a b /1': '/mnt/a b /1', ' /mnt/a b/1': ' /mnt/a b/1' }],
  ['emoji', { '/mnt/🎬': '/🍿' }, { '/mnt/🎬/👩‍👩‍👧.mkv': '/🍿/👩‍👩‍👧.mkv' }],
  ['a composed name is not its decomposed one', { ['/mnt/é'.normalize('NFC')]: '/x' }, { ['/mnt/é/é'.normalize('NFC')]: `/x/${'é'.normalize('NFC')}`, ['/mnt/é/1'.normalize('NFD')]: '/mnt/é/1'.normalize('NFD') }],
  ['a decomposed name is not its composed one', { ['/mnt/é'.normalize('NFD')]: '/x' }, { ['/mnt/é/1'.normalize('NFC')]: '/mnt/é/1'.normalize('NFC'), ['/mnt/é/é'.normalize('NFD')]: `/x/${'é'.normalize('NFD')}` }],
  ['a path of 64 KiB', { '/mnt/a': '/media' }, { [long]: long.replace('/mnt/a', '/media') }],
  ['a directory of 64 KiB', { [long]: '/x', '/x': `${long}/y` }, { [`${long}/1`]: '/x/1', '/x/1': `${long}/y/1`, [`${long}1`]: `${long}1` }],
  ['500 pairs', Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`/mnt/disk${at}`, `/media/disk${(at + 1) % 500}`])), { '/mnt/disk7/1': '/media/disk8/1', '/mnt/disk499/1': '/media/disk0/1', '/mnt/disk500/1': '/mnt/disk500/1', '/mnt/disk77/1': '/media/disk78/1' }],
  ['a path that holds "from" twice', { '/mnt/a': '/x' }, { '/mnt/a/mnt/a/1': '/x/mnt/a/1', '/b/mnt/a/1': '/b/mnt/a/1' }],
  ['Windows and network paths', { '/': '/x', '/nas': '/y' }, { 'C:\\Media\\a.mkv': 'C:\\Media\\a.mkv', 'C:/Media/a.mkv': 'C:/Media/a.mkv', '\\\\nas\\films\\a.mkv': '\\\\nas\\films\\a.mkv' }],
  ['a network path with slashes is a path with an empty first name', { '/nas': '/y' }, { '//nas/x': '//nas/x', '/nas/x': '/y/x' }],
  ['"." and ".." in a value are names like others', { '/mnt/a': '/x' }, { '/mnt/a/../b': '/x/../b', '/mnt/./a/1': '/mnt/./a/1' }],
];

const urls: readonly Example[] = [
  ['a chain', { '/a': '/b', '/b': '/c' }, { 'file:///a/1': 'file:///b/1', 'file:///b/1': 'file:///c/1' }],
  ['a swap', { '/a': '/b', '/b': '/a' }, { 'file:///a/1': 'file:///b/1', 'file:///b/1': 'file:///a/1' }],
  ['the root', { '/': '/x' }, { 'file:///': 'file:///x', 'file:///a': 'file:///x/a' }],
  ['to the root', { '/mnt': '/' }, { 'file:///mnt': 'file:///', 'file:///mnt/a': 'file:///a' }],
  ['space and "%" in both, escaped', { '/a b': '/c% d' }, { 'file:///a%20b/1%25': 'file:///c%25%20d/1%25', 'file:///a%20bc/1': 'file:///a%20bc/1' }],
  ['space and "%" in both, raw', { '/a b': '/c% d' }, { 'file:///a b/1%': 'file:///c% d/1%', 'file:///a b/1%20': 'file:///c% d/1%20' }],
  ['a raw "%" that looks escaped only in part', { '/a%': '/b' }, { 'file:///a%/x%20y': 'file:///b/x%20y', 'file:///a%25/x%20y': 'file:///b/x%20y', 'file:///a%/x y': 'file:///b/x y' }],
  ['letters that are never escaped', { '/é[(&': '/🎬' }, { "file:///é[(&/it's.srt": "file:///🎬/it's.srt", 'file:///%C3%A9[(&/1': 'file:///%C3%A9[(&/1' }],
  ['other schemes and hosts', { '/': '/x' }, { 'blob://1': 'blob://1', 'media://a/b': 'media://a/b', 'http://h/mnt': 'http://h/mnt', 'file://host/a': 'file://host/a', 'FILE:///a': 'FILE:///a', '/a': '/a', 'file:/a': 'file:/a' }],
  ['a URL of 64 KiB', { '/mnt/a': '/media' }, { [`file://${long}`]: `file://${long.replace('/mnt/a', '/media')}` }],
];

const everyExample = [
  ...paths.map((example) => ['media_parts.file', ...example] as const),
  ...(['media_streams.url', 'metadata_items.guid'] as const).flatMap((place) => urls.map((example) => [place, ...example] as const)),
];

describe('the shapes of mappings', () => {
  it.each(everyExample)('%s: %s', async (place, _, mapping, values) => {
    const result = await rewritten(mapping, place, Object.keys(values).map((value) => text(value)));
    expect(result.cells).toEqual(Object.values(values).map((value) => text(value)));
    const changed = Object.entries(values).filter(([before, after]) => before !== after).length;
    expect(result.counts?.changed).toBe(changed);
  });
});

describe('what no mapping may change or break', () => {
  it.each(Object.entries(places))('%s: NULL, empty text, blobs and text that is no path', async (place, form) => {
    const lead = form === 'path' ? '' : 'file://';
    const cells = [null, text(''), { blob: Buffer.from(`${lead}/mnt/a/1`) }, { blob: Buffer.alloc(0) }, text('mnt/a/1'), text('file://mnt/a/1'), text(' ')];
    expect((await rewritten({ '/mnt/a': '/x' }, place as Place, cells)).cells).toEqual(cells);
  });

  it.each(Object.entries(places))('%s: bytes that are no UTF-8, and NUL bytes in the middle and at the end', async (place, form) => {
    const lead = form === 'path' ? '' : 'file://';
    const tails = ['ff', 'c328', 'e9', 'edb080', '00', '410000', '00410042', 'efbfbd'].map((hex) => Buffer.from(hex, 'hex'));
    const cells = tails.map((bytes) => text(Buffer.concat([Buffer.from(`${lead}/mnt/a/`), bytes])));
    const { cells: after, counts } = await rewritten({ '/mnt/a': '/x' }, place as Place, cells);
    expect(after).toEqual(tails.map((bytes) => text(Buffer.concat([Buffer.from(`${lead}/x/`), bytes]))));
    expect(counts).toMatchObject({ rows: tails.length, changed: tails.length, irreversible: 0 });
  });

  it('a NUL byte or broken UTF-8 right behind the directory makes it another name', async () => {
    const cells = ['00', 'ff', '002f61'].map((hex) => text(Buffer.concat([Buffer.from('/mnt/a'), Buffer.from(hex, 'hex')])));
    expect((await rewritten({ '/mnt/a': '/x' }, 'media_parts.file', cells)).cells).toEqual(cells);
  });

  it('text of more than a megabyte', async () => {
    const tail = '/é%20 '.repeat(250_000);
    expect((await rewritten({ '/mnt/a': '/x' }, 'media_parts.file', [text(`/mnt/a${tail}`)])).cells).toEqual([text(`/x${tail}`)]);
    expect((await rewritten({ '/mnt/a': '/x' }, 'media_streams.url', [text(`file:///mnt/a${tail}`)])).cells).toEqual([text(`file:///x${tail}`)]);
  });

  it('rows with the least and the greatest number there is, and every batch between', async () => {
    const numbers = [-(2n ** 63n), -(2n ** 63n) + 1n, -1n, 0n, 1n, 2n ** 53n + 1n, 2n ** 63n - 2n, 2n ** 63n - 1n];
    const many = Array.from({ length: 4_000 }, (_, at) => BigInt(at) + 10n);
    const rows = [...numbers, ...many].toSorted((one, other) => (one < other ? -1 : 1)).map((rowid) => ({ rowid, path: text(`/mnt/a/${rowid}`), beside: besides }));
    rmSync(file, { force: true });
    makePathLibrary(file, { 'media_parts.file': rows });
    const { columns } = await rewriteDatabase(file, { mapping: parseMapping([{ from: '/mnt/a', to: '/x' }]), fileGuids: 'leave' });
    expect(columns.find(({ column }) => column === 'file')).toMatchObject({ rows: rows.length, changed: rows.length });
    expect(readPathRows(file, 'media_parts.file')).toEqual(rows.map((row) => ({ ...row, path: text(`/x/${row.rowid}`) })));
  });
});

describe('what is counted', () => {
  it('a row no rule has, a Windows path among them, but no URL of another scheme', async () => {
    const paths = await rewritten({ '/a': '/x' }, 'media_parts.file', [text('/a/1'), text('/b/1'), text('C:\\a'), null, text(''), { blob: Buffer.from('/b') }]);
    expect(paths.counts).toMatchObject({ rows: 3, changed: 1, uncovered: 2, byRule: [{ from: '/a', rows: 1 }] });
    const urls = await rewritten({ '/a': '/x', '/b': '/b' }, 'media_streams.url', [text('file:///a/1'), text('file:///b/1'), text('file:///c/1'), text('blob://1'), text('')]);
    expect(urls.counts).toMatchObject({ rows: 3, changed: 1, uncovered: 1, byRule: [{ from: '/a', rows: 1 }, { from: '/b', rows: 1 }] });
  });
});
