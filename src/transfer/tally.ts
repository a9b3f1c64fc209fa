import type { Delivery } from './delivery.ts';
import type { SendOptions, SendSummary } from './engine.ts';
import type { Delta } from './manifestDelta.ts';
import { contentBytes } from './plan.ts';
import { sampler } from './sample.ts';

/** Counts what has landed and what is in flight. */
export interface Tally {
  takeOff(): { readonly onBytes: (bytes: number) => void; land(delivery: Delivery): void };
  sums(): Pick<SendSummary, 'entries' | 'bytes' | 'segments' | 'retries' | 'notSent'>;
}

/** Names of entries not sent that are kept, for people. */
const namesKept = 100;

/** Begins to count the sending of a delta, and tells every advance of it. */
export function tallyOf(delta: Delta, options: Pick<SendOptions, 'tree' | 'progress'>): Tally {
  const total = delta.toSend.bytes;
  const inFlight = new Map<symbol, number>();
  const notSent = sampler(namesKept);
  const sums = { entries: 0, bytes: 0, segments: 0, retries: 0 };

  function report(): void {
    // A tar is longer than its files, and some of it may be sent twice.
    const done = Math.min(total, [...inFlight.values()].reduce((sum, bytes) => sum + bytes, sums.bytes));
    options.progress({ what: `Send ${options.tree.name}`, done, total, unit: 'bytes' });
  }

  return {
    takeOff() {
      const flight = Symbol('flight');
      return {
        onBytes(bytes) {
          inFlight.set(flight, bytes);
          report();
        },
        land({ landed, notSent: left, retries }) {
          inFlight.delete(flight);
          sums.entries += landed.length;
          sums.bytes += landed.reduce((sum, entry) => sum + contentBytes(entry), 0);
          sums.segments += landed.length > 0 ? 1 : 0;
          sums.retries += retries;
          for (const { path, reason } of left) notSent.add(path, reason);
          report();
        },
      };
    },
    sums: () => ({ ...sums, notSent: notSent.sample() }),
  };
}
