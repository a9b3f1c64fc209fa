import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ByteLimit } from './limit.ts';

/** Takes bytes where the target is, and throws them away. */
export type Drop = (bytes: Readable) => Promise<void>;

/** How long and how much; all for tests. */
export interface WayOptions {
  readonly signal: AbortSignal;
  readonly limit?: ByteLimit | undefined;
  readonly budgetMs?: number;
  readonly budgetBytes?: number;
}

/** As many as a copy has in flight. */
const streams = 2;

/** What buffers on the way take in at once, and what passes while a connection is still slow. */
const warmUpBytes = 4 * 1024 * 1024;
const chunkBytes = 64 * 1024;

/** Bytes a second that arrive over a way, with two streams on it as a copy has, for about five seconds. */
export async function measureWay(drop: Drop, { signal, limit, budgetMs = 5_000, budgetBytes = 128 * 1024 * 1024 }: WayOptions): Promise<number> {
  // Nothing on the way can make it smaller.
  const chunk = randomBytes(chunkBytes);
  const begunAtMs = performance.now();
  let passed = 0;
  // Set by the generator below, which the compiler does not follow.
  let warm = null as { readonly atMs: number; readonly bytes: number } | null;

  async function* bytes(): AsyncGenerator<Buffer> {
    while (passed < budgetBytes && performance.now() - begunAtMs < budgetMs) {
      await limit?.pass(chunk.length, signal);
      signal.throwIfAborted();
      passed += chunk.length;
      if (warm === null && passed >= warmUpBytes) warm = { atMs: performance.now(), bytes: passed };
      yield chunk;
    }
  }

  await Promise.all(Array.from({ length: streams }, () => drop(Readable.from(bytes(), { objectMode: false, highWaterMark: chunkBytes }))));
  // On a slow way little is left once it is warm, and the time to connect counts for little too.
  const isEnough = warm !== null && passed - warm.bytes >= warmUpBytes;
  const from = warm !== null && isEnough ? warm : { atMs: begunAtMs, bytes: 0 };
  // By now the last of it has arrived: what lay in buffers when it was warm counts for nothing, so this is rather too little than too much.
  return ((passed - from.bytes) * 1000) / Math.max(1, performance.now() - from.atMs);
}
