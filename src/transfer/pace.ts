import { costFit, secondsFor, usualCosts } from './costs.ts';
import { countdown } from './countdown.ts';
import type { Amount } from './passage.ts';
import { furthestOf, lately, nothingYet, smoothedRate, type Lately } from './rate.ts';

/** How it goes, and how long it is going to take. */
export interface Outlook {
  /** How much of the work lies behind, from 0 to 1; bytes and entries weighed by what they usually cost. Never falls; 1 only when all is settled. */
  readonly share: number;
  /** Absent before there is anything to go by. */
  readonly bytesPerSecond?: number;
  readonly entriesPerSecond?: number;
  /** Absent while nobody can tell. */
  readonly secondsLeft?: number;
}

/** Watches a work advance. */
export interface Pace {
  look(atMs: number, advance: { readonly passed: Amount; readonly settled: Amount }): Outlook;
}

/** What of the work on a piece is still to be done once it has passed: to be written out there, and proven. */
const shareOfSettling = 0.1;

/** Nobody can tell before. */
const firstEstimateSeconds = 4;

/** What the fit is given at once at least: smaller pieces are mostly noise. */
const pieceSeconds = 1;

/** About the time that says how it goes at the moment. */
const recentSeconds = 30;

/** A longer stand is no part of the pace: it says when this goes on, not how. */
const longestStandSeconds = 10;

/** Standing for longer, time left does not run down any more; there is no rate to speak of; and nobody can tell how long it is going to take. */
const stands = { seconds: 5, withoutRateSeconds: 10, tooLongSeconds: 30 };

/**
 * Begins to watch the sending of a total. What is `settled` is done with; what has `passed` is on its way or settled. Copying costs per
 * byte and per entry, in a proportion nobody knows ahead. So both are learned, and time left is what the rest costs by them.
 */
export function paceOf(total: Amount): Pace {
  const rate = smoothedRate();
  const estimate = estimator(total);
  const left = countdown();
  const wholeSeconds = secondsFor(total, usualCosts);
  let share = 0;

  return {
    look(atMs, { passed, settled }) {
      const atSeconds = atMs / 1000;
      const rates = rate.look(atSeconds, passed);
      if (settled.bytes >= total.bytes && settled.entries >= total.entries) return { share: 1, ...rates, secondsLeft: 0 };
      const done = { bytes: weighed(passed.bytes, settled.bytes), entries: weighed(passed.entries, settled.entries) };
      share = Math.min(0.999, Math.max(share, Math.floor((10_000 * secondsFor(done, usualCosts)) / wholeSeconds) / 10_000));
      const { secondsLeft, stoodSeconds } = estimate.look(atSeconds, done);
      const toldRates = stoodSeconds > stands.withoutRateSeconds ? { bytesPerSecond: 0, entriesPerSecond: 0 } : rates;
      const told = left.show(atSeconds, { estimate: secondsLeft, stands: stoodSeconds > stands.seconds });
      return { share, ...toldRates, ...(told === null || stoodSeconds > stands.tooLongSeconds ? {} : { secondsLeft: Math.ceil(told) }) };
    },
  };
}

/** Estimates time left as the last look says, which may jump. */
function estimator(total: Amount): { look(atSeconds: number, done: Amount): { readonly secondsLeft: number | null; readonly stoodSeconds: number } } {
  const fit = costFit();
  let recent: Lately = nothingYet;
  let piece: Lately = nothingYet;
  let moved: (Amount & { readonly atSeconds: number }) | null = null;
  let beganAtSeconds = 0;

  function advance(step: Lately): void {
    recent = lately(recent, step, recentSeconds);
    piece = { seconds: piece.seconds + step.seconds, bytes: piece.bytes + step.bytes, entries: piece.entries + step.entries };
    if (piece.seconds < pieceSeconds) return;
    fit.add(piece.seconds, piece);
    piece = nothingYet;
  }

  return {
    look(atSeconds, done) {
      if (moved === null) beganAtSeconds = atSeconds;
      const before = moved ?? { ...done, atSeconds };
      const now = furthestOf(before, done);
      const hasMoved = now.bytes > before.bytes || now.entries > before.entries;
      if (hasMoved) advance({ seconds: Math.min(longestStandSeconds, atSeconds - before.atSeconds), bytes: now.bytes - before.bytes, entries: now.entries - before.entries });
      moved = hasMoved ? { ...now, atSeconds } : before;
      const stoodSeconds = atSeconds - moved.atSeconds;
      if (atSeconds - beganAtSeconds < firstEstimateSeconds || recent.seconds < firstEstimateSeconds / 2) return { secondsLeft: null, stoodSeconds };
      const costs = fit.costs();
      const rest = { bytes: Math.max(0, total.bytes - now.bytes), entries: Math.max(0, total.entries - now.entries) };
      // By these costs, what was done lately should have taken so long; what it took says how it goes at the moment.
      return { secondsLeft: secondsFor(rest, costs) * (recent.seconds / secondsFor(recent, costs)), stoodSeconds };
    },
  };
}

function weighed(passed: number, settled: number): number {
  return settled + (1 - shareOfSettling) * Math.max(0, passed - settled);
}
