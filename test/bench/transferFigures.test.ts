import { expect, test } from 'vitest';
import { figuresOf, spreadOf, type MeasuredTree, type Measurement } from '../../bench/transfer/transferFigures.ts';
import { transferTables } from '../../bench/transfer/transferTable.ts';

function measured(way: Measurement['way'], round: number, seconds: number): Measurement {
  return { way, round, seconds, cpuSeconds: seconds * 2, stolenSeconds: 0 };
}

const tree: MeasuredTree = {
  files: 60_000, bytes: 1_600_000_000, directories: 70_000, links: 17_000, verifiedFiles: 60_000, peakMemoryMb: 181.4,
  measurements: [
    measured('plexlift', 1, 30), measured('rsync', 1, 20), measured('tar-exec', 1, 60), measured('kubectl-cp', 1, 90),
    // A round in which everything took twice as long, and a ratio that is an outlier.
    measured('plexlift', 2, 60), measured('rsync', 2, 60), measured('tar-exec', 2, 120),
    measured('plexlift', 3, 24), measured('rsync', 3, 20), measured('tar-exec', 3, 96),
  ],
  linkMeasurements: [{ round: 1, seconds: 150, linkSeconds: 140, tarBytes: 1_750_000_000 }],
};

test('names the middle and the ends', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3, all: [3, 1, 2] });
});

test('divides only what was measured in one round', () => {
  const figures = figuresOf(tree);

  expect(figures.ways.rsync?.ratio.all).toEqual([1.5, 1, 1.2]);
  expect(figures).toMatchObject({ seconds: 30, ratioToRsync: 1.2, ratioToTarExec: 0.5, ratioToFloor: null });
  expect(figures.ratioToKubectlCp).toBeCloseTo(1 / 3);
});

test('divides the time over a slow link by the bare link, and by what the content alone takes there', () => {
  const figures = figuresOf(tree);

  expect(figures.ratioToLink).toBeCloseTo(150 / 140);
  expect(figures.ratioToLinkContent).toBeCloseTo(150 / (140 * (1_600 / 1_750)));
  expect(figuresOf({ ...tree, linkMeasurements: [] })).toMatchObject({ link: null, ratioToLink: null });
});

test('leaves out a way whose rounds plexlift has not run yet', () => {
  const early = figuresOf({ ...tree, measurements: [measured('plexlift', 1, 30), measured('rsync', 2, 20)] });

  expect(early.ways.rsync).toBeUndefined();
  expect(early.ratioToRsync).toBeNull();
});

test('writes what is asked of it under the names that are asked for', () => {
  const written: unknown = JSON.parse(JSON.stringify(figuresOf(tree)));

  expect(written).toMatchObject({ files: 60_000, bytes: 1_600_000_000, seconds: 30, ratioToTarExec: 0.5, ratioToRsync: 1.2, ratioToFloor: null, peakMemoryMb: 181.4, verifiedFiles: 60_000 });
});

test('says of what was cut off that it took at least so long', () => {
  const figures = figuresOf({ ...tree, measurements: [measured('plexlift', 1, 30), { ...measured('tar-exec', 1, 120), isCutOff: true }, measured('plexlift', 2, 40), measured('tar-exec', 2, 100)] });

  expect(figures.ways['tar-exec']).toMatchObject({ cutOffRounds: 1, seconds: { all: [120, 100] } });
  const [sums = '', ways = ''] = transferTables([figures]).split('\n\n');
  expect(sums).toMatch(/\| +≤ 0\.33 \|/);
  expect(ways).toMatch(/≥ 110\.0 \(100\.0–120\.0\) \| *≥ 220\.0 .*\| 2, 1 cut off \| *≤ 0\.33/);
});

test('writes tables whose rows have as many cells as their heads', () => {
  for (const table of transferTables([figuresOf(tree), figuresOf({ ...tree, linkMeasurements: [] })]).split('\n\n')) {
    const cells = table.split('\n').map((line) => line.replaceAll(String.raw`\|`, '').split('|').length);
    expect(new Set(cells).size).toBe(1);
  }
  expect(transferTables([figuresOf(tree)])).toContain('30.0 (24.0–60.0)');
});
