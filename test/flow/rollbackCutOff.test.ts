import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bulkOf, differencesOf, treeOf } from './comparing.ts';
import type { Scene } from './scene.ts';
import { makeScene } from './scene.ts';

/** A library that was migrated, and whose rollback lost its power right behind the withdrawal: that is on record, everything else seems to be done. */
async function cutOffBehindTheWithdrawal(): Promise<Scene> {
  const scene = await makeScene();
  onTestFinished(() => scene.remove());
  expect((await scene.plexlift('migrate')).exitCode).toBe(0);
  expect((await scene.plexlift('rollback')).exitCode).toBe(0);
  const journal = join(scene.run, 'journal.ndjson');
  const lines = readFileSync(journal, 'utf8').split('\n');
  const withdrawnAt = lines.findIndex((line) => line.includes('"undo-finished","step":"publish"'));
  expect(withdrawnAt).toBeGreaterThan(0);
  writeFileSync(journal, lines.slice(0, withdrawnAt + 1).join('\n') + '\n');
  return scene;
}

test('a migration after it sends everything anew, and can be finished', async () => {
  const scene = await cutOffBehindTheWithdrawal();
  const again = await scene.plexlift('migrate');
  expect(again.stderr).toContain('a new landing area is begun');
  expect(again.exitCode).toBe(0);
  expect(differencesOf(bulkOf(treeOf(scene.source)), bulkOf(treeOf(scene.library))).filter((line) => !line.startsWith('Plug-in Support: '))).toEqual([]);
  const finished = await scene.plexlift('finish', '--yes', 'finish');
  expect(finished.stderr).toContain('The landing area was removed; every library stays');
  expect(finished.exitCode).toBe(0);
});

test('it goes on with the same command, also after a migration that ended before it did anything', async () => {
  const scene = await cutOffBehindTheWithdrawal();
  expect((await scene.plexlift('migrate', '--yes', 'no-such-question')).exitCode).not.toBe(0);
  expect(scene.events().filter((event) => event.type === 'run-created')).toHaveLength(2);
  const back = await scene.plexlift('rollback');
  expect(back.stderr).toContain('Taken back: stop-source, open-target\n');
  expect(back.exitCode).toBe(0);
  expect((await scene.plexlift('finish', '--yes', 'finish')).exitCode).toBe(0);
});
