import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { editPreferences } from '../../src/plex/preferences.ts';
import type { ServerFixture } from '../bed/plexServer/serverFixture.ts';
import { createServerFixture } from '../bed/plexServer/serverFixture.ts';
import type { Scene } from '../flow/scene.ts';
import { makeScene } from '../flow/scene.ts';
import { askPlex } from './askPlex.ts';
import { heldSettings, settingsAsWritten } from './movedLibrary.ts';

// The first start of a library that was moved while some of its files, or a whole share, are away.

const lostFiles = 3;

let scene: Scene;
let bed: ServerFixture;

beforeAll(async () => {
  bed = await createServerFixture();
  scene = await makeScene({ missingMedia: lostFiles });
  const { exitCode, stderr } = await scene.plexlift('migrate', '--yes', 'existing-library', '--yes', 'stop-source', '--until', 'publish');
  if (exitCode !== 0) throw new Error(`Cannot make the scene: ${stderr}`);
});

afterEach(async () => bed.killAll());

afterAll(() => {
  bed.remove();
  scene.remove();
});

/** The published library as it would be started, in a place of its own. */
function published(name: string): string {
  const directory = join(scene.place, name, 'Plex Media Server');
  cpSync(scene.library, directory, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return directory;
}

/** Gives the settings that are held the values that they have on the source. */
function letGo(directory: string): void {
  const onSource = settingsAsWritten(scene.source);
  const edits = [...heldSettings.keys()].map((name) => ({ name, value: onSource.get(name) ?? null }));
  const file = join(directory, 'Preferences.xml');
  writeFileSync(file, editPreferences(readFileSync(file), edits));
}

const counted = 'SELECT (SELECT count(*) FROM media_parts) AS parts, (SELECT count(*) FROM metadata_items) AS items';
const countsIn = (directory: string) => bed.query(directory, counted)[0] as { readonly parts: number; readonly items: number };

test('with the settings of the source, the items of missing files are lost at once', async () => {
  const directory = published('let-go');
  const before = countsIn(directory);
  letGo(directory);
  await bed.start(directory, { scanDelayMs: 10 });
  await expect.poll(() => countsIn(directory).parts, { timeout: 30_000 }).toBe(before.parts - lostFiles);
  expect(countsIn(directory).items).toBeLessThan(before.items);
});

test('with them, a share that is away costs everything on it', async () => {
  const directory = published('share-away');
  const before = countsIn(directory);
  letGo(directory);
  const [share] = scene.pairs;
  renameSync(share?.to ?? '', `${share?.to}.away`);
  try {
    await bed.start(directory, { scanDelayMs: 10 });
    await expect.poll(() => countsIn(directory).parts, { timeout: 30_000 }).toBeLessThan(before.parts / 4);
  } finally {
    renameSync(`${share?.to}.away`, share?.to ?? '');
  }
});

test('as they are held, nothing is scanned by itself, and no scan loses an item, not even with a share away', async () => {
  const directory = published('held');
  for (const [name, value] of heldSettings) expect([name, settingsAsWritten(directory).get(name)]).toEqual([name, value]);
  const before = countsIn(directory);
  const scans = 'SELECT id, scanned_at FROM library_sections ORDER BY id';
  const scannedBefore = bed.query(directory, scans);
  const [share] = scene.pairs;
  renameSync(share?.to ?? '', `${share?.to}.away`);
  try {
    const server = await bed.start(directory, { scanDelayMs: 10, butlerDelayMs: 10 });
    await delay(4_000);
    expect(bed.query(directory, scans)).toEqual(scannedBefore);
    await askPlex(server.baseUrl, scene.facts.token).scanEverything();
    expect(countsIn(directory)).toEqual(before);
  } finally {
    renameSync(`${share?.to}.away`, share?.to ?? '');
  }
});
