import { expect, test } from 'vitest';
import { estimatedMinutes } from '../../bench/transfer/estimate.ts';
import { parseTransferOptions, roundsOf } from '../../bench/transfer/transferOptions.ts';

test('reads the command line', () => {
  expect(parseTransferOptions([])).toEqual({ sizes: [60_000, 250_000], rounds: 3, copyRounds: null, ways: ['plexlift', 'rsync', 'tar-exec', 'kubectl-cp', 'floor'], longestSeconds: 3_600, slowLinkFiles: 60_000, json: null });
  expect(parseTransferOptions(['--files', '2_000', '--rounds', '1', '--ways', 'plexlift,floor', '--cp-rounds', '0', '--longest', '600', '--netem-files', '0', '--json', '/figures.json'])).toEqual({
    sizes: [2_000], rounds: 1, copyRounds: 0, ways: ['plexlift', 'floor'], longestSeconds: 600, slowLinkFiles: 0, json: '/figures.json',
  });
  expect(parseTransferOptions(['--help'])).toBeNull();
});

test.each([
  [['--files', '10'], 'Cannot use "--files 10": give whole numbers of at least 1000'],
  [['--files', '2000,'], 'Cannot use "--files 2000,"'],
  [['--rounds', '0'], 'Cannot use "--rounds 0"'],
  [['--longest', '0'], 'Cannot use "--longest 0"'],
  [['--ways', 'plexlift,scp'], 'Cannot use "--ways scp": the ways are'],
  [['--ways', 'rsync'], 'Cannot measure without "plexlift"'],
])('refuses %j', (given, message) => {
  expect(() => parseTransferOptions(given)).toThrow(message);
});

test('expects more files, rounds and ways to take longer', () => {
  const few = { sizes: [60_000], rounds: 3, copyRounds: null, ways: ['plexlift', 'rsync'], longestSeconds: 3_600, slowLinkFiles: 0 } as const;

  for (const more of [{ sizes: [250_000] }, { rounds: 6 }, { ways: ['plexlift', 'rsync', 'floor'] as const }, { slowLinkFiles: 60_000 }]) {
    expect(estimatedMinutes({ ...few, ...more })).toBeGreaterThan(estimatedMinutes(few));
  }
  // One stream takes longest.
  const large = { ...few, sizes: [250_000], ways: ['plexlift', 'rsync'] as const };
  expect(estimatedMinutes({ ...large, ways: ['plexlift', 'tar-exec'] }) - estimatedMinutes(large)).toBeGreaterThan(20);
  expect(estimatedMinutes({ ...large, ways: ['plexlift', 'tar-exec'], longestSeconds: 300 }) - estimatedMinutes(large)).toBe(15);
});

test('kubectl cp takes part once in a large tree, as often as is said, and in no more rounds than there are; the estimate knows', () => {
  const sizes: readonly (readonly [number, number | null, number])[] = [[60_000, null, 3], [250_000, null, 1], [250_000, 2, 2], [60_000, 0, 0], [60_000, 9, 3]];

  for (const [files, copyRounds, expected] of sizes) expect(roundsOf('kubectl-cp', { files, rounds: 3, copyRounds })).toBe(expected);
  expect(roundsOf('rsync', { files: 250_000, rounds: 3, copyRounds: 0 })).toBe(3);

  const all = { sizes: [60_000], rounds: 3, ways: ['plexlift', 'kubectl-cp'], longestSeconds: 3_600, slowLinkFiles: 0 } as const;
  expect(estimatedMinutes({ ...all, copyRounds: 0 })).toBe(estimatedMinutes({ ...all, ways: ['plexlift'], copyRounds: null }));
  expect(estimatedMinutes({ ...all, copyRounds: 3 })).toBeGreaterThan(estimatedMinutes({ ...all, copyRounds: 1 }));
});
