import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { coverCatalogue } from '../../src/catalogue/coverage.ts';
import { examineCatalogue } from '../../src/catalogue/integrity/integrity.ts';
import { libraryCounts } from '../../src/catalogue/libraryCounts.ts';
import { mediaPaths } from '../../src/catalogue/mediaPaths.ts';
import { proveRewrite } from '../../src/catalogue/proof/proof.ts';
import { tryRestore } from '../../src/catalogue/restoreTrial.ts';
import { rewriteCatalogue } from '../../src/catalogue/rewrite/rewrite.ts';
import { pickSamples } from '../../src/catalogue/samples.ts';
import type { FileGuids } from '../../src/plex/pathColumns.ts';
import { invertMapping, parseMapping } from '../../src/plex/pathMapping.ts';
import { isLong, seed as seedOf } from '../long.ts';
import { layouts, sensible, shapeDatabases, shapes, type MadeShape, type Shape, type ShapeOptions } from './shapes.ts';
import { differences, dumpOf, moved, type Dump, type Pair } from './shapesDump.ts';
import { pathPlaces } from './shapesFiller.ts';
import { databaseOf, removeScratch, scratchDirectory } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const seed = seedOf(1);

const plain = [{ from: '/mnt/nas-plex', to: '/media/library' }, { from: '/mnt/nas-plex-optimized', to: '/media/optimized' }];

/** Every mapping that a shape is rewritten with, and whether its identifiers are mapped too; in the full run each is tried both ways. */
const mappings: readonly { readonly name: string; readonly pairs: readonly Pair[]; readonly fileGuids: readonly FileGuids[] }[] = [
  { name: 'plain', pairs: plain, fileGuids: ['leave'] },
  {
    name: 'swapped and nested, to an odd name',
    pairs: [
      { from: '/mnt/nas-plex', to: '/mnt/nas-plex-optimized' },
      { from: '/mnt/nas-plex-optimized', to: '/mnt/nas-plex/' },
      { from: '/mnt/nas-plex/Movies', to: '/media/100% of_it é 🎬 "x" \'y\'' },
    ],
    fileGuids: ['rewrite'],
  },
  { name: 'the root', pairs: [{ from: '/', to: '/everything' }], fileGuids: ['rewrite'] },
].map((mapping) => (isLong ? { ...mapping, fileGuids: ['leave', 'rewrite'] } : mapping) as (typeof mappings)[number]);

/** Columns that only change where it is asked for. */
const guidPlaces = Object.keys(pathPlaces).filter((place) => place.endsWith('guid'));

/** In the full run every shape in every layout; otherwise each in two, so that among them every page size, journal and way of vacuuming is there. */
const subjects = shapes.flatMap((shape, place) => {
  const chosen = isLong ? layouts : [place * 7, place * 7 + 16].flatMap((number) => layouts[number % layouts.length] ?? []);
  return chosen.map((layout) => ({ shape, name: `${shape.name}, pages of ${layout.pageSizeBytes}, ${layout.journal}, auto_vacuum ${layout.autoVacuum}`, options: { ...layout, seed: seed + place } }));
});

afterEach(() => {
  for (const name of readdirSync(scratch)) removeScratch(join(scratch, name));
});
afterAll(() => removeScratch(scratch));

function make(shape: Shape, options: ShapeOptions): { readonly from: string; readonly made: MadeShape } {
  const from = join(scratch, 'from');
  return { from, made: shape.make(from, options) };
}

function dumps(directory: string): ReadonlyMap<string, Dump> {
  return new Map(Object.values(shapeDatabases).map((name) => [name, dumpOf(databaseOf(directory, name))]));
}

/** Every database as the pairs have it; the guide is not rewritten. */
function expected(before: ReadonlyMap<string, Dump>, { pairs, guids }: { readonly pairs: readonly Pair[]; readonly guids: boolean }): ReadonlyMap<string, Dump> {
  const places = Object.fromEntries(Object.entries(pathPlaces).filter(([place]) => guids || !guidPlaces.includes(place)));
  return new Map(Array.from(before, ([name, dump]) => [name, name === shapeDatabases.guide ? dump : moved(dump, { places, pairs })]));
}

function compare(wanted: ReadonlyMap<string, Dump>, found: ReadonlyMap<string, Dump>): readonly string[] {
  return Array.from(wanted, ([name, dump]) => differences(dump, found.get(name) ?? { objects: [], header: '', tables: new Map() }).map((line) => `${name}: ${line}`)).flat();
}

function changedCells(before: ReadonlyMap<string, Dump>, after: ReadonlyMap<string, Dump>): number {
  return Array.from(before, ([name, dump]) => {
    const rows = Array.from(dump.tables, ([table, own]) => own.flatMap((row, number) => row.filter((cell, place) => cell.bytes !== after.get(name)?.tables.get(table)?.[number]?.[place]?.bytes)));
    return rows.flat().length;
  }).reduce((sum, count) => sum + count, 0);
}

