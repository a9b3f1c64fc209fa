import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeScene, type Scene } from './scene.ts';

const libraryPath = join('Plug-in Support', 'Databases', 'com.plexapp.plugins.library.db');
const keyedOnGuid = ['SELECT guid FROM metadata_items', 'SELECT guid FROM metadata_item_settings', 'SELECT guid FROM metadata_item_views', 'SELECT grandparent_guid AS guid FROM metadata_item_views'];

let scene: Scene;

beforeAll(async () => {
  scene = await makeScene();
});
afterAll(() => scene.remove());

/** Every guid of a library that begins like a path on the source or on the target, table by table. */
function fileGuids(dataDirectory: string): readonly (readonly string[])[] {
  const database = new DatabaseSync(join(dataDirectory, libraryPath), { readOnly: true });
  try {
    return keyedOnGuid.map((sql) => database.prepare(`SELECT guid FROM (${sql}) WHERE guid LIKE 'file://%' ORDER BY guid`).all().map(({ guid }) => String(guid)));
  } finally {
    database.close();
  }
}

test('identifiers that are file URLs are mapped on request, and the watch state that is joined by them follows', async () => {
  expect((await scene.plexlift('migrate', '--until', 'examine')).exitCode).toBe(0);
  scene.configure({ fileGuids: 'rewrite' });
  expect((await scene.plexlift('migrate')).exitCode).toBe(0);
  const discarded = scene.events().filter((event) => event.type === 'results-discarded');
  expect(discarded).toMatchObject([{ steps: ['examine'], reason: '"fileGuids" in the configuration changed' }]);

  const before = fileGuids(scene.source);
  // Items, their settings, their views; no show of the library has such an identifier.
  expect(before.map((guids) => guids.length > 0)).toEqual([true, true, true, false]);
  const mapped = (guid: string): string => scene.pairs.reduce((text, { from, to }) => (text.startsWith(`file://${from}/`) ? `file://${to}${text.slice(`file://${from}`.length)}` : text), guid);
  const expected = before.map((guids) => guids.map(mapped).toSorted());
  expect(expected).not.toEqual(before);
  expect(fileGuids(scene.library).map((guids) => guids.toSorted())).toEqual(expected);
});

test('once published, the choice cannot be changed any more', async () => {
  scene.configure({ fileGuids: 'leave' });
  const changed = await scene.plexlift('migrate');
  expect(changed.exitCode).toBe(3);
  expect(changed.stderr).toContain('Cannot change the path mapping');
});
