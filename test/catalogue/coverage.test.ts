import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coverCatalogue, type Coverage } from '../../src/catalogue/coverage.ts';
import { libraryCounts } from '../../src/catalogue/libraryCounts.ts';
import { mediaPaths, type MediaPath } from '../../src/catalogue/mediaPaths.ts';
import { blobsDatabase } from '../../src/plex/dataDirectory.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { createPlexDatabase } from '../bed/library/plexDatabase.ts';
import { brokenPath, databaseOf, makeCatalogue, pairs, removeScratch, scratchDirectory, versions } from './smallCatalogue.ts';

const directory = scratchDirectory();
const mapping = parseMapping(pairs);

beforeAll(() => {
  makeCatalogue(directory, {
    fill: (rows) => {
      rows.insert('tags', { tag: 'x', tag_type: 42, extra_data: String.raw`{"path":"\/mnt\/nas-plex\/x","token":"s3cret"}` });
      rows.insert('media_subscriptions', { extra_data: 'dir=%2fmnt%2fnas-plex%2fnew&X-Plex-Token=s3cret' });
      rows.insert('preferences', { name: 'other', value: '%2Fmnt%2Fnas%2Dplex%2Doptimized%2Fx' });
      rows.insert('preferences', { name: 'no hit', value: '/mnt/nas-plexus/x' });
      for (let row = 0; row < 10; row += 1) rows.insert('play_queue_generators', { uri: `library:///directory/%252Fmnt%252Fnas-plex%252F${row}`, created_at: 1, updated_at: 1 });
    },
  });
});
afterAll(() => removeScratch(directory));

describe('coverCatalogue', () => {
  it('says of every directory of a library where it goes', async () => {
    const { roots, sharedTargets } = await coverCatalogue(directory, mapping);
    expect(roots).toEqual([
      { library: 'Movies', path: '/mnt/nas-plex/Movies', rule: '/mnt/nas-plex', target: '/media/library/Movies' },
      { library: 'Movies', path: '/mnt/nas-plex-optimized', rule: '/mnt/nas-plex-optimized', target: '/media/optimized' },
      { library: 'Odd', path: '/srv/odd', rule: null, target: null },
    ]);
    expect(sharedTargets).toEqual([]);
    const shared = parseMapping([{ from: '/mnt/nas-plex-optimized', to: '/media' }, { from: '/srv/odd', to: '/media' }]);
    expect((await coverCatalogue(directory, shared)).sharedTargets).toEqual(['/media']);
  });

  it('counts each path column by rule, and groups what no rule has', async () => {
    const { columns } = await coverCatalogue(directory, mapping);
    const of = (column: string, table: string): Coverage['columns'][number] | undefined => columns.find((each) => each.column === column && each.table === table);
    expect(of('file', 'media_parts')).toMatchObject({ byRule: [{ from: '/mnt/nas-plex-optimized', rows: 1 }, { from: '/mnt/nas-plex', rows: 7 }], notText: 1 });
    expect(new Set(of('file', 'media_parts')?.uncovered.map(({ prefix }) => prefix))).toEqual(new Set(['C:\\Media', '\\\\nas\\films', '/mnt/nas-plexus', '/mnt/nas_plex', '/srv/e.mkv']));
    expect(of('url', 'media_streams')).toMatchObject({
      byRule: [{ rows: 0 }, { from: '/mnt/nas-plex', rows: 2 }],
      uncovered: [{ prefix: '/srv/other.srt', rows: 1 }],
      otherSchemes: [{ scheme: 'blob://', rows: 1 }, { scheme: 'http://', rows: 1 }],
    });
    expect(of('guid', 'metadata_items')).toMatchObject({ action: 'report', byRule: [{ rows: 0 }, { rows: 1 }], otherSchemes: [] });
  });

  it('finds mapped directories in every other column, in every spelling, and never what stands beside them', async () => {
    const { unknownPaths } = await coverCatalogue(directory, mapping);
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

  it('searches a guide whole, because it is not rewritten', async () => {
    const guide = 'tv.plex.providers.epg.cloud-1.db';
    createPlexDatabase(databaseOf(directory, guide), { version: versions.now, fill: (rows) => rows.insert('media_parts', { file: '/mnt/nas-plex/recording.ts' }) });
    const { unknownPaths } = await coverCatalogue(directory, mapping);
    rmSync(databaseOf(directory, guide));
    expect(unknownPaths).toContainEqual({ file: guide, table: 'media_parts', column: 'file', rows: 1, forms: ['plain'], examples: ['/mnt/nas-plex/recording.ts'] });
  });

  it('searches for many directories at once', async () => {
    const many = parseMapping(Array.from({ length: 60 }, (_, number) => ({ from: `/mnt/nas/${number}/films-${number}`, to: '/media' })).concat({ from: '/mnt/nas-plex', to: '/x' }));
    expect((await coverCatalogue(directory, many)).unknownPaths.map(({ table }) => table)).not.toContain('preferences');
    expect((await coverCatalogue(directory, many)).unknownPaths.length).toBe(5);
  });

  it('names agents and plug-ins that do not come with the server', async () => {
    expect(await coverCatalogue(directory, mapping)).toMatchObject({ foreignAgents: [{ library: 'Odd', agent: 'com.example.agents.odd' }], foreignPlugIns: ['com.example.agents.odd'] });
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
