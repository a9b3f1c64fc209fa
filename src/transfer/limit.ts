import { setTimeout as pause } from 'node:timers/promises';

/** At most so many bytes a second, shared by everything that asks the same limit. */
export interface ByteLimit {
  readonly bytesPerSecond: number;
  /** What may be asked for at once: so little that two streams alternate, and none stands still for long. */
  readonly pieceBytes: number;
  /** Waits until these bytes may pass; rejects when the signal says so. */
  pass(bytes: number, signal: AbortSignal): Promise<void>;
}

/** What tells the time and waits; another one in tests. */
export interface Clock {
  nowMs(): number;
  waitMs(durationMs: number, signal: AbortSignal): Promise<void>;
}

/** Less would take days for any library, and is more likely a slip than a wish. */
const leastBytesPerSecond = 64 * 1024;

/** The time that one piece stands for. */
const pieceMs = 50;

/** What was left unused for this long may be made up for: timers ring late, and a far side hesitates. */
const burstMs = 200;

const units: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** How a limit is written; follows "must be" or "write". */
export const limitForm = 'a number with K, M or G behind it, at least 64K: 20M is 20 MiB a second';

/** Bytes a second from `20M`, `1.5G` or `512k`; null for anything else. Without a letter it is not taken: for rsync such a number means KiB. */
export function parseLimit(text: string): number | null {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)([KMG])$/i.exec(text);
  const bytesPerSecond = Math.floor(Number(match?.[1]) * (units[match?.[2]?.toUpperCase() ?? ''] ?? Number.NaN));
  return bytesPerSecond >= leastBytesPerSecond ? bytesPerSecond : null;
}

const realClock: Clock = {
  nowMs: () => performance.now(),
  waitMs: (durationMs, signal) => pause(durationMs, undefined, { signal }),
};

/** A limit for all streams that pass through it together. */
export function byteLimit(bytesPerSecond: number, clock: Clock = realClock): ByteLimit {
  // When everything that was let through so far would have passed at exactly this rate.
  let passedAtMs = clock.nowMs();
  return {
    bytesPerSecond,
    pieceBytes: Math.max(1, Math.floor((bytesPerSecond * pieceMs) / 1000)),
    async pass(bytes, signal) {
      signal.throwIfAborted();
      const nowMs = clock.nowMs();
      passedAtMs = Math.max(passedAtMs, nowMs - burstMs) + (bytes * 1000) / bytesPerSecond;
      if (passedAtMs > nowMs) await clock.waitMs(passedAtMs - nowMs, signal);
    },
  };
}
