import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeLibrary, type LibraryFacts, type LibraryOptions } from '../bed/library/makeLibrary.ts';
import { differences, dumpOf, moved } from '../catalogue/shapesDump.ts';
import { fillFuture, futureSchema } from '../catalogue/shapesFuture.ts';
import { bulkOf, cells, differencesOf, mainDatabase, treeOf } from './comparing.ts';
import { makeScene, type Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene.remove());

/** Puts another library in the place of the scene's own. */
async function sceneWith(options: Pick<LibraryOptions, 'version' | 'beyond'>): Promise<LibraryFacts> {
  scene = await makeScene();
  const [media, optimized] = ['library', 'optimized'].map((name) => join(scene.place, 'media', name));
  for (const directory of [scene.source, media, optimized]) if (directory !== undefined) rmSync(directory, { recursive: true });
  const facts = await makeLibrary({ dataDirectory: scene.source, mediaDirectory: media ?? '', optimizedDirectory: optimized ?? '', items: 60, seed: 4, ...options });
  scene.configure({ source: { directory: scene.source, version: facts.version } });
  return facts;
}

/** Moves the library, and looks at what arrived with eyes of its own. */
async function expectWholeRoad(facts: LibraryFacts): Promise<void> {
  const before = treeOf(scene.source, { exact: true });
  const outcome = await scene.plexlift('migrate');
  expect(outcome.stderr).toContain('17/17');
  expect(outcome.exitCode).toBe(0);
  expect(differencesOf(before, treeOf(scene.source, { exact: true }))).toEqual([]);
  expect(differencesOf(bulkOf(treeOf(scene.source)), bulkOf(treeOf(scene.library))).filter((line) => !line.startsWith('Plug-in Support: '))).toEqual([]);

  const places = { 'media_parts.file': 'path', 'section_locations.root_path': 'path', 'media_streams.url': 'url' } as const;
  for (const path of facts.databases.filter((name) => name.endsWith('.db'))) {
    const before = dumpOf(join(scene.source, path));
    const expected = path === mainDatabase ? moved(before, { places, pairs: scene.pairs }) : before;
    expect(differences(expected, dumpOf(join(scene.library, path))), path).toEqual([]);
  }
  const files = cells(join(scene.library, mainDatabase), "SELECT file FROM media_parts NOT INDEXED WHERE file LIKE '/%'").map(String);
  expect(files.length).toBeGreaterThan(60);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);

  const back = await scene.plexlift('rollback');
  expect(back.exitCode, back.stderr).toBe(0);
  expect(existsSync(scene.library)).toBe(false);
}

test('a library of about 2019 moves whole: dates as text, sidecar URLs as they are, an index that no stock SQLite can read', { timeout: 120_000 }, async () => {
  const facts = await sceneWith({ version: '1.18.9.2578-513b381af' });
  const urls = cells(join(scene.source, mainDatabase), "SELECT url FROM media_streams NOT INDEXED WHERE url LIKE 'file://% %'");
  expect(urls.length).toBeGreaterThan(3);
  expect(cells(join(scene.source, mainDatabase), "SELECT created_at FROM media_parts NOT INDEXED LIMIT 1")).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) as string]);
  await expectWholeRoad(facts);
});

test('a library that nobody knows moves whole, and what looks like a path in it is told', { timeout: 120_000 }, async () => {
  const facts = await sceneWith({ version: '1.99.0.20000-abcdef012', beyond: { schema: futureSchema(), fill: (database) => void fillFuture(database) } });
  await expectWholeRoad(facts);
  const report = await scene.plexlift('report');
  expect(report.exitCode).toBe(0);
  const found = scene.events().flatMap((event) => (event.type === 'check-finished' && event.name === 'unknown-paths' ? [JSON.stringify(event)] : []));
  for (const column of ['future_folders.whole', 'future_folders.kept', 'future_names.rowid', 'future_search_content.c1']) expect(found.join()).toContain(column);
});
