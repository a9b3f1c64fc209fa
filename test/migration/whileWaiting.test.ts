import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { whileWaiting } from '../../src/migration/whileWaiting.ts';
import type { Progress } from '../../src/runner/step.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('tells every second for how long it has been waited, until it is there', async () => {
  const told: Progress[] = [];
  const awaited = Promise.withResolvers<string>();
  const waiting = whileWaiting(awaited.promise, { what: 'waiting for the gate', progress: (progress) => void told.push(progress) });
  await vi.advanceTimersByTimeAsync(2_500);
  awaited.resolve('open');
  expect(await waiting).toBe('open');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual([0, 1, 2].map((done) => ({ what: 'waiting for the gate', done, unit: 'seconds' })));
});

test('a failure ends the waiting', async () => {
  await expect(whileWaiting(Promise.reject(new Error('gone')), { what: 'waiting', progress: () => undefined })).rejects.toThrow('gone');
  expect(vi.getTimerCount()).toBe(0);
});
