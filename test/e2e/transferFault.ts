import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import type { TreeComparison } from '../bed/treeComparison.ts';
import { compareTrees } from '../bed/treeComparison.ts';
import { faultsOf } from './endings.ts';
import type { FarSides } from './farSides.ts';
import { watchFarSides } from './farSides.ts';
import { writeFreshBulk } from './freshBulk.ts';
import type { Underway } from './interruption.ts';
import { beginFollowed, requireExit } from './interruption.ts';
import { landingArea } from './movedLibrary.ts';
import type { RunningProcess } from '../bed/runningProcesses.ts';
import { bytesReadBy } from '../bed/runningProcesses.ts';
import type { WrittenConfiguration } from './otherConfigurations.ts';
import { dataOnSource } from './sidesOfStage.ts';
import type { Outcome, Stage } from './stage.ts';

/** A stage on which one copy after another meets a fault. */
export interface FaultStage {
  readonly stage: Stage;
  readonly farSides: FarSides;
  /**
   * Writes fresh bulk, begins to copy it, and calls `fault` in the middle (null where what goes wrong was arranged before). Where the command does not come through by itself, the same
   * command is given again. In the end the landing area is the source, entry by entry, and nothing is left running on either side.
   * Gives back how the first command ended.
   */
  survives(fault: ((underway: Underway) => Promise<void> | void) | null, options?: SurvivalOptions): Promise<Outcome>;
}

/** What a fault may ask for beside itself. */
export interface SurvivalOptions {
  /** Takes away the cause of the fault before the same command is given again. */
  readonly remedy?: () => Promise<void>;
  /** Default: 0 and 4. -1 is for a command that was killed. */
  readonly exitCodes?: readonly number[];
  /** What a person must be able to read where the command failed. */
  readonly says?: readonly (string | RegExp)[];
}

/** Far sides notice within moments that a command is over. */
const emptyWithinMs = 20_000;

/** Whatever goes wrong, plexlift has given up on it by then. */
const endedWithinMs = 480_000;

/** So much of a stream has passed when it counts as in its middle; a segment holds several times as much. */
const middleBytes = 16 * 1024 * 1024;

/** Copies ahead once more, whether or not it has been done. */
export const copyAheadAgain = ['migrate', '--yes', 'existing-library', '--again', 'copy-ahead', '--until', 'copy-ahead'] as const;

/** Opens the landing area, and copies what is there without any fault. */
export async function openFaultStage(stage: Stage): Promise<FaultStage> {
  const farSides = watchFarSides(stage);
  await sendThroughKubectl(stage);
  await writeFreshBulk(stage);
  requireExit(await stage.plexlift('migrate', '--yes', 'existing-library', '--until', 'copy-ahead'), 0);
  await expectWhole(stage);
  return {
    stage,
    farSides,
    async survives(fault, { remedy, exitCodes = [0, 4], says = [] } = {}) {
      const freshBytes = await writeFreshBulk(stage);
      const underway = beginFollowed(stage, copyAheadAgain);
      if (fault !== null) {
        try {
          await underway.until(() => streamInMiddle(underway) !== undefined);
          await fault(underway);
        } catch (error) {
          // What comes next on this stage must not meet it.
          await underway.killAll();
          throw error;
        }
      }
      const outcome = await endedInTime(underway, farSides);
      // Before anything is judged: what comes next on this stage must not meet the cause.
      await remedy?.();
      requireExit(outcome, ...exitCodes);
      expect(faultsOf(outcome, { exitCode: outcome.exitCode, says: outcome.exitCode === 4 ? says : [] })).toEqual([]);
      await farSides.untilEmpty(emptyWithinMs);
      if (outcome.exitCode !== 0) {
        requireExit(await stage.plexlift(...copyAheadAgain), 0);
        await farSides.untilEmpty(emptyWithinMs);
      }
      const { bytes } = await expectWhole(stage);
      expect(bytes).toBeGreaterThan(freshBytes / 2);
      return outcome;
    },
  };
}

/** How a command ended; throws with what it was doing when it does not end, which a test that only runs out of time would not tell. */
async function endedInTime(underway: Underway, farSides: FarSides): Promise<Outcome> {
  const over = new AbortController();
  const outcome = await Promise.race([underway.ended, delay(endedWithinMs, null, { signal: over.signal })]);
  over.abort();
  if (outcome !== null) return outcome;
  const said = underway.events.filter(({ type }) => type !== 'progress').slice(-15).map((event) => JSON.stringify(event));
  const running = [...underway.programs(), ...farSides.inPod(), ...farSides.onSource()].map(({ pid, command }) => `${pid} ${command}`);
  await underway.killAll();
  throw new Error(`plexlift did not end within ${endedWithinMs / 1000} s. It said at last:\n${said.join('\n')}\nThere ran:\n${running.join('\n')}`);
}

// These are the faults of the way that is always there; where the pod fetches, kubectl carries no stream that could be met.
async function sendThroughKubectl(stage: Stage): Promise<void> {
  const configuration = parse(await readFile(stage.configuration, 'utf8')) as WrittenConfiguration;
  configuration.target.kubernetes['direct'] = false;
  await writeFile(stage.configuration, stringify(configuration));
}

/** The program that carries a stream into the pod, once some of it has passed and by far not all. */
export function streamInMiddle(underway: Underway): RunningProcess | undefined {
  return underway.programs().find(({ pid, command }) => command.includes(' /plexlift/init.sh receive ') && bytesReadBy(pid) > middleBytes);
}

/** What stays behind, and what is rewritten on the way. */
const notBulk = ['plexmediaserver.pid', '.LocalAdminToken', 'Codecs', 'Drivers', 'Updates', 'Crash Reports', 'Diagnostics', 'Logs', 'tmp', 'Setup Plex.html', 'Cache/Transcode', 'Preferences.xml', 'Plug-in Support/Databases'];

/** Compares the landing area with the source, by a program that shares nothing with plexlift. */
export async function compareWithSource(stage: Stage): Promise<TreeComparison> {
  return compareTrees({
    expected: dataOnSource(stage),
    actual: landingArea(stage.release.configHostPath),
    owner: { uid: 1000, gid: 1000 },
    leave: notBulk,
    // The server that still runs writes in these.
    timesNotCompared: ['Cache', 'Plug-in Support'],
  });
}

/** Throws unless every entry of the source lies in the landing area as it is on the source, and nothing else does. */
export async function expectWhole(stage: Stage): Promise<TreeComparison> {
  const comparison = await compareWithSource(stage);
  expect(comparison.differences).toEqual([]);
  return comparison;
}
