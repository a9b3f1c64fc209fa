/** Time left as it is told: runs down by the clock, and is drawn towards the estimate. */
export interface Countdown {
  /** What to tell at a moment; null before the first estimate. While everything `stands`, so does what is told. */
  show(atSeconds: number, now: { readonly estimate: number | null; readonly stands: boolean }): number | null;
}

/** An estimate that is off by less is noise: it is not followed. */
const toleratedShare = 0.05;

/** About as long it takes to come to a new estimate, as a share of the time left, and at least. */
const approach = { shareOfLeft: 0.1, leastSeconds: 6 };

/** What is told changes by no more than this within a second, beyond the second that passed. Good news may come a little faster. */
const steepest = { rising: { shareOfLeft: 0.03, leastSeconds: 1 }, falling: { shareOfLeft: 0.04, leastSeconds: 2 } };

/** A countdown that never jumps: whatever the estimate does, it is followed at a walk. */
export function countdown(): Countdown {
  let told: number | null = null;
  let toldAtSeconds = 0;
  return {
    show(atSeconds, { estimate, stands }) {
      const passedSeconds = atSeconds - toldAtSeconds;
      toldAtSeconds = atSeconds;
      if (told === null || estimate === null) {
        told ??= estimate;
        return told;
      }
      if (stands || passedSeconds <= 0) return told;
      const expected = Math.max(0, told - passedSeconds);
      const off = estimate - expected;
      const isNoise = Math.abs(off) <= Math.max(1, toleratedShare * expected);
      const pull = 1 - Math.exp(-passedSeconds / Math.max(approach.leastSeconds, approach.shareOfLeft * expected));
      const { shareOfLeft, leastSeconds } = off > 0 ? steepest.rising : steepest.falling;
      const most = passedSeconds * Math.max(leastSeconds, shareOfLeft * expected);
      if (isNoise) told = expected;
      else told = Math.max(0, expected + Math.min(most, Math.max(-most, off * pull)));
      return told;
    },
  };
}
