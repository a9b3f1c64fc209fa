import { expect, test } from 'vitest';
import { chooseChanges } from '../../bench/downTime/changes.ts';
import { downTimeFiguresOf, downTimeTables, type Migrated } from '../../bench/downTime/downTimeFigures.ts';
import { estimatedDownTimeMinutes, parseDownTimeOptions } from '../../bench/downTime/downTimeOptions.ts';
import { partsOf, toldToStopAtMs } from '../../bench/downTime/downTimeParts.ts';
import type { RecordedEvent } from '../../src/runner/events.ts';

const midnightMs = Date.UTC(2026, 0, 1);

function at(seconds: number): { readonly at: string } {
  return { at: new Date(midnightMs + seconds * 1000).toISOString() };
}

const events: readonly RecordedEvent[] = [
  { type: 'step-begun', step: 'stop-source', ...at(0) },
  { type: 'command-run', machine: 'alex', command: 'systemctl show plexmediaserver', exitCode: 0, durationMs: 500, asRoot: false, ...at(1) },
  { type: 'command-run', machine: 'alex', command: 'systemctl stop -- plexmediaserver.service', exitCode: 0, durationMs: 2_000, asRoot: true, ...at(4) },
  { type: 'step-finished', step: 'stop-source', result: {}, durationMs: 5_000, ...at(5) },
  { type: 'step-begun', step: 'copy-rest', ...at(6) },
  { type: 'step-finished', step: 'copy-rest', result: {}, durationMs: 4_000, ...at(10) },
  { type: 'step-begun', step: 'verify', ...at(11) },
  { type: 'step-finished', step: 'verify', result: {}, durationMs: 20_000, ...at(31) },
];

test('begins when the source is told to stop, not when the step begins or the command has ended', () => {
  expect(toldToStopAtMs(events) - midnightMs).toBe(2_000);
  expect(() => toldToStopAtMs(events.slice(0, 2))).toThrow('Cannot tell when the source was stopped');
});

test('shares out the time between the steps that lie in it, and what is between them', () => {
  expect(partsOf(events, { fromMs: midnightMs + 2_000, toMs: midnightMs + 16_000 })).toEqual({ 'stop-source': 3, 'copy-rest': 4, verify: 5, 'between steps': 2 });
  expect(partsOf(events, { fromMs: midnightMs + 6_500, toMs: midnightMs + 9_000 })).toEqual({ 'copy-rest': 2.5, 'between steps': 0 });
});

test('changes one file in a hundred, in every way, all over the list, and others in another round', () => {
  const paths = Array.from({ length: 4_000 }, (_, number) => `Metadata/${number}`);
  const changes = chooseChanges(paths, { share: 0.01, round: 1 });

  expect(changes).toHaveLength(40);
  expect(Object.groupBy(changes, ({ what }) => what)['modify']).toHaveLength(20);
  expect(Object.groupBy(changes, ({ what }) => what)['remove']).toHaveLength(10);
  expect(Object.groupBy(changes, ({ what }) => what)['add beside']).toHaveLength(10);
  expect(changes.at(-1)?.path).toBe('Metadata/3901');
  const others = new Set(chooseChanges(paths, { share: 0.01, round: 2 }).map(({ path }) => path));
  expect(changes.some(({ path }) => others.has(path))).toBe(false);
});

const run: Migrated = { changedFiles: 600, copyAheadSeconds: 60, unchangedPassSeconds: 3, downSeconds: 20, silentSeconds: 21, parts: { 'stop-source': 3, 'copy-rest': 4 } };

test('reckons an unchanged pass for a hundred thousand files, from the median', () => {
  const figures = downTimeFiguresOf({ items: 10_000, files: 60_000, bytes: 1e9 }, [run, { ...run, unchangedPassSeconds: 9 }, { ...run, unchangedPassSeconds: 1.5, parts: { 'copy-rest': 6 } }]);

  expect(figures.unchangedPassSecondsPer100000Files).toBeCloseTo(5);
  expect(figures.parts).toEqual({ 'stop-source': 3, 'copy-rest': 4 });
  expect(downTimeTables([figures])).toContain('60,000 files');
});

test('reads the command line', () => {
  expect(parseDownTimeOptions([])).toEqual({ items: 10_000, sizes: [0, 60_000, 250_000], rounds: 3, json: null });
  expect(parseDownTimeOptions(['--help'])).toBeNull();
  expect(() => parseDownTimeOptions(['--files', 'many'])).toThrow('Cannot use "--files many"');
  expect(estimatedDownTimeMinutes({ items: 10_000, sizes: [60_000], rounds: 3 })).toBeGreaterThan(estimatedDownTimeMinutes({ items: 10_000, sizes: [0], rounds: 3 }));
});
