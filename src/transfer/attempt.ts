import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { isBrokenPipe } from '../machines/brokenPipe.ts';
import type { Process, ProcessEnding } from '../machines/machine.ts';
import type { Target } from '../targets/target.ts';
import type { Tree } from './entry.ts';
import { hashingStream, type HashingStream, type Passed } from './hashingStream.ts';
import type { Receipt, Segment } from './segment.ts';

/** How long a segment may take for what; in milliseconds. */
export interface Patience {
  /** Without one byte passing. Longer than the 60 s after which kubectl itself gives up on a far side that does not read. */
  readonly stallMs: number;
  /** From the last byte until the far side has made its receipt, and for every question about it. */
  readonly settleMs: number;
  /** After an attempt was ended, until its parts are left to themselves. */
  readonly graceMs: number;
  /** Before each new try. Their number is the number of new tries. */
  readonly retryDelaysMs: readonly number[];
}

/** What was found to suit slow volumes and quick ones. */
export const patience: Patience = { stallMs: 90_000, settleMs: 600_000, graceMs: 15_000, retryDelaysMs: [2_000, 10_000, 30_000] };

/** A stream that stood still for too long, whoever is at fault. */
export class StreamStalled extends Error {
  override readonly name = 'StreamStalled';
}

/** What became of one stream of one segment. */
export interface Streamed {
  /** Null where the tar did not come to its end. */
  readonly passed: Passed | null;
  /** How the reading program ended; null where it would not end in time. */
  readonly reading: ProcessEnding | null;
  /** What went wrong first; null where nothing did. */
  readonly failure: Error | null;
  /** What the target says it holds, where it said so at once. */
  readonly receipt: Receipt | null;
}

/** Streams one segment from the tree to the target once. Never rejects: everything that happens is in what it returns. */
export async function stream(
  segment: Segment,
  options: {
    readonly tree: Pick<Tree, 'read'>;
    readonly target: Pick<Target, 'receive'>;
    readonly patience: Patience;
    readonly signal: AbortSignal;
    readonly onBytes: (bytes: number) => void;
  },
): Promise<Streamed> {
  const { tree, target, patience, signal, onBytes } = options;
  let failure: Error | null = null;
  const stopped = Promise.withResolvers<undefined>();
  const hashing = hashingStream(segment.entries, segment.owner);
  const reading = tree.read(segment.entries, segment.owner);

  function stop(reason: unknown): void {
    // A target that refuses closes its end first, and says why a moment later.
    if (failure === null || isBrokenPipe(failure)) failure = reason instanceof Error ? reason : new Error(messageOf(reason));
    // Once it has given everything it is about to end by itself, and how it ends still matters.
    if (hashing.passed() === null) reading.kill();
    hashing.stream.destroy(failure);
    stopped.resolve(undefined);
  }
  function onAbort(): void {
    stop(new Error('The transfer was interrupted'));
  }

  hashing.stream.on('error', stop);
  // The tree writes its list there; a program that died before it read the list is a failure and not a crash.
  reading.stdin.on('error', stop);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const endWatch = watch(hashing, { patience, stop, onBytes });

  const piped = pipeline(reading.stdout, hashing.stream).catch(stop);
  const ended = ending(reading);
  let receipt: Receipt | null = null;
  async function takeIn(): Promise<void> {
    receipt = await receive(segment, hashing, target);
  }
  const received = takeIn().catch(stop);
  const everything = Promise.all([piped, received, ended.promise]);
  await Promise.race([everything, stopped.promise.then(async () => Promise.race([everything, pause(patience.graceMs)]))]);
  if (ended.how() === null) reading.kill();
  endWatch();
  signal.removeEventListener('abort', onAbort);
  return { passed: hashing.passed(), reading: ended.how(), failure, receipt };
}

function ending(reading: Process): { readonly promise: Promise<void>; how(): ProcessEnding | null } {
  let how: ProcessEnding | null = null;
  async function wait(): Promise<void> {
    how = await reading.ended;
  }
  return { promise: wait(), how: () => how };
}

async function receive(segment: Segment, hashing: HashingStream, target: Pick<Target, 'receive'>): Promise<Receipt | null> {
  const receipt = await target.receive(segment, hashing.stream);
  if (hashing.passed() === null) throw new Error(`The target stopped reading after ${hashing.bytesSoFar()} bytes`);
  return receipt;
}

/** Ends a stream that stands still, and reports how far it is about four times a second. Returns what ends the watch. */
function watch(
  hashing: HashingStream,
  options: { readonly patience: Patience; readonly stop: (reason: Error) => void; readonly onBytes: (bytes: number) => void },
): () => void {
  const { stallMs, settleMs } = options.patience;
  let seen = 0;
  let wasComplete = false;
  let advancedAt = performance.now();
  const timer = setInterval(() => {
    const bytes = hashing.bytesSoFar();
    const complete = hashing.passed() !== null;
    // Also while it stands still, or nobody would be told that it does.
    options.onBytes(bytes);
    if (bytes !== seen || complete !== wasComplete) {
      seen = bytes;
      wasComplete = complete;
      advancedAt = performance.now();
      return;
    }
    const stoodMs = performance.now() - advancedAt;
    if (!complete && stoodMs > stallMs) options.stop(new StreamStalled(`No byte passed for ${Math.round(stallMs / 1000)} s, after ${bytes} bytes`));
    if (complete && stoodMs > settleMs) options.stop(new Error(`The target did not finish within ${Math.round(settleMs / 1000)} s of the last byte`));
  }, 250);
  return () => clearInterval(timer);
}
