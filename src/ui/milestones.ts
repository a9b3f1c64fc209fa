import type { Progress } from '../runner/step.ts';
import { shareOf } from './progressLine.ts';

/** Tells which progress is worth a line that stays, for logs. */
export interface Milestones {
  /** To be called as a step begins. */
  begin(): void;
  isReached(progress: Progress): boolean;
}

/** A line tells at least this much more than the one before, or comes after a long silence; and never sooner. */
const distance = { share: 0.1, silenceMs: 600_000, leastMs: 60_000 };

/** Milestones by the clock `now`. Steps that take less than a minute have none. */
export function milestones(now: () => number): Milestones {
  let toldAtMs = now();
  let told: { readonly what: string; readonly share: number } = { what: '', share: 0 };
  return {
    begin() {
      toldAtMs = now();
      told = { what: '', share: 0 };
    },
    isReached(progress) {
      const share = shareOf(progress) ?? 0;
      const before = told.what === progress.what ? told.share : 0;
      const silenceMs = now() - toldAtMs;
      if (silenceMs < distance.leastMs || (share - before < distance.share && silenceMs < distance.silenceMs)) return false;
      toldAtMs = now();
      told = { what: progress.what, share };
      return true;
    },
  };
}
