import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { byteLimit, parseLimit, type ByteLimit, type Clock } from '../../src/transfer/limit.ts';

test.each([
  ['64K', 65_536],
  ['20M', 20 * 1024 ** 2],
  ['20m', 20 * 1024 ** 2],
  ['1.5G', 1.5 * 1024 ** 3],
  ['0.0625M', null],
  ['0.063M', Math.floor(0.063 * 1024 ** 2)],
  ['63K', null],
  ['0M', null],
  ['-20M', null],
  ['20', null],
  ['20000000', null],
  ['20MB', null],
  ['20 M', null],
  ['20M/s', null],
  ['1e9K', null],
  ['M', null],
  ['', null],
  ['9999999G', null],
])('"%s" is read as %s bytes a second', (text, bytesPerSecond) => {
  expect(parseLimit(text)).toBe(bytesPerSecond);
});

/** A clock that stands still unless somebody waits; whoever waits shortest goes first. */
function standingClock(): Clock & { readonly idle: (durationMs: number) => void } {
  let nowMs = 1_000;
  let waiting: { readonly untilMs: number; readonly wake: () => void }[] = [];
  async function wakeNext(): Promise<void> {
    // Everybody who is about to wait gets to do so first.
    await delay(0);
    const next = waiting.toSorted((one, other) => one.untilMs - other.untilMs)[0];
    if (next === undefined) return;
    waiting = waiting.filter((other) => other !== next);
    nowMs = Math.max(nowMs, next.untilMs);
    next.wake();
  }
  return {
    nowMs: () => nowMs,
    idle: (durationMs) => {
      nowMs += durationMs;
    },
    async waitMs(durationMs) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      waiting.push({ untilMs: nowMs + durationMs, wake: () => resolve(undefined) });
      void wakeNext();
      await promise;
    },
  };
}

const { signal } = new AbortController();

/** Passes so many bytes, in pieces; tells after each what has passed. */
async function passAll(limit: ByteLimit, bytes: number, passed: (bytes: number) => void = () => undefined): Promise<void> {
  for (let at = 0; at < bytes; at += limit.pieceBytes) {
    await limit.pass(limit.pieceBytes, signal);
    passed(at + limit.pieceBytes);
  }
}

test.each([65_536, 1024 ** 2, 20 * 1024 ** 2, 1024 ** 3])('%d bytes a second: ten times as many take ten seconds, and at no time was more let through than a quarter of a second is worth', async (bytesPerSecond) => {
  const clock = standingClock();
  const limit = byteLimit(bytesPerSecond, clock);
  const beganMs = clock.nowMs();
  await passAll(limit, 10 * bytesPerSecond, (passed) => {
    expect(passed).toBeLessThanOrEqual(((clock.nowMs() - beganMs) / 1000 + 0.25) * bytesPerSecond);
  });
  expect((clock.nowMs() - beganMs) / 1000).toBeCloseTo(10, 0);
});

test('two streams get the same, and together no more than one', async () => {
  const clock = standingClock();
  const limit = byteLimit(1024 ** 2, clock);
  const beganMs = clock.nowMs();
  const passed = [0, 0];
  const furthestApart = { bytes: 0 };
  await Promise.all(
    passed.map((_, stream) =>
      passAll(limit, 5 * 1024 ** 2, (bytes) => {
        passed[stream] = bytes;
        furthestApart.bytes = Math.max(furthestApart.bytes, Math.abs((passed[0] ?? 0) - (passed[1] ?? 0)));
      }),
    ),
  );
  expect((clock.nowMs() - beganMs) / 1000).toBeCloseTo(10, 0);
  expect(furthestApart.bytes).toBeLessThanOrEqual(2 * limit.pieceBytes);
});

test('what was not used for a minute is not made up for, beyond a quarter of a second', async () => {
  const clock = standingClock();
  const limit = byteLimit(1024 ** 2, clock);
  clock.idle(60_000);
  const beganMs = clock.nowMs();
  await passAll(limit, 2 * 1024 ** 2);
  expect(clock.nowMs() - beganMs).toBeGreaterThanOrEqual(1_750);
});

test('whoever waits is let go when it is over, and nobody gets through after that', async () => {
  const over = new AbortController();
  const limit = byteLimit(65_536);
  const waiting = limit.pass(10 * 65_536, over.signal);
  over.abort(new Error('it is over'));
  await expect(waiting).rejects.toThrow('aborted');
  await expect(limit.pass(1, over.signal)).rejects.toThrow('it is over');
});
