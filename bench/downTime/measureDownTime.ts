import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addArtwork } from '../transfer/artwork.ts';
import { openBed, type Bed } from '../transfer/bed.ts';
import { countBulk } from '../transfer/bulk.ts';
import { consent } from '../transfer/landing.ts';
import { runPlexlift } from '../transfer/plexliftProcess.ts';
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

/** Migrates one library to its end as often as there are rounds, and takes it back in between. */
export async function measureDownTime({ items, files, rounds, signal, tell, keep }: SizeToMeasure): Promise<void> {
  const bed = await openBed({ name: 'bench', items, signal });
  try {
    const has = countBulk(bed.data).files;
    await addArtwork({ directory: bed.data, files: Math.max(0, files - has), signal });
    const tree = countBulk(bed.data);
    tell(`${items} items, ${tree.files} files: made ${tree.directories} directories, ${tree.links} links and ${Math.round(tree.bytes / 1e6)} MB`);
    const runs: Migrated[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      if (round > 1) await takeBack(bed, signal);
      const run = await migrate(bed, { round, signal });
      runs.push(run);
      tell(`${items} items, ${tree.files} files, round ${round} of ${rounds}: ${run.downSeconds.toFixed(1)} s down, ${run.unchangedPassSeconds.toFixed(1)} s for a pass with nothing changed, ${run.copyAheadSeconds.toFixed(1)} s to copy ahead`);
      keep(downTimeFiguresOf({ items, ...tree }, runs));
    }
  } finally {
    await bed.close();
  }
}

async function migrate({ stage, data }: Bed, { round, signal }: { readonly round: number; readonly signal: AbortSignal }): Promise<Migrated> {
  const ahead = await runPlexlift(stage, ['migrate', ...consent, '--until', 'copy-ahead'], { signal });
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

function secondsOf({ stepSeconds }: { readonly stepSeconds: ReadonlyMap<string, number> }, step: string): number {
  const seconds = stepSeconds.get(step);
  if (seconds === undefined) throw new Error(`Cannot measure "${step}": it was not done`);
  return seconds;
}

/** Both sides as they were, and nothing left of the run. */
async function takeBack({ stage, volume }: Bed, signal: AbortSignal): Promise<void> {
  await runPlexlift(stage, ['rollback'], { signal });
  await stage.release.waitForServer();
  await rm(stage.runDirectory, { recursive: true, force: true });
  for (const name of await readdir(volume)) {
    if (name === '.plexlift' || name.startsWith('Library.withdrawn-')) await rm(join(volume, name), { recursive: true, force: true });
  }
}
