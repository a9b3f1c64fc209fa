import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { RunEvent } from '../../src/runner/events.ts';
import { faultsOf } from '../e2e/endings.ts';
import type { Scene } from './scene.ts';
import { makeScene } from './scene.ts';

async function newScene(): Promise<Scene> {
  const scene = await makeScene();
  onTestFinished(() => scene.remove());
  return scene;
}

/** What a command that was killed had recorded last. */
function record({ run }: Scene, event: RunEvent): void {
  appendFileSync(join(run, 'journal.ndjson'), `${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`);
}

const consent: RunEvent = { type: 'question-answered', id: 'finish', title: 'End it?', answer: 'finish', by: 'person' };

test('nothing is ended before the settings are given back that were held; after the end no command leads back', async () => {
  const scene = await newScene();
  expect(faultsOf(await scene.plexlift('migrate', '--until', 'verify'), { exitCode: 0, says: [] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('finish', '--yes', 'finish'), { exitCode: 3, says: ['Cannot finish: the settings that were held for the first start were not given back', 'plexlift migrate'] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('migrate'), { exitCode: 0, says: ['Next: use it for a while; then "plexlift finish", or "plexlift rollback" to go back'] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('finish', '--yes', 'finish'), { exitCode: 0, says: ['The landing area was removed; every library stays', 'Next: nothing; the migration is over'] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('rollback'), { exitCode: 3, says: ['Cannot roll back: this migration was finished', 'Next: nothing; the migration is over'] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('migrate'), { exitCode: 0, says: ['Next: nothing; the migration is over'] })).toEqual([]);
});

test('a server that was used since its comparison can be kept, and what the last one said is told', async () => {
  const scene = await newScene();
  expect(faultsOf(await scene.plexlift('migrate'), { exitCode: 0, says: [] })).toEqual([]);
  record(scene, { type: 'step-failed', step: 'verify', kind: 'difference', message: 'The server differs from what was moved in one point', facts: [], remedy: '' });
  expect(faultsOf(await scene.plexlift('finish'), { exitCode: 3, says: ['the last comparison since said: The server differs from what was moved in one point'] })).toEqual([]);
  // A rollback that was begun and thought better of, before it changed anything.
  record(scene, { type: 'undo-begun', step: 'restore-settings' });
  record(scene, { type: 'undo-finished', step: 'restore-settings' });
  record(scene, { type: 'nothing-to-undo', step: 'verify', reason: 'it touched nothing only' });
  expect(faultsOf(await scene.plexlift('finish', '--yes', 'finish'), { exitCode: 0, says: ['The landing area was removed'] })).toEqual([]);
});

test('a removal that was agreed to and cut off is completed before anything is copied again', async () => {
  const scene = await newScene();
  expect(faultsOf(await scene.plexlift('migrate', '--until', 'copy-ahead'), { exitCode: 0, says: [] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('rollback'), { exitCode: 0, says: [] })).toEqual([]);
  record(scene, consent);
  expect(faultsOf(await scene.plexlift('migrate'), { exitCode: 3, says: ['Cannot begin: removing what was copied was agreed to', 'plexlift finish'] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('finish'), { exitCode: 0, says: ['It was consented to before', 'The landing area was removed'] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('rollback'), { exitCode: 0, says: ['Next: everything is as it was; "plexlift migrate" begins anew\n'] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('migrate'), { exitCode: 0, says: ['the library is published'] })).toEqual([]);
});

test('a library whose rollback was cut off in the withdrawal is not ended, but taken back', async () => {
  const scene = await newScene();
  expect(faultsOf(await scene.plexlift('migrate'), { exitCode: 0, says: [] })).toEqual([]);
  const journal = readFileSync(join(scene.run, 'journal.ndjson'));
  expect(faultsOf(await scene.plexlift('rollback'), { exitCode: 0, says: [] })).toEqual([]);
  writeFileSync(join(scene.run, 'journal.ndjson'), journal);
  expect(faultsOf(await scene.plexlift('finish', '--yes', 'finish'), { exitCode: 3, says: ['Cannot finish: a rollback was begun', 'plexlift rollback'] })).toEqual([]);
  expect(faultsOf(await scene.plexlift('rollback'), { exitCode: 0, says: ['everything is as it was'] })).toEqual([]);
});
