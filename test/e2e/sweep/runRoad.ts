import { randomBytes } from 'node:crypto';
import { chownSync, globSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { plan } from '../../../src/migration/plan.ts';
import { readJournal } from '../../../src/runner/journal.ts';
import type { Cluster } from '../../bed/kubernetes/cluster.ts';
import type { BothSides } from '../formerState.ts';
import { lookAtBothSides } from '../formerState.ts';
import { beginFollowed, requireExit, statuses } from '../interruption.ts';
import { isHeld, phaseOf } from '../plexStarts.ts';
import type { Stage } from '../stage.ts';
import { differencesFromSource } from '../wholeLibrary.ts';
import { inodeOfLibrary } from './instants.ts';
import type { Strike } from './reachNext.ts';
import { reachNext } from './reachNext.ts';
import type { WatchedVolume } from './watchVolume.ts';
import { digestOfLibrary, watchVolume } from './watchVolume.ts';

/** What is done after the fault: the same command again until it ends with 0, or plexlift is killed and everything taken back. */
export type Afterwards = 'continue' | 'rollback';

/** What came of one fault at one instant. */
export interface SweepOutcome {
  readonly instant: string;
  readonly fault: string;
  readonly afterwards: Afterwards;
  /** What the journal told last about a step when the fault struck; it counts only where that is the instant's own. */
  readonly struckAt: string;
  readonly result: 'held' | 'missed' | 'broke';
  /** How the command that met the fault ended, where it did not come through: -1 is killed. */
  readonly exitCode: number | null;
  readonly why: string;
}

const migrate = ['migrate', '--yes', 'existing-library', '--yes', 'stop-source'];
/** How often the same command may be asked for after a fault: the first may still meet the fault. */
const triesAfterwards = 3;

/** A stage whose former library has entries that no server touches, and both sides as they are now. */
export interface SweepStage {
  readonly stage: Stage;
  readonly before: BothSides;
  readonly formerDigest: string;
}

/** Puts entries of its own into the release's library, so that one that is put back can be told from one that was made anew. */
export async function prepareForSweep(cluster: Cluster, stage: Stage): Promise<SweepStage> {
  const library = join(stage.release.configHostPath, 'Library');
  const artwork = join(library, 'Application Support/Plex Media Server/Metadata/Movies/0/of-the-former-library.bundle');
  mkdirSync(artwork, { recursive: true });
  for (let number = 0; number < 30; number += 1) {
    const file = join(artwork, `poster-${number}.jpg`);
    writeFileSync(file, randomBytes(number * 1000), { mode: 0o640 });
    chownSync(file, 1000, 1000);
  }
  symlinkSync('poster-1.jpg', join(artwork, 'selected'));
  return { stage, before: await lookAtBothSides(cluster, stage), formerDigest: digestOfLibrary(library, { exceptServersOwn: true }) };
}

/**
 * Walks the road once. With `continue`, every fault strikes at its instant, and the command goes on, or the same one does; at the end the
 * library has to be whole. With `rollback`, there is one strike, and everything is taken back. In both, the end is as the beginning was.
 */
export async function runRoad(cluster: Cluster, sweepStage: SweepStage, { strikes, afterwards, isTimeUp }: { readonly strikes: readonly Strike[]; readonly afterwards: Afterwards; readonly isTimeUp: () => boolean }): Promise<readonly SweepOutcome[]> {
  const { stage } = sweepStage;
  const watched = watchVolume(stage);
  const struck: Struck[] = [];
  const wrong: string[] = [];
  try {
    await walk({ cluster, stage, watched, strikes, afterwards, isTimeUp }, struck);
    const isStruck = struck.some(({ isHit }) => isHit);
    if (afterwards === 'continue') wrong.push(...wrongsOfMigrated(stage, watched));
    await rollBack(stage);
    if (isStruck) wrong.push(...(await wrongsOfRolledBack(cluster, { sweepStage, watched })));
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  wrong.push(...(await watched.wrongs()));
  if (wrong.length === 0) await reset(stage);
  else if (struck.length === 0) throw new Error(`The road broke before anything struck: ${wrong.join('; ')}`);
  return struck.map(({ strike, struckAt, isHit, exitCode }, position) => {
    // What broke, broke after the last strike that still was followed by another.
    const isSuspect = wrong.length > 0 && position === struck.length - 1;
    return { instant: strike.instant.name, fault: strike.fault.name, afterwards, struckAt, exitCode, result: isSuspect ? 'broke' : isHit ? 'held' : 'missed', why: isSuspect ? wrong.join('; ') : '' };
  });
}

interface Struck {
  readonly strike: Strike;
  readonly struckAt: string;
  readonly isHit: boolean;
  exitCode: number | null;
}

interface Walk {
  readonly cluster: Cluster;
  readonly stage: Stage;
  readonly watched: WatchedVolume;
  readonly strikes: readonly Strike[];
  readonly afterwards: Afterwards;
  readonly isTimeUp: () => boolean;
}

async function walk({ cluster, stage, watched, strikes, afterwards, isTimeUp }: Walk, struck: Struck[]): Promise<void> {
  let pending = strikes;
  let fruitless = 0;
  for (let underway = beginFollowed(stage, migrate); ; underway = beginFollowed(stage, migrate)) {
    const next = () => reachNext(underway, isTimeUp() ? [] : pending, { stage, formerInode: watched.formerInode });
    for (let reached = await next(); reached !== null; ) {
      const { strike } = reached;
      pending = pending.slice(pending.indexOf(strike) + 1);
      const struckAt = lastStepEvent(stage);
      struck.push({ strike, struckAt, isHit: reached.isStill && struckAt === `${strike.instant.step} ${strike.instant.state}`, exitCode: null });
      fruitless = 0;
      const recover = await strike.fault.strike(cluster, stage);
      if (afterwards === 'rollback') await underway.killAll();
      // The next may come while this one is still being recovered from.
      const following = next();
      reached.thaw();
      await recover();
      reached = await following;
    }
    const { exitCode } = requireExit(await underway.ended, ...(afterwards === 'rollback' ? [-1, 0] : [0, 3, 4]));
    const last = struck.at(-1);
    if (exitCode === 0 || afterwards === 'rollback') return;
    if (last !== undefined) last.exitCode ??= exitCode;
    fruitless += 1;
    if (fruitless > triesAfterwards) throw new Error(`The same command does not continue:\n${(await underway.ended).stderr}`);
  }
}

function lastStepEvent(stage: Stage): string {
  const last = readJournal(join(stage.runDirectory, 'journal.ndjson')).findLast((event) => event.type === 'step-begun' || event.type === 'step-finished' || event.type === 'step-failed');
  return last === undefined ? 'nothing' : `${last.step} ${last.type.slice('step-'.length)}`;
}

function wrongsOfMigrated(stage: Stage, watched: WatchedVolume): readonly string[] {
  const root = stage.release.configHostPath;
  const [aside] = globSync(join(root, 'Library.set-aside-*'));
  const isAsideWhole = aside !== undefined && watched.formerAtRest() !== null && digestOfLibrary(aside) === watched.formerAtRest();
  return [
    ...(isDeepStrictEqual(statuses(stage), plan.map(() => 'finished')) ? [] : [`steps are ${statuses(stage).join(' ')}`]),
    ...(phaseOf(root) === 'published' && !isHeld(root) ? [] : [`the volume is at ${phaseOf(root)}`]),
    ...(isAsideWhole ? [] : ['what was set aside is not, byte for byte, what was there when Plex was first held back: it was changed, or Plex ran on it']),
    ...differencesFromSource(stage),
  ];
}

async function rollBack(stage: Stage): Promise<void> {
  const { exitCode } = requireExit(await stage.plexlift('rollback'), 0, 3, 4);
  if (exitCode !== 0) requireExit(await stage.plexlift('rollback'), 0);
}

async function wrongsOfRolledBack(cluster: Cluster, { sweepStage, watched }: { readonly sweepStage: SweepStage; readonly watched: WatchedVolume }): Promise<readonly string[]> {
  const { stage, before, formerDigest } = sweepStage;
  const now = await lookAtBothSides(cluster, stage);
  const root = stage.release.configHostPath;
  const changed = (Object.keys(before) as readonly (keyof BothSides)[]).filter((what) => !isDeepStrictEqual(now[what], before[what]));
  return [
    ...changed.map((what) => `${what} was ${JSON.stringify(before[what])} and is ${JSON.stringify(now[what])}`),
    ...(inodeOfLibrary(root) === watched.formerInode ? [] : ['the library is not the one that was there']),
    ...(digestOfLibrary(join(root, 'Library'), { exceptServersOwn: true }) === formerDigest ? [] : ['the library that is back differs from what was there']),
    ...(watched.formerBack() === null || watched.formerBack() === watched.formerAtRest() ? [] : ['the library that was set aside is not back byte for byte']),
  ];
}

/** Nothing of a run is left, so that the next case begins where this one did. */
async function reset({ release, runDirectory }: Stage): Promise<void> {
  for (const left of globSync(join(release.configHostPath, '{.plexlift,Library.*}'))) rmSync(left, { recursive: true, force: true });
  rmSync(runDirectory, { recursive: true, force: true });
}
