import { expect, test } from 'vitest';
import { timeLeftText } from '../../src/ui/timeLeft.ts';

test.each([
  [0, '5 s left'],
  [6, '10 s left'],
  [33, '35 s left'],
  [59, '60 s left'],
  [71, '80 s left'],
  [119, '120 s left'],
  [120, '2 min left'],
  [740, '12 min left'],
  [3_599, '60 min left'],
  [3_600, '1 h left'],
  [7_800, '2 h 10 min left'],
  [86_300, '24 h left'],
])('%d s: %s', (seconds, text) => {
  expect(timeLeftText(seconds)).toBe(text);
});

test('while it runs down, the words never rise', () => {
  const inSeconds = (text: string): number => [...text.matchAll(/(\d+) (h|min|s)/g)].reduce((sum, [, value, unit]) => sum + Number(value) * (unit === 'h' ? 3_600 : unit === 'min' ? 60 : 1), 0);
  for (let seconds = 100_000; seconds > 0; seconds -= 1) expect(inSeconds(timeLeftText(seconds - 1))).toBeLessThanOrEqual(inSeconds(timeLeftText(seconds)));
});