describe.each(subjects)('$name', ({ shape, options }) => {
  it('is laid out as asked, with no table empty', () => {
    const { from } = make(shape, options);
    for (const name of Object.values(shapeDatabases)) {
      const database = new DatabaseSync(databaseOf(from, name), { readOnly: true });
      const setting = (pragma: string): unknown => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
      expect([setting('page_size'), setting('auto_vacuum')]).toEqual([options.pageSizeBytes, ['none', 'full', 'incremental'].indexOf(options.autoVacuum)]);
      // Where everything is vacuumed at once no page stays free.
      expect(Number(setting('freelist_count')) > 0).toBe(options.autoVacuum !== 'full');
      database.close();
      expect(readFileSync(databaseOf(from, name))[18]).toBe(options.journal === 'wal' ? 2 : 1);
      const empty = Array.from(dumpOf(databaseOf(from, name)).tables).filter(([, rows]) => rows.length === 0).map(([table]) => table);
      // What a module keeps for its own use, and fills when it has more to keep.
      expect(empty.filter((table) => !/_(?:segments|stat|parent|docsize|segdir)$/.test(table))).toEqual([]);
    }
  });

  it('is found sound, counted, searched and restored', async () => {
    const { from, made } = make(shape, options);
    const integrity = await examineCatalogue(from, { scratchDirectory: scratch });
    expect(integrity.databases.filter(({ ok, file }) => !ok && file.endsWith('.db'))).toEqual([]);
    expect(integrity).toMatchObject({ ok: true, missing: [] });

    const coverage = await coverCatalogue(from, { mapping: parseMapping(plain), fileGuids: 'leave' });
    const found = new Map(coverage.unknownPaths.map(({ file, table, column, rows }) => [`${file} ${table}.${column}`, rows]));
    const planted = Array.from(made.mentioned, ([file, columns]) => Array.from(columns, ([column, rows]) => [`${file} ${column}`, rows] as const)).flat();
    const known = (place: string): boolean => !place.startsWith(shapeDatabases.guide) && Object.keys(pathPlaces).some((each) => place.endsWith(` ${each}`));
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(planted.filter(([place]) => !known(place))));

    const counts = await libraryCounts(databaseOf(from));
    expect(counts.libraries.find(({ id }) => id === sensible.library)).toMatchObject({ name: 'Movies', type: 'movies', roots: ['/mnt/nas-plex/Movies/sensible'], items: { movie: 4 }, inTrash: 1, media: 5, optimizedVersions: 1 });
    expect(counts.byAccount.find(({ account }) => account === sensible.account)).toMatchObject({ settings: 5, watched: 2, inProgress: 4, history: 5 });
    expect(counts.schemaVersion).toMatch(/^20\d{12}$/);
    const samples = await pickSamples(from, { playable: 50, artwork: 50, isMissing: () => false });
    const sensibly = samples.playable.filter(({ itemId }) => itemId >= sensible.first && itemId < sensible.first + 5);
    expect(sensibly.map(({ file }) => file).toSorted()).toEqual([0, 1, 2].map((number) => `/mnt/nas-plex/Movies/sensible/${number}.mkv`));
    expect(samples.expected.playlists).toContain(sensible.first + 5);
    expect(JSON.parse(JSON.stringify(samples))).toEqual(samples);
    let parts = 0;
    for await (const { path, source, rule } of mediaPaths(databaseOf(from), parseMapping(plain))) {
      expect(path.equals(source)).toBe(rule === null);
      parts += 1;
    }
    expect(parts).toBeGreaterThan(30);

    const files = [...readdirSync(join(from, 'Plug-in Support/Databases')).map((name) => `Plug-in Support/Databases/${name}`), 'Preferences.xml'].map((path) => {
      const bytes = readFileSync(join(from, path));
      return { path, sizeBytes: statSync(join(from, path)).size, sha256: createHash('sha256').update(bytes).digest('hex') };
    });
    expect(await tryRestore({ backup: from, files, scratchDirectory: scratch })).toMatchObject({ ok: true, faults: [] });
  });

  it.each(mappings)('is rewritten as predicted and back again ($name)', async ({ pairs, fileGuids: choices }) => {
    const { from } = make(shape, options);
    const before = dumps(from);
    const mapping = parseMapping(pairs);
    for (const fileGuids of choices) {
      const [into, back] = [join(scratch, `into ${fileGuids}`), join(scratch, `back ${fileGuids}`)];
      const { preferences } = await rewriteCatalogue({ from, into, mapping, fileGuids, friendlyName: null });
      const wanted = expected(before, { pairs: pairs.map(({ from: one, to }) => ({ from: one, to: to.length > 1 ? to.replace(/\/$/, '') : to })), guids: fileGuids === 'rewrite' });
      expect(changedCells(before, wanted)).toBeGreaterThan(fileGuids === 'rewrite' ? 60 : 40);
      expect(compare(wanted, dumps(into))).toEqual([]);
      expect(compare(before, dumps(from))).toEqual([]);
      expect(await proveRewrite({ before: from, after: into, pairs, fileGuids, edits: preferences.edits })).toMatchObject({ ok: true, differences: [] });
      expect((await examineCatalogue(into, { scratchDirectory: scratch })).databases.filter(({ ok, file }) => !ok && file.endsWith('.db'))).toEqual([]);

      const inverse = invertMapping(mapping);
      const undone = await rewriteCatalogue({ from: into, into: back, mapping: inverse, fileGuids, friendlyName: null });
      expect(compare(before, dumps(back))).toEqual([]);
      expect(await proveRewrite({ before: into, after: back, pairs: inverse.rules, fileGuids, edits: undone.preferences.edits })).toMatchObject({ ok: true, differences: [] });
    }
  });
});
