import type { Amount } from './passage.ts';

/** What a byte and an entry cost, in seconds. */
export interface Costs {
  readonly byteSeconds: number;
  readonly entrySeconds: number;
}

/** Where nothing is known yet: about what a home network and the creation of files were measured to cost. */
export const usualCosts: Costs = { byteSeconds: 1 / (50 * 1024 * 1024), entrySeconds: 0.0005 };

/** What an amount costs. */
export function secondsFor({ bytes, entries }: Amount, costs: Costs): number {
  return bytes * costs.byteSeconds + entries * costs.entrySeconds;
}

/** Learns from what took how long. */
export interface CostFit {
  add(seconds: number, amount: Amount): void;
  costs(): Costs;
}

/** What was seen is forgotten at this pace: long enough to have seen other mixtures of small and large, short enough to follow a change. */
const memorySeconds = 300;

/** What is expected of a cost weighs as much as this many seconds of evidence against it. */
const priorSeconds = 10;

/** Neither cost is ever taken for less or more than this multiple of what both together suggest. */
const furthest = 30;

/**
 * Fits both costs to what is added: least squares, weighted by time and drawn to what is usual as far as the evidence does not say
 * otherwise. A sequence with always the same mixture tells only the sum of both.
 */
export function costFit(): CostFit {
  // Everything in multiples of the usual costs, so that one weight suits both.
  let [bytesBytes, bytesEntries, entriesEntries, bytes, entries, seconds] = [0, 0, 0, 0, 0, 0];
  return {
    add(took, amount) {
      if (took <= 0) return;
      const kept = Math.exp(-took / memorySeconds);
      const ofBytes = amount.bytes * usualCosts.byteSeconds;
      const ofEntries = amount.entries * usualCosts.entrySeconds;
      bytesBytes = bytesBytes * kept + ofBytes ** 2 / took;
      bytesEntries = bytesEntries * kept + (ofBytes * ofEntries) / took;
      entriesEntries = entriesEntries * kept + ofEntries ** 2 / took;
      bytes = bytes * kept + ofBytes;
      entries = entries * kept + ofEntries;
      seconds = seconds * kept + took;
    },
    costs() {
      const usual = bytes + entries;
      if (usual <= 0) return usualCosts;
      const together = seconds / usual;
      const prior = priorSeconds / together ** 2;
      // What was seen of the one says something about the other: a busy machine slows both, a thin line only one.
      const expected = Math.sqrt(together);
      const [rowBytes, rowEntries] = [bytes + prior * expected, entries + prior * expected];
      const determinant = (bytesBytes + prior) * (entriesEntries + prior) - bytesEntries ** 2;
      const within = (multiple: number): number => Math.min(Math.max(multiple, together / furthest), together * furthest);
      return {
        byteSeconds: usualCosts.byteSeconds * within((rowBytes * (entriesEntries + prior) - rowEntries * bytesEntries) / determinant),
        entrySeconds: usualCosts.entrySeconds * within((rowEntries * (bytesBytes + prior) - rowBytes * bytesEntries) / determinant),
      };
    },
  };
}
