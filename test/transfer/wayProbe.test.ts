import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { byteLimit } from '../../src/transfer/limit.ts';
import { measureWay, type Drop } from '../../src/transfer/wayProbe.ts';

const { signal } = new AbortController();

/** A way on which each chunk takes so long. */
function slowWay(chunkMs: number): Drop & { readonly taken: () => number } {
  let taken = 0;
  const drop: Drop = (bytes) =>
    pipeline(
      bytes,
      new Writable({
        highWaterMark: 1,
        write(chunk: Buffer, _, done) {
          taken += chunk.length;
          setTimeout(done, chunkMs);
        },
      }),
    );
  return Object.assign(drop, { taken: () => taken });
}

test('a way that is four times as quick is found to be several times as quick', async () => {
  const slow = await measureWay(slowWay(80), { signal, budgetMs: 2_000 });
  const quick = await measureWay(slowWay(20), { signal, budgetMs: 2_000 });
  expect(quick / slow).toBeGreaterThan(1.5);
  expect(quick / slow).toBeLessThan(9);
  // Two streams of a chunk each 80 ms, and what lay in buffers.
  expect(slow).toBeLessThan((2 * 65_536 * 1000) / 80 * 1.3);
});

test('no more is sent than may be, and all that is sent is waited for', async () => {
  const way = slowWay(0);
  await measureWay(way, { signal, budgetBytes: 8 * 1024 ** 2 });
  expect(way.taken()).toBeGreaterThanOrEqual(8 * 1024 ** 2);
  expect(way.taken()).toBeLessThanOrEqual(8 * 1024 ** 2 + 2 * 65_536);
});

test('a limit holds here too', async () => {
  expect(await measureWay(slowWay(0), { signal, limit: byteLimit(1024 ** 2), budgetMs: 500 })).toBeLessThan(1.5 * 1024 ** 2);
});

test('a way that is cut, and a person who stops it, are told', async () => {
  await expect(measureWay(() => Promise.reject(new Error('no pod')), { signal })).rejects.toThrow('no pod');
  const over = new AbortController();
  const measuring = measureWay(slowWay(5), { signal: over.signal, budgetMs: 60_000 });
  measuring.catch(() => undefined);
  await delay(50);
  over.abort(new Error('stopped by a person'));
  await expect(measuring).rejects.toThrow('stopped by a person');
});
