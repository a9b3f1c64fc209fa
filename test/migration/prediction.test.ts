import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { predict, type Evidence, type PredictionFacts, type Span } from '../../src/migration/prediction.ts';
import type { Load, Observation } from '../../src/transfer/copyCosts.ts';

const gibibyte = 1024 ** 3;
const whole: Load = { entries: 250_000, bytes: 4 * gibibyte };

const groups: readonly Observation[] = [
  { entries: 2_000, bytes: 30e6, durationMs: 260 },
  { entries: 2_000, bytes: 45e6, durationMs: 330 },
  { entries: 2_000, bytes: 12e6, durationMs: 200 },
];
const evidences: Readonly<Record<Evidence['kind'], Evidence>> = {
  run: { kind: 'run', segments: [...groups, ...groups, ...groups], share: 0.6 },
  sample: { kind: 'sample', groups },
  none: { kind: 'none' },
};

function facts(changes: Partial<PredictionFacts> = {}): PredictionFacts {
  return { whole, remaining: whole, databaseBytes: 500e6, listingMs: 4_000, evidence: evidences.sample, wayBytesPerSecond: null, limitBytesPerSecond: null, past: {}, changedBefore: null, ...changes };
}

const inOrder = ({ lowMs, likelyMs, highMs }: Span): boolean => 0 <= lowMs && lowMs <= likelyMs && likelyMs <= highMs && Number.isFinite(highMs);
const wide = ({ lowMs, highMs }: Span): number => highMs / lowMs;

describe.each(Object.entries(evidences))('from %s', (_, evidence) => {
  test('more to copy never takes less, and what is likely lies between what is possible', () => {
    const load = fc.record({ entries: fc.integer({ min: 0, max: 2_000_000 }), bytes: fc.integer({ min: 0, max: 1e12 }) });
    fc.assert(
      fc.property(load, load, fc.option(fc.integer({ min: 65_536, max: 1e9 })), (one, more, limitBytesPerSecond) => {
        const larger = { entries: one.entries + more.entries, bytes: one.bytes + more.bytes };
        const [less, greater] = [one, larger].map((remaining) => predict(facts({ evidence, whole: remaining, remaining, limitBytesPerSecond })));
        if (less === undefined || greater === undefined) throw new Error('two were foretold');
        for (const forecast of [less, greater]) for (const span of [forecast.copyAhead, forecast.downTime, ...forecast.downTime.parts]) expect(inOrder(span)).toBe(true);
        for (const end of ['lowMs', 'likelyMs', 'highMs'] as const) {
          // Sums of fractions.
          expect(greater.copyAhead[end]).toBeGreaterThanOrEqual(less.copyAhead[end] * (1 - 1e-9));
          expect(greater.downTime[end]).toBeGreaterThanOrEqual(less.downTime[end] * (1 - 1e-9));
        }
      }),
    );
  });

  test('a limit is never foretold to be beaten, and changes nothing where the way is slower', () => {
    const limited = predict(facts({ evidence, limitBytesPerSecond: 1024 ** 2 }));
    expect(limited.copyAhead.lowMs).toBeGreaterThanOrEqual(4 * 1024 * 1000);
    expect(predict(facts({ evidence, limitBytesPerSecond: 1024 ** 4 }))).toEqual(predict(facts({ evidence })));
    // Once the source is stopped there is none.
    expect(limited.downTime).toEqual(predict(facts({ evidence })).downTime);
  });

  test('where nothing is left to copy, only listing takes time', () => {
    const { parts } = predict(facts({ evidence, remaining: { entries: 0, bytes: 0 } })).copyAhead;
    expect(parts.map(({ likelyMs }) => likelyMs)).toEqual([4_000, 0]);
  });
});

test('the more was measured, the narrower the forecast', () => {
  const width = (evidence: Evidence): number => wide(predict(facts({ evidence })).copyAhead);
  expect(width(evidences.run)).toBeLessThan(width(evidences.sample));
  expect(width(evidences.sample)).toBeLessThan(width(evidences.none));
  expect(width({ ...evidences.run, share: 0.95 } as Evidence)).toBeLessThan(width({ ...evidences.run, share: 0.05 } as Evidence));
});

