import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { paceOf } from '../../src/transfer/pace.ts';
import type { Amount } from '../../src/transfer/passage.ts';
import { tries } from '../plex/nastyMappings.ts';
import { simulate, type Moment, type Simulation } from './simulatedSending.ts';

const mebibyte = 1024 ** 2;
const small: Amount = { bytes: 80 * mebibyte, entries: 8_000 };
const large: Amount = { bytes: 128 * mebibyte, entries: 20 };
const directories: Amount = { bytes: 0, entries: 8_000 };
const usual = { byteSeconds: 1 / (50 * mebibyte), entrySeconds: 0.0005 };

function many(count: number, segment: Amount): readonly Amount[] {
  return Array.from({ length: count }, () => segment);
}

/** A tree of Plex: artwork, then its directories. */
const artwork = [...many(40, small), ...many(30, directories)];

/** Seconds with more or less noise that are the same every time. */
function noise(atSeconds: number): number {
  const wild = Math.sin(Math.floor(atSeconds) * 12.9898) * 43_758.5453;
  return 0.4 + 1.2 * (wild - Math.floor(wild));
}

const simulations: Readonly<Record<string, Simulation>> = {
  'a constant rate': { ...usual, segments: artwork },
  'a short one': { ...usual, segments: [...many(5, small), ...many(3, directories)] },
  'a noisy rate': { ...usual, segments: artwork, speed: noise },
  'bursts of four seconds, then eight of nothing': { ...usual, segments: artwork, speed: (at) => (at % 12 < 4 ? 3 : 0) },
  'a stand of 60 s': { ...usual, segments: artwork, speed: (at) => (at > 100 && at < 160 ? 0 : 1) },
  'small files first, then large': { ...usual, segments: [...many(30, small), ...many(60, large)] },
  'large files first, then small': { ...usual, segments: [...many(60, large), ...many(30, small), ...many(30, directories)] },
  'small files first, then large, over a thin line': { byteSeconds: 1 / (11 * mebibyte), entrySeconds: 0.0005, segments: [...many(30, small), ...many(60, large)] },
  'large files first, then small, over a thin line': { byteSeconds: 1 / (11 * mebibyte), entrySeconds: 0.0005, segments: [...many(60, large), ...many(30, small), ...many(30, directories)] },
  'segments sent twice': { ...usual, segments: artwork, lost: [5, 6, 20, 30, 50] },
  'what was left of an interrupted one': { ...usual, segments: [...many(6, small), ...many(12, directories)] },
  'slow receipts': { ...usual, segments: artwork, receiptSeconds: 4 },
  'a rate that falls to a quarter and stays there': { ...usual, segments: artwork, speed: (at) => (at > 120 ? 0.25 : 1) },
};

/** Of every second what was told last, where anything was. */
function everySecond(moments: readonly Moment[]): readonly (Moment & { readonly secondsLeft: number })[] {
  return moments.flatMap((moment) => (Number.isInteger(moment.atSeconds) && moment.outlook.secondsLeft !== undefined ? [{ ...moment, secondsLeft: moment.outlook.secondsLeft }] : []));
}

/** By how much time left changed beyond the seconds that passed, and by how much it may at most: a few seconds, or a few percent. */
function jumpsIn(moments: readonly Moment[]): readonly string[] {
  const told = everySecond(moments.slice(0, -1));
  return told.slice(1).flatMap(({ atSeconds, secondsLeft }, position) => {
    const before = told[position];
    if (before === undefined) return [];
    const passed = atSeconds - before.atSeconds;
    // While it stood still for long, nothing was told: afterwards it goes on from there.
    const beyond = Math.min(Math.abs(secondsLeft - before.secondsLeft), Math.abs(secondsLeft - (before.secondsLeft - passed)));
    return beyond <= Math.max(3, 1 + 0.04 * before.secondsLeft) ? [] : [`${before.secondsLeft} s, then ${secondsLeft} s, at ${atSeconds} s`];
  });
}

