import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Progress } from '../../src/runner/step.ts';
import { progressLine, progressSentence } from '../../src/ui/progressLine.ts';
import { tries } from '../plex/nastyMappings.ts';

const gibibyte = 1024 ** 3;
const sending: Progress = { what: 'sending', done: 1.23 * gibibyte, total: 2.72 * gibibyte, unit: 'bytes', entries: { done: 68_034, total: 150_212 }, share: 0.457, bytesPerSecond: 22.1 * 1024 ** 2, entriesPerSecond: 1_194, secondsLeft: 130 };
const shown = (progress: Progress, width: number): string => progressLine(progress, { width, unicode: true });

/** Columns of a terminal without the indentation, and the last one. */
const narrow = 72;
const wide = 112;

test.each([
  { width: wide, line: 'sending  ██████████░░░░░░░░░░░░░░ 45 %  1.23 of 2.72 GiB   68,034 of 150,212 entries  22.1 MiB/s  2 min left' },
  { width: 82, line: 'sending  ███░░░░░ 45 %  1.23 of 2.72 GiB   68,034 entries  22.1 MiB/s  2 min left' },
  { width: narrow, line: '███░░░░ 45 %  1.23 of 2.72 GiB   68,034 entries  22.1 MiB/s  2 min left' },
  { width: 60, line: '█████░░░░░░░ 45 %  1.23 of 2.72 GiB  22.1 MiB/s  2 min left' },
  { width: 44, line: '███░░░░░ 45 %  1.23 of 2.72 GiB  2 min left' },
  { width: 36, line: '███░░░░░ 45 %  1.23 GiB  2 min left' },
  { width: 24, line: '██░░░░ 45 %  2 min left' },
  { width: 20, line: '██████░░░░░░░░░ 45 %' },
  { width: 8, line: '45 %' },
])('within $width characters: $line', ({ width, line }) => {
  expect(shown(sending, width)).toBe(line);
});

test('what changes keeps its place, so that the line stands still', () => {
  const later: Progress = { ...sending, done: 0.05 * gibibyte, entries: { done: 7, total: 150_212 }, share: 0.02, bytesPerSecond: 9 * 1024 ** 2, secondsLeft: 3_000 };
  const columns = (text: string): readonly number[] => [' GiB', ' entries', 'MiB/s'].map((part) => text.indexOf(part));
  for (const width of [narrow, wide]) expect(columns(shown(later, width))).toEqual(columns(shown(sending, width)));
  expect(shown({ ...later, secondsLeft: 2 }, narrow)).toBe('░░░░░░░  2 %  0.05 of 2.72 GiB        7 entries  9.00 MiB/s  5 s left');
});

test('before anybody can tell a rate or the time left, their places are kept free', () => {
  const { bytesPerSecond, entriesPerSecond, secondsLeft, ...begun } = sending;
  expect([bytesPerSecond, entriesPerSecond, secondsLeft]).not.toContain(undefined);
  expect(shown(begun, 82)).toBe('sending  ███░░░░░ 45 %  1.23 of 2.72 GiB   68,034 entries');
});

test('where only directories are left, the rate is that of entries', () => {
  expect(shown({ ...sending, done: 2.72 * gibibyte, bytesPerSecond: 3 }, wide)).toContain('68,034 of 150,212 entries     1,194/s  2 min left');
});

test('all is 100 % only when it is', () => {
  expect(shown({ ...sending, share: 0.9999 }, wide)).toContain('░ 99 %');
  expect(shown({ ...sending, share: 1, secondsLeft: 0 }, 20)).toBe('███████████████100 %');
});

test.each([
  { progress: { what: 'listing', done: 12_345, unit: 'entries' }, line: 'listing  12,345 entries' },
  { progress: { what: 'waiting', done: 90, unit: 'seconds' }, line: 'waiting  1 min 30 s' },
  { progress: { what: 'waiting', done: 0, unit: 'seconds' }, line: 'waiting' },
  { progress: { what: 'rewriting', done: 0, unit: 'rows' }, line: 'rewriting' },
  { progress: { what: 'examining', done: 1, total: 4, unit: 'files' }, line: 'examining  ██████░░░░░░░░░░░░░░░░░░ 25 %  1 of 4 files' },
  { progress: { what: 'none', done: 0, total: 0, unit: 'rows' }, line: 'none  0 rows' },
] as const)('$line', ({ progress, line }) => {
  expect(shown(progress, narrow)).toBe(line);
});

test('signs of the keyboard where there are no blocks', () => {
  expect(progressLine({ what: 'examining', done: 1, total: 4, unit: 'files' }, { width: 40, unicode: false })).toBe('examining  ##-------- 25 %  1 of 4 files');
});

test('a line never exceeds its width', () => {
  const progress = fc.record({
    what: fc.string({ maxLength: 60 }),
    done: fc.nat({ max: 2 ** 45 }),
    total: fc.option(fc.nat({ max: 2 ** 45 }), { nil: undefined }),
    unit: fc.constantFrom('bytes', 'entries', 'files', 'rows', 'seconds'),
    entries: fc.option(fc.record({ done: fc.nat(), total: fc.nat() }), { nil: undefined }),
    share: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    bytesPerSecond: fc.option(fc.nat(), { nil: undefined }),
    secondsLeft: fc.option(fc.nat({ max: 10 ** 7 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(progress, fc.integer({ min: -5, max: 200 }), (given, width) => {
      const line = shown(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as unknown as Progress, width);
      expect(line.length).toBeLessThanOrEqual(Math.max(0, width));
      expect(line).not.toMatch(/NaN|undefined|Infinity/);
    }),
    tries(300, 20_000),
  );
});

test('where lines are kept, all of it in words', () => {
  expect(progressSentence(sending)).toBe('sending: 45 %, 1.23 of 2.72 GiB, 68,034 of 150,212 entries, 22.1 MiB/s, 2 min left');
  expect(progressSentence({ what: 'waiting', done: 0, unit: 'seconds' })).toBe('waiting');
  expect(progressSentence({ what: 'listing', done: 5_000, unit: 'entries' })).toBe('listing: 5,000 entries');
});
