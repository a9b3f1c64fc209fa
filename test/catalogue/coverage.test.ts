import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coverCatalogue, type Coverage } from '../../src/catalogue/coverage.ts';
import { libraryCounts } from '../../src/catalogue/libraryCounts.ts';
import { mediaPaths, type MediaPath } from '../../src/catalogue/mediaPaths.ts';
import { blobsDatabase } from '../../src/plex/dataDirectory.ts';
import type { FileGuids } from '../../src/plex/pathColumns.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { createPlexDatabase } from '../bed/library/plexDatabase.ts';
import { brokenPath, databaseOf, makeCatalogue, pairs, removeScratch, scratchDirectory, tamper, versions } from './smallCatalogue.ts';

const directory = scratchDirectory();
const mapping = parseMapping(pairs);

beforeAll(() => {
  makeCatalogue(directory, {
    fill: (rows) => {
      rows.insert('tags', { tag: 'x', tag_type: 42, extra_data: String.raw`{"path":"\/mnt\/nas-plex\/x","token":"s3cret"}` });
      rows.insert('media_subscriptions', { extra_data: 'dir=%2fmnt%2fnas-plex%2fnew&X-Plex-Token=s3cret' });
      rows.insert('preferences', { name: 'other', value: '%2Fmnt%2Fnas%2Dplex%2Doptimized%2Fx' });
      rows.insert('preferences', { name: 'no hit', value: '/mnt/nas-plexus/x' });
      rows.insert('media_subscriptions', { extra_data: '{"pr:postProcessing":"/home/alex/cut.sh --key s3cret","url":"pr%3ApostProcessing=%2Fhome%2Falex%2Fcut%2Esh%20--key%20s3cret"}' });
      rows.insert('media_subscriptions', { extra_data: '{"pr:key":"/library/sections/1/all","pr:thumb":"https://example.com/t/p/a.jpg"}' });
      rows.insert('media_subscriptions', { extra_data: Buffer.from('{"pr:dir":"/home/alex/recordings"}') });
      rows.insert('tags', { tag: 'y', tag_type: 42, extra_data: String.raw`{"path":"C:\\Media\\x","other":"\\\\nas\\films"}` });
      for (let row = 0; row < 10; row += 1) rows.insert('play_queue_generators', { uri: `library:///directory/%252Fmnt%252Fnas-plex%252F${row}`, created_at: 1, updated_at: 1 });
    },
  });
});
afterAll(() => removeScratch(directory));

