import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { dataDirectoryName, landingArea } from '../../test/e2e/movedLibrary.ts';
import type { Bed } from './bed.ts';
import { runPlexlift } from './plexliftProcess.ts';

/** A migration that stands before copy-ahead, and can be set back to there. */
export interface Waiting {
  /** The landing area, as this computer sees it. */
  readonly landing: string;
  /** Forgets what was copied, here and on the volume, as if it had never been. */
  reset(): Promise<void>;
}

/** Answers to what every run asks. */
export const consent = ['--yes', 'existing-library', '--yes', 'stop-source'] as const;

/** Brings a migration as far as the step before copy-ahead. */
export async function waitBeforeCopy(bed: Bed, signal: AbortSignal): Promise<Waiting> {
  const { stage, volume } = bed;
  await runPlexlift(stage, ['migrate', ...consent, '--until', 'media'], { signal });
  const kept = join(stage.directory, 'run-before-copy');
  await cp(stage.runDirectory, kept, { recursive: true, preserveTimestamps: true });
  const landing = landingArea(volume);
  const ofRun = landing.slice(0, -dataDirectoryName.length - 1);
  const before = await namesBelow(ofRun);
  return {
    landing,
    async reset() {
      await rm(stage.runDirectory, { recursive: true, force: true });
      await cp(kept, stage.runDirectory, { recursive: true, preserveTimestamps: true });
      // The directories of the landing area stay the ones that the gate made.
      for (const directory of [landing, join(ofRun, 'receipts')]) {
        for (const name of await namesBelow(directory)) await rm(join(directory, name), { recursive: true, force: true });
      }
      const added = (await namesBelow(ofRun)).filter((name) => !before.includes(name));
      if (added.length > 0) throw new Error(`Cannot set the landing area back: "${added.join('", "')}" in "${ofRun}" were not there before`);
    },
  };
}

async function namesBelow(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
}
