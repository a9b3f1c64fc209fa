import { slowLink } from './link.ts';
import { roundsOf, type TransferOptions } from './transferOptions.ts';
import type { WayName } from './way.ts';

/** Seconds for each thousand files, as seen on a machine of two cores: making the tree once, and one run of any way with what is done around it. */
const [makingSeconds, runSeconds] = [0.5, 0.6];
const bedSeconds = 60;
/** Of a round, however small the tree: plexlift looks at both sides before and after. */
const roundSeconds = 10;
const bytesPerFile = 27_000;

/** What one stream takes besides, growing with the square of the size, with GNU tar busy in the pod. 60,000 files took it 36 s. */
const oneStreamSecondsOfSquare = 0.01;

/** About how long a bench will take. */
export function estimatedMinutes({ sizes, rounds, copyRounds, ways, longestSeconds, slowLinkFiles }: Omit<TransferOptions, 'json'>): number {
  const ofTree = (files: number): number => {
    const thousands = files / 1_000;
    const runs = ways.reduce((sum, way) => sum + roundsOf(way, { files, rounds, copyRounds }) * secondsOf(way, { thousands, longestSeconds }), 0);
    return bedSeconds + thousands * makingSeconds + rounds * roundSeconds + runs;
  };
  const trees = sizes.reduce((sum, files) => sum + ofTree(files), 0);
  const linkSeconds = (slowLinkFiles * bytesPerFile * 8) / (slowLink.megabitsPerSecond * 1e6);
  const slow = 2 * rounds * (linkSeconds + (slowLinkFiles / 1_000) * runSeconds);
  return Math.max(1, Math.round((trees + slow) / 60));
}

function secondsOf(way: WayName, { thousands, longestSeconds }: { readonly thousands: number; readonly longestSeconds: number }): number {
  return thousands * runSeconds + (way === 'tar-exec' || way === 'kubectl-cp' ? Math.min(longestSeconds, thousands ** 2 * oneStreamSecondsOfSquare) : 0);
}
