import { beforeEach, expect, test } from 'vitest';
import type { Progress } from '../../src/runner/step.ts';
import type { Entry } from '../../src/transfer/entry.ts';
import { tallyOf } from '../../src/transfer/tally.ts';

const file = (path: string, sizeBytes: number): Entry => ({ path: path as Entry['path'], type: 'file', sizeBytes, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 });
const directory = (path: string): Entry => ({ path: path as Entry['path'], type: 'directory', sizeBytes: 4_096, modifiedAtSeconds: 0, changedAt: '0', mode: 0o755 });

let nowMs: number;
let told: Progress[];

beforeEach(() => {
  nowMs = 0;
  told = [];
});

function tally(toSend: { readonly bytes: number; readonly entries: number }) {
  return tallyOf({ toSend }, { progress: (progress) => told.push(progress), now: () => nowMs });
}

test('what is sent again is not counted twice, and what was told is not taken back', () => {
  const run = [file('a', 5_120), file('b', 5_120)];
  const flight = tally({ bytes: 10_240, entries: 2 }).takeOff(run);
  for (const tarBytes of [5_632, 11_264, 0, 512, 5_632]) {
    nowMs += 1_000;
    flight.onBytes(tarBytes);
  }
  expect(told.map(({ done }) => done)).toEqual([0, 5_120, 10_240, 10_240, 10_240, 10_240]);
});

test('what has passed and is not proven yet is not all of the work', () => {
  const flight = tally({ bytes: 10_240, entries: 1 }).takeOff([file('a', 10_240)]);
  nowMs += 1_000;
  flight.onBytes(20_480);
  expect(told.at(-1)).toMatchObject({ done: 10_240, entries: { done: 1 } });
  expect(told.at(-1)?.share).toBeCloseTo(0.9);
});

test('directories bring no bytes and count all the same; the end is told at the last receipt', () => {
  const files = [file('d/a', 1e6)];
  const directories = [directory('d/e'), directory('d')];
  const counted = tally({ bytes: 1e6, entries: 3 });
  counted.takeOff(files).land({ landed: files, notSent: [], retries: 0 });
  nowMs += 1_000;
  const last = counted.takeOff(directories);
  last.onBytes(512);
  expect(told.at(-1)).toMatchObject({ done: 1e6, total: 1e6, entries: { done: 2, total: 3 } });
  nowMs += 1_000;
  last.onBytes(10_240);
  expect(told.at(-1)).toMatchObject({ entries: { done: 3, total: 3 } });
  expect(told.at(-1)?.share).toBeLessThan(1);
  last.land({ landed: directories, notSent: [], retries: 0 });
  expect(told.at(-1)).toMatchObject({ share: 1, secondsLeft: 0 });
});

test('tells twice a second at most, and the end in any case', () => {
  const counted = tally({ bytes: 100 * 512, entries: 100 });
  for (let position = 0; position < 100; position += 1) {
    nowMs += 10;
    const run = [file(String(position), 512)];
    counted.takeOff(run).land({ landed: run, notSent: [], retries: 0 });
  }
  expect(told.map(({ entries }) => entries?.done)).toEqual([0, 50, 100]);
  expect(counted.sums()).toMatchObject({ entries: 100, bytes: 51_200, segments: 100 });
});

test('what was left for the next time is done with, and not counted as sent', () => {
  const run = [file('a', 10), file('b', 20)];
  const counted = tally({ bytes: 30, entries: 2 });
  counted.takeOff(run).land({ landed: run.slice(0, 1), notSent: run.slice(1).map(({ path }) => ({ path, reason: 'vanished' })), retries: 1 });
  expect(told.at(-1)?.share).toBe(1);
  expect(counted.sums()).toMatchObject({ entries: 1, bytes: 10, retries: 1, notSent: { count: 1, first: ['b: vanished'] } });
});

test('tells nothing where nothing is to be sent', () => {
  tally({ bytes: 0, entries: 0 });
  expect(told).toEqual([]);
});
