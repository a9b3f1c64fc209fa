import { expect, test } from 'vitest';
import { forecastText, roundedText } from '../../src/cli/forecastText.ts';

test.each([
  [0, '1 s'],
  [1_400, '1 s'],
  [9_400, '9 s'],
  [12_000, '10 s'],
  [57_000, '55 s'],
  [58_500, '1 min'],
  [88_000, '1 min 30 s'],
  [299_000, '5 min'],
  [61 * 60_000, '1 h'],
  [59 * 60_000, '59 min'],
  [80 * 60_000, '1 h 20 min'],
  [4 * 3_600_000, '4 h'],
])('%d ms are told as "%s"', (durationMs, text) => {
  expect(roundedText(durationMs)).toBe(text);
});

test('a forecast tells both times, what they are made of, and how sure it is', () => {
  const span = { lowMs: 25 * 60_000, likelyMs: 35 * 60_000, highMs: 3_600_000 };
  const text = forecastText({
    copyAhead: { ...span, load: { entries: 412_000, bytes: 43.1 * 1024 ** 3 }, parts: [{ what: 'copy and prove', ...span, basis: 'sampled' }] },
    downTime: { lowMs: 60_000, likelyMs: 90_000, highMs: 240_000, parts: [{ what: 'stop Plex', lowMs: 1_000, likelyMs: 1_000, highMs: 1_000, basis: 'measured' }] },
    restsOn: ['Copying: measured', 'Down time: assumed'],
  });
  expect(text.split('\n')).toEqual([
    '',
    'Forecast',
    '  Copying ahead  about 35 min (between 25 min and 1 h): 412,000 entries, 43.1 GiB to copy',
    '    copy and prove           about 35 min (between 25 min and 1 h), sampled',
    '  Down time      about 1 min 30 s (between 1 min and 4 min)',
    '    stop Plex                about 1 s, measured',
    'How sure',
    '  Copying: measured',
    '  Down time: assumed',
    '',
  ]);
  expect(forecastText({ none: 'it is over' })).toBe('\nNo forecast: it is over\n');
});
