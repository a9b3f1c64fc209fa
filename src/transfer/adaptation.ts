import { segmentLimits, type SegmentLimits } from './plan.ts';

/** How one segment fared. */
export interface Fared {
  readonly entries: number;
  readonly bytes: number;
  readonly durationMs: number;
  /** Streams that had to be sent again because something failed. */
  readonly retries: number;
}

/** How many segments are in flight, and how large they are: what was measured to begin with, and what is met from there on. */
export interface Adaptation {
  inFlight(): number;
  limits(): SegmentLimits;
  landed(fared: Fared): void;
}

/** Measured: one leaves the far side idle, and on two cores that do everything three are slower. */
const inFlightAtFirst = 2;

/** Each takes a session of the one ssh connection, of which sshd allows ten (MaxSessions). */
const mostInFlight = 4;

/** Segments over which a rate is taken: fewer are at the mercy of what happens to be in them. */
const segmentsInWindow = 6;

/** What one more in flight has to bring to be kept. */
const worthwhileGain = 1.15;

/** Windows before more in flight is tried again after it brought nothing. */
const windowsOfRest = 8;

/** A segment that is lost costs as much again, so that none should take longer where the way is slow. */
const longestMs = 60_000;

/** Below this, what a segment costs by itself (a session, an exec, a receipt) weighs more than what is in it. */
const smallestShare = 1 / 8;

/** Content that costs about as much as one more entry, in bytes: creating a file takes half a millisecond whatever its size. */
const bytesLikeAnEntry = 16 * 1024;

/** Adapts to the way and to the far side. `isBusy` tells whether this computer has nothing to spare; then more in flight is not tried. */
export function adaptation(options: { readonly isBusy: () => boolean; readonly now?: () => number; readonly limits?: SegmentLimits; readonly inFlight?: number }): Adaptation {
  const { isBusy, now = () => performance.now(), limits = segmentLimits } = options;
  const first = options.inFlight ?? inFlightAtFirst;
  let inFlight = first;
  let share = 1;
  let rest = 0;
  let rateBefore: number | null = null;
  let window = { fromMs: now(), segments: 0, work: 0 };

  function judge(rate: number): void {
    if (rateBefore !== null) {
      // One more was tried in this window.
      if (rate < rateBefore * worthwhileGain) {
        inFlight -= 1;
        rest = windowsOfRest;
      }
      rateBefore = null;
    } else if (rest > 0) {
      rest -= 1;
    } else if (options.inFlight === undefined && inFlight < mostInFlight && !isBusy()) {
      rateBefore = rate;
      inFlight += 1;
    }
  }

  return {
    inFlight: () => inFlight,
    limits() {
      // More in flight are smaller ones: the lists of all together take the memory that those in flight at first take.
      const part = Math.max(smallestShare, share * Math.min(1, first / inFlight));
      return { entries: Math.max(1, Math.floor(limits.entries * part)), bytes: Math.max(1, Math.floor(limits.bytes * part)) };
    },
    landed({ entries, bytes, durationMs, retries }) {
      if (retries > 0 || durationMs > longestMs) share = Math.max(smallestShare, share / 2);
      else if (durationMs < longestMs / 4) share = Math.min(1, share * 2);
      if (retries > 0) {
        inFlight = Math.min(inFlight, first);
        rateBefore = null;
        rest = windowsOfRest;
      }
      window = { ...window, segments: window.segments + 1, work: window.work + entries + bytes / bytesLikeAnEntry };
      if (window.segments < segmentsInWindow) return;
      const atMs = now();
      judge(window.work / Math.max(1, atMs - window.fromMs));
      window = { fromMs: atMs, segments: 0, work: 0 };
    },
  };
}
