import { expect, test } from 'vitest';
import { growthPerTenfold, median, table, type Figures } from '../../bench/figures.ts';
import { parseOptions } from '../../bench/options.ts';

test('takes the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(() => median([])).toThrow('Cannot take the median of nothing');
});

test('calls ten times the time for ten times the parts a growth of ten', () => {
  expect(growthPerTenfold({ parts: 1_000, seconds: 2 }, { parts: 10_000, seconds: 20 })).toBeCloseTo(10);
  expect(growthPerTenfold({ parts: 1_000, seconds: 2 }, { parts: 100_000, seconds: 20 })).toBeCloseTo(Math.sqrt(10));
  expect(growthPerTenfold({ parts: 1_000, seconds: 2 }, { parts: 1_000, seconds: 3 })).toBeNull();
});

test('writes a table whose rows have as many cells as its head', () => {
  const figures: Figures = {
    parts: 10_000, rows: 179_189, changedRows: 16_771, megabytes: 41.2, pageSizeBytes: 1_024, runs: 3, generationSeconds: 0.7, copySeconds: 0.04, rewriteSeconds: 0.3, proofSeconds: 0.2,
    seconds: 0.5, processSeconds: 0.6, sqldiffSeconds: 0.4, ratio: 1.25, memoryAtStartMb: 93, memoryAfterRewriteMb: 120, peakMemoryMb: 126,
  };
  const lines = table([figures, { ...figures, parts: 100_000, seconds: 5 }]).split('\n');

  expect(lines).toHaveLength(4);
  expect(new Set(lines.map((line) => line.split('|').length)).size).toBe(1);
  expect(lines[2]).toContain('179,189');
  expect(lines[3]).toMatch(/ 10\.0 \|$/);
});

test('reads the command line', () => {
  expect(parseOptions(['--parts', '1000,20_000', '--runs', '1', '--directory', '/scratch'])).toMatchObject({ sizes: [1_000, 20_000], runs: 1, directory: '/scratch', json: null, pageSizeBytes: 1_024 });
  expect(parseOptions(['--help'])).toBeNull();
});

test.each([
  [['--parts', '10,1000'], 'Cannot use "--parts 10": give whole numbers of at least 1000'],
  [['--runs', 'many'], 'Cannot use "--runs many"'],
  [['--page-size', '1000'], 'Cannot use "--page-size 1000": give a power of two'],
])('refuses %j', (given, message) => {
  expect(() => parseOptions(given)).toThrow(message);
});
