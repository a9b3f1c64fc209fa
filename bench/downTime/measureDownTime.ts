import type { SendSummary } from '../../src/transfer/engine.ts';
import { addArtwork } from '../transfer/artwork.ts';
import { openBed, type Bed } from '../transfer/bed.ts';
import { countBulk, type BulkCount } from '../transfer/bulk.ts';
import { consent } from '../transfer/landing.ts';
import { runPlexlift, type PlexliftRun } from '../transfer/plexliftProcess.ts';
import { artworkFiles, chooseChanges, makeChanges } from './changes.ts';
import { downTimeFiguresOf, type DownTimeFigures, type Migrated } from './downTimeFigures.ts';
import { partsOf, toldToStopAtMs } from './downTimeParts.ts';
import { watchServer } from './serving.ts';

/** One size to measure. `keep` gets the figures so far after every round, `tell` a line at each stage. */
export interface SizeToMeasure {
  readonly items: number;
  /** Files of the bulk in all; fewer than the library has by itself adds none. */
  readonly files: number;
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  readonly keep: (figures: DownTimeFigures) => void;
}

const changedShare = 0.01;

/** Migrates one library to its end in each round, on a bed of its own: a server that is started again removes the artwork of items it does not know. */
export async function measureDownTime({ items, files, rounds, signal, tell, keep }: SizeToMeasure): Promise<void> {
  const runs: Migrated[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const bed = await openBed({ name: 'bench', items, signal });
    try {
      const has = countBulk(bed.data).files;
      await addArtwork({ directory: bed.data, files: Math.max(0, files - has), signal });
      const tree = countBulk(bed.data);
      if (round === 1) tell(`${items} items, ${tree.files} files: made ${tree.directories} directories, ${tree.links} links and ${Math.round(tree.bytes / 1e6)} MB`);
      const run = await migrate(bed, { tree, round, signal });
      runs.push(run);
      tell(`${items} items, ${tree.files} files, round ${round} of ${rounds}: ${run.downSeconds.toFixed(1)} s down, ${run.unchangedPassSeconds.toFixed(1)} s for a pass with nothing changed, ${run.copyAheadSeconds.toFixed(1)} s to copy ahead`);
      keep(downTimeFiguresOf({ items, ...tree }, runs));
    } finally {
      await bed.close();
    }
  }
}

async function migrate({ stage, data }: Bed, { tree, round, signal }: { readonly tree: BulkCount; readonly round: number; readonly signal: AbortSignal }): Promise<Migrated> {
  const ahead = await runPlexlift(stage, ['migrate', ...consent, '--until', 'copy-ahead'], { signal });
  requireAllCopied(ahead.events, tree);
  const again = await runPlexlift(stage, ['migrate', ...consent, '--again', 'copy-ahead', '--until', 'copy-ahead'], { signal });
  const changes = chooseChanges(artworkFiles(data), { share: changedShare, round });
  makeChanges(data, changes);

  const source = watchServer(async () => `http://${stage.vm.address}:32400`);
  const target = watchServer(() => stage.release.serverUrl());
  try {
    const { events } = await runPlexlift(stage, ['migrate', ...consent], { signal });
    const [servedAtMs, silentSinceMs, toldAtMs] = [target.firstAtMs(), source.lastAtMs(), toldToStopAtMs(events)];
    if (servedAtMs === null || silentSinceMs === null || servedAtMs < toldAtMs) throw new Error('Cannot measure the down time: nobody saw the servers change over');
    return {
      changedFiles: changes.length,
      copyAheadSeconds: secondsOf(ahead, 'copy-ahead'),
      unchangedPassSeconds: secondsOf(again, 'copy-ahead'),
      downSeconds: (servedAtMs - toldAtMs) / 1000,
      silentSeconds: (servedAtMs - silentSinceMs) / 1000,
      parts: partsOf(events, { fromMs: toldAtMs, toMs: servedAtMs }),
    };
  } finally {
    await Promise.all([source.stop(), target.stop()]);
  }
}

/** A time is worth nothing where not all of it was copied. */
function requireAllCopied(events: PlexliftRun['events'], tree: BulkCount): void {
  const finished = events.find((event) => event.type === 'step-finished' && event.step === 'copy-ahead');
  const copied = finished?.type === 'step-finished' ? (finished.result as SendSummary) : undefined;
  const entries = tree.files + tree.directories + tree.links;
  if (copied?.entries === entries && copied.bytes === tree.bytes) return;
  throw new Error(`Cannot measure the down time: ${copied?.entries} entries with ${copied?.bytes} bytes were copied ahead, of ${entries} with ${tree.bytes}`);
}

function secondsOf({ stepSeconds }: { readonly stepSeconds: ReadonlyMap<string, number> }, step: string): number {
  const seconds = stepSeconds.get(step);
  if (seconds === undefined) throw new Error(`Cannot measure "${step}": it was not done`);
  return seconds;
}
