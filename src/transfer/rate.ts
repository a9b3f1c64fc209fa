import type { Amount } from './passage.ts';

/** An amount and the time it took; what is longer ago weighs less. */
export interface Lately extends Amount {
  readonly seconds: number;
}

/** Before anything was seen. */
export const nothingYet: Lately = { seconds: 0, bytes: 0, entries: 0 };

/** About the time over which what is told of a rate is smoothed: what is sent changes, from films to posters to directories. */
const smoothingSeconds = 15;

/** What was seen lately, that is in about the last `smoothingSeconds`, once something more was seen. */
export function lately(before: Lately, step: Lately, smoothingSeconds: number): Lately {
  const kept = Math.exp(-step.seconds / smoothingSeconds);
  return { seconds: before.seconds * kept + step.seconds, bytes: before.bytes * kept + step.bytes, entries: before.entries * kept + step.entries };
}

/** The smoothed rate of something that advances and may stand, in which case it falls. Nothing for the first second. */
export function smoothedRate(): { look(atSeconds: number, passed: Amount): { readonly bytesPerSecond?: number; readonly entriesPerSecond?: number } } {
  let seen: Lately = nothingYet;
  let last: (Amount & { readonly atSeconds: number }) | null = null;
  return {
    look(atSeconds, passed) {
      const before = last ?? { ...passed, atSeconds };
      last = { atSeconds, ...furthestOf(before, passed) };
      seen = lately(seen, { seconds: atSeconds - before.atSeconds, bytes: last.bytes - before.bytes, entries: last.entries - before.entries }, smoothingSeconds);
      if (seen.seconds < 1) return {};
      return { bytesPerSecond: Math.round(seen.bytes / seen.seconds), entriesPerSecond: Math.round(seen.entries / seen.seconds) };
    },
  };
}

/** The larger of both, each by itself: what was reached is not taken back. */
export function furthestOf(one: Amount, other: Amount): Amount {
  return { bytes: Math.max(one.bytes, other.bytes), entries: Math.max(one.entries, other.entries) };
}