describe.each(Object.entries(simulations))('%s', (name, simulation) => {
  const moments = simulate(simulation);

  test('time left never jumps', () => {
    expect(everySecond(moments).length).toBeGreaterThan(moments.length / 4 / 2);
    expect(jumpsIn(moments)).toEqual([]);
  });

  test('time left is near the truth after a tenth of the work', () => {
    // What is going to change nobody can know before, and a thin line makes of the two costs something unusual.
    const [least, most] = name.includes('quarter') ? [0.2, 1.5] : name.includes('thin line') ? [0.35, 1.8] : [0.5, 1.5];
    const off = everySecond(moments).filter(({ trueShare, trueSecondsLeft }) => trueShare > 0.1 && trueSecondsLeft > 10).map(({ secondsLeft, trueSecondsLeft }) => secondsLeft / trueSecondsLeft);
    expect(Math.min(...off)).toBeGreaterThan(least);
    expect(Math.max(...off)).toBeLessThan(most);
  });

  test('the share behind rises only, moves all the time and is 1 only in the end', () => {
    const shares = moments.map(({ outlook }) => outlook.share);
    expect(shares.every((share, position) => share >= (shares[position - 1] ?? 0))).toBe(true);
    expect(shares.indexOf(1)).toBe(shares.length - 1);
    const atNinetyPercent = moments.find(({ trueShare }) => trueShare >= 0.9);
    expect(atNinetyPercent?.outlook.share).toBeLessThan(0.98);
  });
});

test('no estimate in the first seconds', () => {
  const [first] = everySecond(simulate({ ...usual, segments: artwork }));
  expect(first?.atSeconds).toBeGreaterThanOrEqual(4);
  expect(first?.secondsLeft).toBeGreaterThan(300);
});

test('the rate is that of late: it falls while nothing moves, and then nobody can tell how long it is going to take', () => {
  const moments = simulate({ ...usual, segments: artwork, speed: (at) => (at > 100 && at < 160 ? 0 : 1) });
  const at = (seconds: number): Moment['outlook'] | undefined => moments.find(({ atSeconds }) => atSeconds === seconds)?.outlook;
  const before = at(100)?.bytesPerSecond ?? 0;
  // 80 MiB and 8,000 entries take 5.6 s by what they cost.
  expect(before / mebibyte).toBeGreaterThan(80 / 7);
  expect(before / mebibyte).toBeLessThan(80 / 5);
  expect(at(108)?.bytesPerSecond).toBeLessThan(before * 0.8);
  expect(at(112)?.bytesPerSecond).toBe(0);
  expect(at(163)?.bytesPerSecond).toBeGreaterThan(0);
  expect(at(104)?.secondsLeft).toBeDefined();
  expect(at(140)?.secondsLeft).toBeUndefined();
  expect(at(163)?.secondsLeft).toBeDefined();
});

test('whatever the segments and the speed, time left never jumps', () => {
  const segment = fc.record({ bytes: fc.integer({ min: 0, max: 128 * mebibyte }), entries: fc.integer({ min: 1, max: 8_000 }) });
  const cost = fc.record({ bytesPerSecond: fc.integer({ min: mebibyte, max: 200 * mebibyte }), entrySeconds: fc.double({ min: 0.00005, max: 0.005, noNaN: true }) });
  const speeds = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 5, noNaN: true })), { minLength: 1, maxLength: 20 }).filter((some) => some.some((speed) => speed > 0));
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 12 }), cost, speeds, (segments, { bytesPerSecond, entrySeconds }, given) => {
      const moments = simulate({ segments, byteSeconds: 1 / bytesPerSecond, entrySeconds, speed: (at) => given[Math.floor(at / 7) % given.length] ?? 1 });
      expect(jumpsIn(moments)).toEqual([]);
    }),
    tries(60, 2_000),
  );
});

test('a work of nothing is done at once', () => {
  const none = { bytes: 0, entries: 0 };
  expect(paceOf(none).look(0, { passed: none, settled: none })).toEqual({ share: 1, secondsLeft: 0 });
});