describe('coverCatalogue', () => {
  it('says of every directory of a library where it goes', async () => {
    const { roots, sharedTargets } = await coverCatalogue(directory, { mapping, fileGuids: 'leave' });
    expect(roots).toEqual([
      { library: 'Movies', path: '/mnt/nas-plex/Movies', rule: '/mnt/nas-plex', target: '/media/library/Movies' },
      { library: 'Movies', path: '/mnt/nas-plex-optimized', rule: '/mnt/nas-plex-optimized', target: '/media/optimized' },
      { library: 'Odd', path: '/srv/odd', rule: null, target: null },
    ]);
    expect(sharedTargets).toEqual([]);
    const shared = parseMapping([{ from: '/mnt/nas-plex-optimized', to: '/media' }, { from: '/srv/odd', to: '/media' }]);
    expect((await coverCatalogue(directory, { mapping: shared, fileGuids: 'leave' })).sharedTargets).toEqual(['/media']);
  });

  it('takes no directory for covered that only begins alike, nor one of Windows or of a network share', async () => {
    const other = scratchDirectory();
    const odd = ['/mnt/nas-plex2', 'C:\\Media', '\\\\nas\\films', '/mnt/NAS-plex', 'mnt/nas-plex'];
    makeCatalogue(other, { fill: (rows) => odd.forEach((path, place) => rows.insert('section_locations', { id: 10 + place, library_section_id: 2, root_path: path })) });
    const { roots } = await coverCatalogue(other, { mapping, fileGuids: 'leave' });
    removeScratch(other);
    expect(roots.filter(({ rule }) => rule === null).map(({ library, path }) => [library, path])).toEqual(['/srv/odd', ...odd].map((path) => ['Odd', path]));
  });

  it('looks through a table with more columns than SQLite nests terms', async () => {
    const guide = databaseOf(directory, 'tv.plex.providers.epg.cloud-2.db');
    tamper(guide, `CREATE TABLE wide(${Array.from({ length: 1_500 }, (_, number) => `c${number} TEXT`).join(', ')}); INSERT INTO wide(c0, c1499) VALUES ('/home/alex/a', '/mnt/nas-plex/b')`);
    tamper(guide, `UPDATE wide SET ${Array.from({ length: 1_498 }, (_, number) => `c${number + 1} = 'and/or'`).join(', ')}`);
    const { unknownPaths, otherPaths } = await coverCatalogue(directory, { mapping, fileGuids: 'leave' });
    rmSync(guide);
    expect([...unknownPaths, ...otherPaths].filter(({ table }) => table === 'wide').map(({ column }) => column)).toEqual(['c1499', 'c0']);
  });

  it('counts each path column by rule, and groups what no rule has', async () => {
    const { columns } = await coverCatalogue(directory, { mapping, fileGuids: 'leave' });
    const of = (column: string, table: string): Coverage['columns'][number] | undefined => columns.find((each) => each.column === column && each.table === table);
    expect(of('file', 'media_parts')).toMatchObject({ byRule: [{ from: '/mnt/nas-plex-optimized', rows: 1 }, { from: '/mnt/nas-plex', rows: 7 }], notText: 1 });
    expect(new Set(of('file', 'media_parts')?.uncovered.map(({ prefix }) => prefix))).toEqual(new Set(['C:\\Media', '\\\\nas\\films', '/mnt/nas-plexus', '/mnt/nas_plex', '/srv/e.mkv']));
    expect(of('url', 'media_streams')).toMatchObject({
      byRule: [{ rows: 0 }, { from: '/mnt/nas-plex', rows: 2 }],
      uncovered: [{ prefix: '/srv/other.srt', rows: 1 }],
      otherSchemes: [{ scheme: 'blob://', rows: 1 }, { scheme: 'http://', rows: 1 }],
    });
    expect(of('guid', 'metadata_items')).toMatchObject({ rewritten: false, irreversible: 0, byRule: [{ rows: 0 }, { rows: 1 }], otherSchemes: [] });
  });

  it('finds mapped directories in every other column, in every spelling, and never what stands beside them', async () => {
    const { unknownPaths } = await coverCatalogue(directory, { mapping, fileGuids: 'leave' });
    const found = Object.fromEntries(unknownPaths.map(({ table, column, rows, forms, examples }) => [`${table}.${column}`, { rows, forms, examples }]));
    expect(found).toEqual({
      'metadata_items.summary': { rows: 1, forms: ['plain'], examples: ['/mnt/nas-plex/old'] },
      'metadata_items.extra_data': { rows: 1, forms: ['percent-encoded'], examples: ['%2Fmnt%2Fnas-plex%2FMovies'] },
      'tags.extra_data': { rows: 1, forms: ['JSON-escaped'], examples: [String.raw`\/mnt\/nas-plex\/x`] },
      'media_subscriptions.extra_data': { rows: 1, forms: ['percent-encoded'], examples: ['%2fmnt%2fnas-plex%2fnew'] },
      'preferences.value': { rows: 1, forms: ['percent-encoded'], examples: ['%2Fmnt%2Fnas%2Dplex%2Doptimized%2Fx'] },
      'play_queue_generators.uri': { rows: 10, forms: ['percent-encoded'], examples: [0, 1, 2].map((row) => `%252Fmnt%252Fnas-plex%252F${row}`) },
    });
    expect(JSON.stringify(unknownPaths)).not.toContain('s3cret');
    expect(unknownPaths.map(({ file }) => file)).not.toContain(blobsDatabase);
  });

  it('finds every other path too, by form and how it begins, and never what stands beside it', async () => {
    const { otherPaths } = await coverCatalogue(directory, { mapping, fileGuids: 'leave' });
    expect(otherPaths.map(({ table, column, rows, groups, examples }) => [`${table}.${column}`, rows, groups.map(({ form, top, rows: ofThem }) => `${ofThem} ${form} ${top}`), examples])).toEqual([
      ['media_subscriptions.extra_data', 2, ['2 path /home/alex'], ['/home/alex/cut.sh', '/home/alex/recordings']],
      ['preferences.value', 1, ['1 path /mnt/nas-plexus'], ['/mnt/nas-plexus/x']],
      ['tags.extra_data', 1, ['1 Windows path C:\\Media', '1 network path \\\\nas\\films'], ['C:\\Media\\x', '\\\\nas\\films']],
    ]);
    expect(JSON.stringify(otherPaths)).not.toContain('s3cret');
  });

  it('tells of rows that the mapping taken back would not give back, in what is rewritten', async () => {
    const of = async (pairsOfCase: Parameters<typeof parseMapping>[0], fileGuids: FileGuids): Promise<Record<string, number>> => {
      const { columns } = await coverCatalogue(directory, { mapping: parseMapping(pairsOfCase), fileGuids });
      return Object.fromEntries(columns.filter(({ irreversible }) => irreversible > 0).map(({ table, column, irreversible }) => [`${table}.${column}`, irreversible]));
    };
    expect(await of(pairs, 'leave')).toEqual({});
    expect(await of(pairs, 'rewrite')).toEqual({});
    // "/srv/odd" and what else lies below /srv is there already.
    expect(await of([{ from: '/mnt/nas-plex', to: '/srv' }], 'leave')).toEqual({ 'section_locations.root_path': 1, 'media_parts.file': 1, 'media_streams.url': 1 });
    const merged = await of([{ from: '/mnt/nas-plex', to: '/media' }, { from: '/mnt/nas-plex/Movies', to: '/media' }], 'rewrite');
    expect(merged['metadata_items.guid']).toBe(1);
    expect(merged['section_locations.root_path']).toBe(1);
    expect(await of([{ from: '/mnt/nas-plex', to: '/media' }, { from: '/mnt/nas-plex/Movies', to: '/media' }], 'leave')).not.toHaveProperty(['metadata_items.guid']);
  });

  it('takes the identifiers for rewritten where they are', async () => {
    const { columns } = await coverCatalogue(directory, { mapping, fileGuids: 'rewrite' });
    expect(columns.filter(({ column }) => /guid/.test(column)).map(({ rewritten }) => rewritten)).not.toContain(false);
  });

  it('searches a guide whole, because it is not rewritten', async () => {
    const guide = 'tv.plex.providers.epg.cloud-1.db';
    createPlexDatabase(databaseOf(directory, guide), { version: versions.now, fill: (rows) => rows.insert('media_parts', { file: '/mnt/nas-plex/recording.ts' }) });
    const { unknownPaths } = await coverCatalogue(directory, { mapping, fileGuids: 'leave' });
    rmSync(databaseOf(directory, guide));
    expect(unknownPaths).toContainEqual({ file: guide, table: 'media_parts', column: 'file', rows: 1, forms: ['plain'], examples: ['/mnt/nas-plex/recording.ts'] });
  });

  it('searches for many directories at once', async () => {
    const many = parseMapping(Array.from({ length: 60 }, (_, number) => ({ from: `/mnt/nas/${number}/films-${number}`, to: '/media' })).concat({ from: '/mnt/nas-plex', to: '/x' }));
    expect((await coverCatalogue(directory, { mapping: many, fileGuids: 'leave' })).unknownPaths.map(({ table }) => table)).not.toContain('preferences');
    expect((await coverCatalogue(directory, { mapping: many, fileGuids: 'leave' })).unknownPaths.length).toBe(5);
  });

  it('searches for directories whose first names all differ', async () => {
    const many = parseMapping(Array.from({ length: 300 }, (_, number) => ({ from: `/volume${number}/films`, to: '/media' })).concat({ from: '/mnt/nas-plex', to: '/x' }));
    expect((await coverCatalogue(directory, { mapping: many, fileGuids: 'leave' })).unknownPaths.length).toBe(5);
  });

  it('names agents and plug-ins that do not come with the server', async () => {
    expect(await coverCatalogue(directory, { mapping, fileGuids: 'leave' })).toMatchObject({ foreignAgents: [{ library: 'Odd', agent: 'com.example.agents.odd' }], foreignPlugIns: ['com.example.agents.odd'] });
  });
});