test('a way that was measured counts as it is, and makes the forecast surer', () => {
  const at = (wayBytesPerSecond: number | null) => predict(facts({ wayBytesPerSecond })).copyAhead;
  expect(at(1024 ** 2).likelyMs).toBeGreaterThan(4 * 1024 * 1000);
  expect(at(50 * 1024 ** 2).likelyMs).toBeLessThan(at(25 * 1024 ** 2).likelyMs);
  expect(wide(at(50 * 1024 ** 2))).toBeLessThan(wide(at(null)));
  const deliver = (wayBytesPerSecond: number | null): number => predict(facts({ wayBytesPerSecond })).downTime.parts.find(({ what }) => what === 'deliver them')?.likelyMs ?? 0;
  expect(deliver(1024 ** 2)).toBeGreaterThan(500e6 / 1024 ** 2 * 1000);
});

test('what took its time before takes about as long again, and the down time is surer for it', () => {
  const before = { 'back-up': 60_000, examine: 40_000, stop: 7_000 };
  const known = predict(facts({ past: before, changedBefore: { entries: 1_000, bytes: 1e7 } })).downTime;
  const part = (what: string) => known.parts.find((candidate) => candidate.what === what);
  expect(part('take the databases')).toMatchObject({ likelyMs: 60_000, basis: 'measured' });
  expect(part('rewrite and prove them')).toMatchObject({ likelyMs: 40_000, basis: 'measured' });
  expect(part('stop Plex')).toMatchObject({ likelyMs: 7_000, basis: 'measured' });
  expect(part('copy what changed')).toMatchObject({ basis: 'measured' });
  expect(part('publish, and start Plex')).toMatchObject({ basis: 'assumed' });
  expect(wide(known)).toBeLessThan(wide(predict(facts()).downTime));
});

/** Numbers between 0 and 1, the same for the same seed. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** A world with costs of its own, in which no two seconds are alike. */
function world(seed: number) {
  const roll = dice(seed);
  const between = (low: number, high: number): number => low * (high / low) ** roll();
  const reading = { entry: between(0.02, 0.5), byte: between(3e-6, 4e-5) };
  const writing = { entry: between(0.2, 1.5), byte: between(4e-6, 2.5e-5) };
  const cost = ({ entries, bytes }: Load, of: typeof reading): number => (entries * of.entry + bytes * of.byte) * between(0.75, 1.33);
  const together = (load: Load): number => {
    const [read, written] = [cost(load, reading), cost(load, writing)];
    return Math.max(read, written) + roll() * Math.min(read, written);
  };
  const loads = Array.from({ length: 60 }, () => ({ entries: Math.round(between(500, 8_000)), bytes: between(5e6, 1.3e8) }));
  return { reading, cost, together, loads };
}

const summed = (loads: readonly Load[]): Load => loads.reduce((sum, { entries, bytes }) => ({ entries: sum.entries + entries, bytes: sum.bytes + bytes }), { entries: 0, bytes: 0 });

test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))('what a made-up copy takes lies within what was foretold for it (%d)', (seed) => {
  const { reading, cost, together, loads } = world(seed);
  const truth = loads.map((load) => ({ ...load, durationMs: together(load) }));
  const sum = (observations: readonly Observation[]): number => observations.reduce((total, { durationMs }) => total + durationMs, 0);
  const foretold = (evidence: Evidence, remaining: Load): Span => predict(facts({ evidence, remaining, whole: summed(loads), listingMs: 0 })).copyAhead;
  const holds = ({ lowMs, highMs }: Span, durationMs: number): boolean => lowMs <= durationMs && durationMs <= highMs;

  const sample = foretold({ kind: 'sample', groups: loads.slice(0, 12).map((load) => ({ ...load, durationMs: cost(load, reading) })) }, summed(loads));
  expect([sample, sum(truth)]).toSatisfy(([span, durationMs]: [Span, number]) => holds(span, durationMs));

  const half = foretold({ kind: 'run', segments: truth.slice(0, 30), share: 0.5 }, summed(loads.slice(30)));
  expect([half, sum(truth.slice(30))]).toSatisfy(([span, durationMs]: [Span, number]) => holds(span, durationMs));
});
