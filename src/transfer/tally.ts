import type { Progress } from '../runner/step.ts';
import type { Delivery } from './delivery.ts';
import type { SendSummary } from './engine.ts';
import type { BytePath, Entry } from './entry.ts';
import type { Delta } from './manifestDelta.ts';
import { paceOf } from './pace.ts';
import { passageOf, type Amount } from './passage.ts';
import { contentBytes } from './plan.ts';
import { sampler } from './sample.ts';

/** Counts what has landed and what is in flight. */
export interface Tally {
  takeOff(run: readonly Entry[]): Flight;
  /** True for an entry that was left for the next time. */
  wasLeft(path: BytePath): boolean;
  sums(): Pick<SendSummary, 'entries' | 'bytes' | 'segments' | 'retries' | 'notSent'>;
}

/** One run of entries on its way. */
export interface Flight {
  /** To be told how long the tar is so far, also when it has not grown. */
  onBytes(tarBytes: number): void;
  land(delivery: Delivery): void;
}

/** Names of entries not sent that are kept, for people. */
const namesKept = 100;

/** Nobody reads faster, and the stream of events stays small. */
const reportEveryMs = 500;

/** Begins to count the sending of a delta, and tells how it advances. */
export function tallyOf(delta: Pick<Delta, 'toSend'>, options: { readonly progress: (progress: Progress) => void; readonly now?: () => number }): Tally {
  const { progress, now = () => performance.now() } = options;
  const total = delta.toSend;
  const pace = paceOf(total);
  const inFlight = new Map<symbol, Amount>();
  const notSent = sampler(namesKept);
  const wasLeft = new Set<BytePath>();
  const sums = { entries: 0, bytes: 0, segments: 0, retries: 0 };
  /** Runs that are done with: landed, or left for the next time. */
  let settled: Amount = { bytes: 0, entries: 0 };
  let reportedAtMs = Number.NEGATIVE_INFINITY;

  function report(): void {
    const atMs = now();
    if (atMs - reportedAtMs < reportEveryMs && settled.entries < total.entries) return;
    reportedAtMs = atMs;
    const passed = [...inFlight.values()].reduce(sumOf, settled);
    progress({
      what: 'sending',
      done: Math.min(passed.bytes, total.bytes),
      total: total.bytes,
      unit: 'bytes',
      entries: { done: Math.min(passed.entries, total.entries), total: total.entries },
      ...pace.look(atMs, { passed, settled }),
    });
  }

  if (total.entries > 0) report();
  return {
    takeOff(run) {
      const flight = Symbol('flight');
      const passage = passageOf(run);
      let furthest = 0;
      return {
        onBytes(tarBytes) {
          // What is sent again does not count twice, and what was told is not taken back.
          furthest = Math.max(furthest, tarBytes);
          inFlight.set(flight, passage.after(furthest));
          report();
        },
        land({ landed, notSent: left, retries }) {
          inFlight.delete(flight);
          settled = sumOf(settled, passage.whole);
          sums.entries += landed.length;
          sums.bytes += landed.reduce((sum, entry) => sum + contentBytes(entry), 0);
          sums.segments += landed.length > 0 ? 1 : 0;
          sums.retries += retries;
          for (const { path, reason } of left) {
            notSent.add(path, reason);
            wasLeft.add(path);
          }
          report();
        },
      };
    },
    wasLeft: (path) => wasLeft.has(path),
    sums: () => ({ ...sums, notSent: notSent.sample() }),
  };
}

function sumOf(one: Amount, other: Amount): Amount {
  return { bytes: one.bytes + other.bytes, entries: one.entries + other.entries };
}