describe('mediaPaths', () => {
  async function all(mapped: boolean): Promise<MediaPath[]> {
    const paths: MediaPath[] = [];
    for await (const path of mediaPaths(databaseOf(directory), mapped ? mapping : null)) paths.push(path);
    return paths;
  }

  it('gives every file once, mapped, with what a person calls it', async () => {
    const paths = await all(true);
    const text = paths.map(({ path }) => path.toString('latin1'));
    expect(new Set(text).size).toBe(text.length);
    expect(paths.find(({ source }) => source.toString() === '/mnt/nas-plex/Movies/shared.mkv')).toMatchObject({ kind: 'part', library: 'Movies', title: 'A', rule: '/mnt/nas-plex' });
    expect(text).toContain(brokenPath.toString('latin1').replace('/mnt/nas-plex', '/media/library'));
    expect(paths.filter(({ kind }) => kind === 'sidecar').map(({ path, rule }) => [path.toString(), rule])).toEqual([
      ['/media/library/Movies/A (2001)/100%.srt', '/mnt/nas-plex'],
      ['/media/library/Movies/B (2002)/raw.srt', '/mnt/nas-plex'],
      ['/srv/other.srt', null],
    ]);
    expect(paths.find(({ source }) => source.equals(brokenPath))?.sizeBytes).toBe(5);
  });

  it('leaves paths as they are without a mapping', async () => {
    for (const { path, source, rule } of await all(false)) expect([path.equals(source), rule]).toEqual([true, null]);
  });

  it('names the database where it is none', async () => {
    await expect(mediaPaths(databaseOf(directory, 'absent.db'), null).next()).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('absent.db') as string });
  });
});

describe('libraryCounts', () => {
  it('counts what a person would miss', async () => {
    expect(await libraryCounts(databaseOf(directory))).toMatchObject({
      libraries: [
        { id: 1, name: 'Movies', type: 'movies', roots: ['/mnt/nas-plex/Movies', '/mnt/nas-plex-optimized'], items: { movie: 1, extra: 1, playlist: 1 }, media: 2, optimizedVersions: 1 },
        { id: 2, name: 'Odd', items: {} },
      ],
      users: 2,
      settings: 2,
      watched: 1,
      inProgress: 1,
      ratings: 1,
      history: 1,
      playlists: 1,
      schemaVersion: '20260315240000',
      byAccount: [{ account: 1, settings: 1, watched: 1, inProgress: 0, history: 1 }, { account: 7, settings: 1, watched: 0, inProgress: 1, history: 0 }],
    });
  });
});
