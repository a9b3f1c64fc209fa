import { chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { plan } from '../../../src/migration/plan.ts';
import { readJournal } from '../../../src/runner/journal.ts';
import type { Cluster } from '../../bed/kubernetes/cluster.ts';
import { processesThatSee, signalProcesses } from '../../bed/runningProcesses.ts';
import type { BothSides } from '../formerState.ts';
import { lookAtBothSides } from '../formerState.ts';
import type { Underway } from '../interruption.ts';
import { beginFollowed, begun, requireExit, statuses } from '../interruption.ts';
import { isHeld, phaseOf } from '../plexStarts.ts';
import type { Outcome, Stage } from '../stage.ts';
import { differencesFromSource } from '../wholeLibrary.ts';
import type { Fault } from './faults.ts';
import type { Instant } from './instants.ts';
import { inodeOfLibrary } from './instants.ts';
import type { WatchedVolume } from './watchVolume.ts';
import { digestOfLibrary, watchVolume } from './watchVolume.ts';

/** What is done after the fault: the same command again until it ends with 0, or plexlift is killed and everything taken back. */
export type Afterwards = 'continue' | 'rollback';

/** One case of the sweep. */
export interface SweepCase {
  readonly instant: Instant;
  readonly fault: Fault;
  readonly afterwards: Afterwards;
}

/** What came of a case. */
export interface SweepOutcome {
  readonly instant: string;
  readonly fault: string;
  readonly afterwards: Afterwards;
  /** What the journal told last about a step when the fault struck; a case counts only where that is the instant's own. */
  readonly struckAt: string;
  readonly result: 'held' | 'missed' | 'broke';
  /** Exit codes of plexlift, in order; the first is that of the command that met the fault (-1: killed). */
  readonly exitCodes: readonly number[];
  readonly why: string;
  readonly durationMs: number;
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

/** A case that has come to its instant, or failed to. */
interface Reached {
  readonly sweepStage: SweepStage;
  readonly sweepCase: SweepCase;
  readonly underway: Underway;
  readonly watched: WatchedVolume;
  readonly struckAt: string;
  readonly isHit: boolean;
  readonly startedAtMs: number;
  thaw(): void;
}

/** Runs cases with the same fault, each on a stage of its own: all come to their instants, then the fault strikes all of them. */
export async function runCases(cluster: Cluster, cases: readonly { readonly sweepStage: SweepStage; readonly sweepCase: SweepCase }[]): Promise<readonly SweepOutcome[]> {
  const reached = await Promise.all(cases.map(reach));
  const hit = reached.filter(({ isHit }) => isHit);
  const [first] = hit;
  if (first !== undefined) {
    const recover = await first.sweepCase.fault.strike(cluster, hit.map(({ sweepStage }) => sweepStage.stage));
    await Promise.all(hit.filter(({ sweepCase }) => sweepCase.afterwards === 'rollback').map(({ underway }) => underway.killAll()));
    for (const { thaw } of hit) thaw();
    await recover();
  }
  return Promise.all(reached.map((one) => conclude(cluster, one)));
}

async function reach({ sweepStage, sweepCase }: { readonly sweepStage: SweepStage; readonly sweepCase: SweepCase }): Promise<Reached> {
  const { stage } = sweepStage;
  const startedAtMs = performance.now();
  const watched = watchVolume(stage);
  const underway = beginFollowed(stage, migrate);
  const { thaw, isStill } = await freeze(underway, { stage, instant: sweepCase.instant, formerInode: watched.formerInode });
  const struckAt = lastStepEvent(stage);
  return { sweepStage, sweepCase, underway, watched, struckAt, isHit: isStill && struckAt === `${sweepCase.instant.step} ${sweepCase.instant.state}`, startedAtMs, thaw };
}

/** Stops plexlift at the instant, and on wish the verb of the gate that is at work. */
async function freeze(underway: Underway, { stage, instant, formerInode }: { readonly stage: Stage; readonly instant: Instant; readonly formerInode: number }): Promise<{ readonly thaw: () => void; readonly isStill: boolean }> {
  if (instant.event !== undefined) {
    const { event } = instant;
    const isStill = await underway.freezeAt(event).then(() => true, () => false);
    return { thaw: () => isStill && underway.signal('SIGCONT'), isStill };
  }
  const root = stage.release.configHostPath;
  const isSo = (): boolean => instant.volume?.({ root, formerInode }) ?? false;
  const verbs = () => (instant.stopsVerb === undefined ? [] : processesThatSee({ outside: root, inside: '/config' }).filter(({ command }) => command.includes(`init.sh ${instant.stopsVerb} `)));
  await underway.seen(begun(instant.step));
  let frozen = verbs();
  const deadlineMs = performance.now() + 60_000;
  while (!isSo()) {
    if (frozen.length === 0) frozen = verbs();
    if (performance.now() > deadlineMs) return { thaw: () => undefined, isStill: false };
    await new Promise((resolve) => setImmediate(resolve));
  }
  signalProcesses(frozen, 'SIGSTOP');
  underway.signal('SIGSTOP');
  // What was forked before it was stopped comes to its end.
  await delay(50);
  return {
    thaw() {
      const alive = new Set(verbs().map(({ pid }) => pid));
      signalProcesses(frozen.filter(({ pid }) => alive.has(pid)), 'SIGCONT');
      if (!underway.hasEnded()) underway.signal('SIGCONT');
    },
    isStill: isSo(),
  };
}

function lastStepEvent(stage: Stage): string {
  const last = readJournal(join(stage.runDirectory, 'journal.ndjson')).findLast((event) => event.type === 'step-begun' || event.type === 'step-finished' || event.type === 'step-failed');
  return last === undefined ? 'nothing' : `${last.step} ${last.type.slice('step-'.length)}`;
}

async function conclude(cluster: Cluster, reached: Reached): Promise<SweepOutcome> {
  const { sweepStage, sweepCase, underway, isHit, struckAt, watched, startedAtMs, thaw } = reached;
  const exitCodes: number[] = [];
  const wrong: string[] = [];
  try {
    if (!isHit) {
      thaw();
      await underway.killAll();
    } else if (sweepCase.afterwards === 'continue') {
      exitCodes.push(...(await continueToTheEnd(sweepStage.stage, underway)));
      wrong.push(...wrongsOfMigrated(sweepStage.stage, watched));
    } else exitCodes.push((await underway.ended).exitCode);
    exitCodes.push(...(await rollBack(sweepStage.stage)));
    wrong.push(...(await wrongsOfRolledBack(cluster, { sweepStage, watched })));
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  wrong.push(...(await watched.wrongs()));
  if (wrong.length === 0 || !isHit) await reset(sweepStage.stage);
  return {
    instant: sweepCase.instant.name,
    fault: sweepCase.fault.name,
    afterwards: sweepCase.afterwards,
    struckAt,
    result: wrong.length > 0 ? 'broke' : isHit ? 'held' : 'missed',
    exitCodes,
    why: wrong.join('; '),
    durationMs: Math.round(performance.now() - startedAtMs),
  };
}

/** The command that met the fault, then the same again where it did not come through. */
async function continueToTheEnd(stage: Stage, underway: Underway): Promise<readonly number[]> {
  const codes = [requireExit(await underway.ended, 0, 3, 4).exitCode];
  while (codes.at(-1) !== 0) {
    const outcome: Outcome = await stage.plexlift(...migrate);
    codes.push(requireExit(outcome, ...(codes.length < triesAfterwards ? [0, 3, 4] : [0])).exitCode);
  }
  return codes;
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

async function rollBack(stage: Stage): Promise<readonly number[]> {
  const codes = [requireExit(await stage.plexlift('rollback'), 0, 3, 4).exitCode];
  if (codes[0] !== 0) codes.push(requireExit(await stage.plexlift('rollback'), 0).exitCode);
  return codes;
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
