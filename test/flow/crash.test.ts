import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plan } from '../../src/migration/plan.ts';
import { historyOf } from '../../src/runner/history.ts';
import { rollBack, runPlan } from '../../src/runner/run.ts';
import { bulkOf, changedCells, differencesOf, mainDatabase, treeOf } from './comparing.ts';
import type { CrashingProcess } from './crashing.ts';
import { makeCrasher, passing, startProcess } from './crashing.ts';
import type { Scene } from './scene.ts';
import { makeScene } from './scene.ts';

let scene: Scene;
const service = { running: true, keptStopped: false };
const crasher = makeCrasher();

beforeAll(async () => {
  scene = await makeScene();
  mkdirSync(scene.run);
  writeFileSync(join(scene.source, passing.goes), 'here for now');
});

afterAll(() => scene.remove());

/** Starts one process after the other until one does the work to its end. Gives back how many were needed. */
async function untilDone(work: (process: CrashingProcess) => Promise<void>): Promise<number> {
  for (let processes = 1; processes < 150; processes += 1) {
    const process = startProcess(scene, { service, crasher, run: 'run-1' });
    try {
      await work(process);
      return processes;
    } catch (error) {
      if (!crasher.ended) throw error;
    } finally {
      await process.close();
    }
  }
  throw new Error('The work never came to its end');
}

function migrate({ migration, journal, signal }: CrashingProcess, until?: string): Promise<void> {
  // As the session does: a copy of the journal goes to the volume while the landing area is open.
  const keepRecord = async (): Promise<void> => {
    if (historyOf(journal.events).stateOf('open-target').status === 'finished') await migration.target.keepJournal(readFileSync(migration.directory.journal));
  };
  return runPlan({ plan, context: migration, journal, signal, keepRecord, ...(until === undefined ? {} : { until }) });
}

test('a migration that ends before and after every effect, and is continued each time, comes to a whole library', async () => {
  await untilDone((process) => migrate(process, 'copy-ahead'));
  rmSync(join(scene.source, passing.goes));
  writeFileSync(join(scene.source, passing.comes), 'came while it served');
  const processes = await untilDone((process) => migrate(process));
  expect(processes).toBeGreaterThan(20);

  const effects = ['source.keepStopped', 'source.stop', 'target.open', 'target.receive', 'target.remove', 'target.keepJournal', 'target.publish', 'target.editPreferences', ...plan.map((step) => `step-finished ${step.name}`)];
  expect([...crasher.points].toSorted()).toEqual(effects.flatMap((effect) => [`${effect}, after`, `${effect}, before`]).toSorted());
  expect(service).toEqual({ running: false, keptStopped: true });

  expect(differencesOf(bulkOf(treeOf(scene.source)), bulkOf(treeOf(scene.library))).filter((line) => !line.startsWith('Plug-in Support: '))).toEqual([]);
  expect(existsSync(join(scene.library, passing.comes))).toBe(true);
  const changed = new Set(changedCells(join(scene.source, mainDatabase), join(scene.library, mainDatabase)).map(({ place }) => place));
  expect([...changed].toSorted()).toEqual(['media_parts.file', 'media_streams.url', 'section_locations.root_path']);
}, 180_000);

test('a rollback that ends before and after every undoing, and is continued each time, takes everything back', async () => {
  const before = treeOf(scene.source, { exact: true });
  await untilDone(async ({ migration, journal, signal }) => {
    await rollBack({ plan, context: migration, journal, signal });
  });
  for (const effect of ['source.restore', 'target.withdraw', 'target.restore', 'undo-finished publish', 'undo-finished stop-source', 'undo-finished open-target']) expect(crasher.points).toContain(`${effect}, after`);
  expect(service).toEqual({ running: true, keptStopped: false });
  expect(existsSync(join(scene.target, 'Library'))).toBe(false);
  expect(differencesOf(before, treeOf(scene.source, { exact: true }))).toEqual([]);
});
