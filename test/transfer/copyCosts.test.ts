import { expect, test } from 'vitest';
import { costOf, costsOf, type Observation } from '../../src/transfer/copyCosts.ts';

const observed = (entries: number, bytes: number, costs: { readonly perEntryMs: number; readonly perByteMs: number }): Observation => ({ entries, bytes, durationMs: costOf({ entries, bytes }, costs) });

test('costs an entry and a byte are found again where the observations differ in their mix', () => {
  const costs = { perEntryMs: 0.4, perByteMs: 1e-5 };
  const found = costsOf([observed(1_000, 1e6, costs), observed(1_000, 3e7, costs), observed(3_000, 2e6, costs), observed(10, 5e7, costs)]);
  expect(found?.perEntryMs).toBeCloseTo(0.4, 6);
  expect(found?.perByteMs).toBeCloseTo(1e-5, 10);
});

test('where all are of one mix, the same mix costs the same for more of it', () => {
  const found = costsOf([1, 2, 3].map((times) => ({ entries: 1_000 * times, bytes: 1e7 * times, durationMs: 700 * times })));
  expect(found === null ? 0 : costOf({ entries: 100_000, bytes: 1e9 }, found)).toBeCloseTo(70_000, 0);
});

test('neither cost is ever negative, and together they explain what was observed', () => {
  // More bytes took less time: no cost a byte explains that.
  const observations = [{ entries: 1_000, bytes: 1e6, durationMs: 900 }, { entries: 1_000, bytes: 9e7, durationMs: 500 }];
  const found = costsOf(observations);
  expect(found?.perByteMs).toBeGreaterThanOrEqual(0);
  expect(found?.perEntryMs).toBeGreaterThan(0);
  expect(observations.reduce((sum, one) => sum + (found === null ? 0 : costOf(one, found)), 0)).toBeCloseTo(1_400, 6);
});

test('observations that disagree, and few of them, are doubted more', () => {
  const doubt = (durations: readonly number[]): number => costsOf(durations.map((durationMs) => ({ entries: 1_000, bytes: 1e6, durationMs })))?.doubt ?? 0;
  expect(doubt([100, 100, 100, 100])).toBeLessThan(doubt([100]));
  expect(doubt([100, 100, 100, 100])).toBeLessThan(doubt([40, 160, 40, 160]));
  expect(doubt(Array.from({ length: 400 }, () => 100))).toBeGreaterThan(1.1);
});

test('from nothing, nothing is told', () => {
  expect(costsOf([])).toBeNull();
  expect(costsOf([{ entries: 0, bytes: 0, durationMs: 5 }, { entries: 5, bytes: 0, durationMs: 0 }])).toBeNull();
  expect(costsOf([{ entries: 10, bytes: 0, durationMs: 5 }])).toMatchObject({ perEntryMs: 0.5, perByteMs: 0 });
});
