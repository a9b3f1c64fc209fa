import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plan } from '../../src/migration/plan.ts';
import { discardFrom, runPlan } from '../../src/runner/run.ts';
import type { RecordedEvent } from '../../src/runner/events.ts';
import type { Source } from '../../src/sources/source.ts';
import type { SendSummary } from '../../src/transfer/engine.ts';
import { pagesIn, type Tree } from '../../src/transfer/entry.ts';
import { startProcess } from './crashing.ts';
import type { Crasher, CrashingProcess } from './crashing.ts';
import type { Scene } from './scene.ts';
import { makeScene } from './scene.ts';

let scene: Scene;
const service = { running: true, keptStopped: false };
/** The steps in which the source's data directory began to be walked. */
const walks: string[] = [];
/** Nothing here ends a process. */
const crasher: Crasher = { points: new Set(), ended: false, restart: () => new AbortController().signal, around: (_, effect) => effect(), aroundNow: (_, effect) => effect() };

beforeAll(async () => {
  scene = await makeScene();
  mkdirSync(scene.run);
});

afterAll(() => scene.remove());

/** Carries a plan out as a command does, and gives back what was recorded meanwhile. */
async function migrate(until?: string): Promise<readonly RecordedEvent[]> {
  const process: CrashingProcess = startProcess(scene, { service, crasher, run: 'run-1' });
  try {
    const before = process.journal.events.length;
    await runPlan({ plan, context: { ...process.migration, source: watched(process) }, journal: process.journal, signal: process.signal, ...(until === undefined ? {} : { until }) });
    return process.journal.events.slice(before);
  } finally {
    await process.close();
  }
}

/** As with "--again". */
async function migrateAgain(step: string, { until }: { readonly until: string }): Promise<void> {
  const process: CrashingProcess = startProcess(scene, { service, crasher, run: 'run-1' });
  discardFrom(step, { plan, journal: process.journal, reason: 'asked for' });
  await process.close();
  await migrate(until);
}

function watched({ migration: { source }, journal }: CrashingProcess): Source {
  const pages: Tree['pages'] = (options) => {
    const begun = journal.events.findLast((event) => event.type === 'step-begun');
    walks.push(begun?.type === 'step-begun' ? begun.step : '');
    return pagesIn(source.tree, options?.signal);
  };
  return { ...source, tree: { ...source.tree, pages } };
}

function copied(events: readonly RecordedEvent[], step = 'copy-ahead'): Pick<SendSummary, 'entries' | 'removed'> | undefined {
  const finished = events.findLast((event) => event.type === 'step-finished' && event.step === step);
  if (finished?.type !== 'step-finished') return undefined;
  const { entries, removed } = finished.result as unknown as SendSummary;
  return { entries, removed };
}

const begun = (events: readonly RecordedEvent[]): readonly string[] => events.flatMap((event) => (event.type === 'step-begun' ? [event.step] : []));
const discarded = (events: readonly RecordedEvent[]) => events.flatMap((event) => (event.type === 'results-discarded' ? [{ steps: event.steps, expected: event.expected ?? false }] : []));
const inSource = (name: string): string => join(scene.source, 'Metadata', name);

test('each night only what changed since the last is copied, and nothing else is done again', async () => {
  writeFileSync(inSource('goes again.txt'), 'here for now');
  const first = await migrate('copy-ahead');
  expect(copied(first)?.entries).toBeGreaterThan(500);

  rmSync(inSource('goes again.txt'));
  writeFileSync(inSource('came later.txt'), 'came while it served');
  const second = await migrate('copy-ahead');
  expect(begun(second)).toEqual(['copy-ahead']);
  // The file, and the directory it came into.
  expect(copied(second)).toEqual({ entries: 2, removed: 1 });
  expect(discarded(second)).toEqual([{ steps: ['copy-ahead'], expected: true }]);

  const third = await migrate('copy-ahead');
  expect(copied(third)).toEqual({ entries: 0, removed: 0 });
});

test('it is done once more before the stop, and not in the down time', async () => {
  writeFileSync(inSource('came last.txt'), 'came in the evening');
  const stopping = await migrate('stop-source');
  expect(begun(stopping)).toEqual(['copy-ahead', 'stop-source']);
  expect(copied(stopping)?.entries).toBe(2);

  writeFileSync(inSource('written while it stopped.txt'), 'at the last moment');
  walks.length = 0;
  const resting = await migrate('copy-rest');
  expect(begun(resting)).toEqual(['take-catalogue', 'rewrite', 'prove-rewrite', 'deliver', 'copy-rest']);
  expect(copied(resting, 'copy-rest')?.entries).toBe(2);
  // Begun with the databases, and not walked once more for "copy-rest".
  expect(walks).toEqual(['take-catalogue']);
});

test('what was listed beside steps that came to nothing is listed anew', async () => {
  await migrateAgain('take-catalogue', { until: 'rewrite' });
  writeFileSync(inSource('written while it rested.txt'), 'by hand');
  walks.length = 0;
  expect(copied(await migrate('copy-rest'), 'copy-rest')?.entries).toBe(2);
  expect(walks).toEqual(['copy-rest']);
});

test('a Plex that was started by hand is stopped again, and what it changed is copied before and after', async () => {
  service.running = true;
  writeFileSync(inSource('written by hand.txt'), 'it ran again');
  const again = await migrate('copy-rest');
  const fromThere = ['copy-ahead', 'stop-source', 'take-catalogue', 'rewrite', 'prove-rewrite', 'deliver', 'copy-rest'];
  expect(discarded(again)).toEqual([{ steps: fromThere, expected: false }]);
  expect(begun(again)).toEqual(fromThere);
  expect(copied(again)?.entries).toBe(2);
});

test('once it is published, nothing is copied any more; a Plex that runs again is stopped again, and that alone', async () => {
  await migrate();
  service.running = true;
  expect(begun(await migrate())).toEqual(['stop-source']);
  expect(service).toEqual({ running: false, keptStopped: true });
  expect(begun(await migrate())).toEqual([]);
  expect(existsSync(join(scene.library, 'Metadata', 'came later.txt'))).toBe(true);
});
