import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bulkOf, differencesOf, treeOf } from './comparing.ts';
import type { Scene } from './scene.ts';
import { makeScene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await makeScene();
});

afterAll(() => scene.remove());

test('a migration after a rollback that was cut off right behind the withdrawal sends everything anew', async () => {
  expect((await scene.plexlift('migrate')).exitCode).toBe(0);
  expect((await scene.plexlift('rollback')).exitCode).toBe(0);
  // As it is when power fails at that moment: the library is withdrawn and that is on record, everything else seems to be done.
  const journal = join(scene.run, 'journal.ndjson');
  const lines = readFileSync(journal, 'utf8').split('\n');
  const withdrawnAt = lines.findIndex((line) => line.includes('"undo-finished","step":"publish"'));
  expect(withdrawnAt).toBeGreaterThan(0);
  writeFileSync(journal, lines.slice(0, withdrawnAt + 1).join('\n') + '\n');

  const again = await scene.plexlift('migrate');
  expect(again.stderr).toContain('a new landing area is begun');
  expect(again.exitCode).toBe(0);
  expect(differencesOf(bulkOf(treeOf(scene.source)), bulkOf(treeOf(scene.library))).filter((line) => !line.startsWith('Plug-in Support: '))).toEqual([]);
});
