import { readdirSync } from 'node:fs';
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readJournal } from '../../src/runner/journal.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import type { RunningProcess } from '../bed/runningProcesses.ts';
import { bytesReadBy, signalProcesses } from '../bed/runningProcesses.ts';
import { freshBulkDirectory, writeFreshBulk } from './freshBulk.ts';
import type { Underway } from './interruption.ts';
import { requireExit } from './interruption.ts';
import { beginRestlessFiles } from './restlessFiles.ts';
import { dataOnSource } from './sidesOfStage.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';
import type { FaultStage } from './transferFault.ts';
import { copyAheadAgain, expectWhole, openFaultStage } from './transferFault.ts';

let cluster: Cluster;
let stages: readonly Stage[] = [];
let copies: readonly FaultStage[] = [];

beforeAll(async () => {
  cluster = await startCluster({ name: 'stalls' });
  for (const name of ['stalls-1', 'stalls-2', 'stalls-3']) stages = [...stages, await openStage({ cluster, name })];
  copies = await Promise.all(stages.map(openFaultStage));
});

afterAll(async () => {
  for (const stage of stages) await stage.close();
  await cluster?.stop();
});

function stageFor(position: number): FaultStage {
  const copying = copies[position];
  if (copying === undefined) throw new Error(`There is no stage ${position}`);
  return copying;
}

function unpacking({ farSides }: FaultStage): readonly RunningProcess[] {
  return farSides.inPod().filter(({ command }) => command.startsWith('tar --extract'));
}

/** What a tar in the pod has read when it counts as in the middle of its segment: what still comes for it does not fit into what lies between it and plexlift. */
const middleBytes = 8 * 1024 * 1024;

/** Waits for a tar in the pod that is in the middle of its segment. Between two segments, and on a busy machine before the first, there is none. */
async function untilUnpacking(copying: FaultStage, underway: Underway): Promise<RunningProcess> {
  let found: RunningProcess | undefined;
  await underway.until(() => {
    found = unpacking(copying).find(({ pid }) => bytesReadBy(pid) > middleBytes);
    return found !== undefined;
  });
  if (found === undefined) throw new Error('No tar runs in the pod');
  return found;
}

/** Longer than kubectl, and plexlift itself, wait for one byte. */
const stalledMs = 90_000;

describe.concurrent('a copy ends whole', () => {
  test('when the tar in the pod stands still for 90 s', async () => {
    const copying = stageFor(0);
    const { exitCode } = await copying.survives(async (underway) => {
      await untilUnpacking(copying, underway);
      const stopped = unpacking(copying);
      signalProcesses(stopped, 'SIGSTOP');
      await delay(stalledMs);
      const left = new Set(copying.farSides.inPod().map(({ pid }) => pid));
      signalProcesses(stopped.filter(({ pid }) => left.has(pid)), 'SIGCONT');
    });
    expect(exitCode).toBe(0);
  });

  test('when the tar in the pod stands still and never goes on', async () => {
    const copying = stageFor(1);
    const { exitCode } = await copying.survives(async (underway) => {
      expect(signalProcesses([await untilUnpacking(copying, underway)], 'SIGSTOP')).toBe(1);
    });
    expect(exitCode).toBe(0);
  });

  test('when files change, grow, shrink, turn into something else and vanish while they are read, and when the clock of the source jumps back', async () => {
    const { stage, farSides } = stageFor(2);
    await clockJumpsBack(stage);

    await writeFreshBulk(stage);
    const restless = await beginRestlessFiles(stage);
    for (let pass = 1; pass <= 3; pass += 1) requireExit(await stage.plexlift(...copyAheadAgain), 0);
    const changes = await restless.calm();
    expect(Math.min(...Object.values(changes))).toBeGreaterThan(5);
    expect(leftForTheNextTime(stage)).toBeGreaterThan(0);

    requireExit(await stage.plexlift('migrate', '--yes', 'existing-library', '--yes', 'stop-source', '--until', 'copy-rest'), 0);
    await expectWhole(stage);
    await farSides.untilEmpty(20_000);
  });
});

/** How many entries the passes while the source served did not send because they changed. */
function leftForTheNextTime({ runDirectory }: Stage): number {
  const results = readJournal(join(runDirectory, 'journal.ndjson')).flatMap((event) => (event.type === 'step-finished' && event.step === 'copy-ahead' ? [event.result as { readonly notSent: { readonly count: number } }] : []));
  return results.reduce((sum, { notSent }) => sum + notSent.count, 0);
}

/**
 * A clock that was ahead and is put right gives what changes from then on times that lie before those on record: of modification, of
 * inode change, or both. And a change within the very second, or one whose time of modification was put back, shows in the time of
 * inode change alone. What compared for "newer than" would miss all of these; size and both times are compared for equality, so that
 * only content that changed under the same size, the same modification and the same nanosecond of inode change could be missed.
 * The clock of the beds is that of this computer and stays as it is: what the manifest has on record is put ahead instead.
 */
async function clockJumpsBack(stage: Stage): Promise<void> {
  const root = join(dataOnSource(stage), freshBulkDirectory);
  const ahead = [0, 2, 4, 6].map((number) => join(root, `bundle-${number}/Contents/art-${number + 80}.jpg`));
  const putBack = [8, 10, 12].map((number) => join(root, `bundle-${number}/Contents/art-${number + 80}.jpg`));
  const tomorrow = Math.floor(Date.now() / 1000) + 86_400;
  for (const path of ahead) await utimes(path, tomorrow, tomorrow);
  requireExit(await stage.plexlift(...copyAheadAgain), 0);

  for (const name of readdirSync(stage.runDirectory).filter((file) => /^manifest-.*\.db$/.test(file))) {
    const manifest = new DatabaseSync(join(stage.runDirectory, name));
    const { changes } = manifest.prepare(`UPDATE entries SET changed = (CAST(changed AS INTEGER) + 86400) || substr(changed, instr(changed, '.')) WHERE CAST(path AS TEXT) GLOB '${freshBulkDirectory}/bundle-[0246]/*.jpg'`).run();
    manifest.close();
    expect(Number(changes)).toBeGreaterThan(ahead.length);
  }
  for (const path of ahead) await writeFile(path, (await readFile(path)).toReversed());
  for (const path of putBack) {
    const { atime, mtime } = await stat(path);
    await writeFile(path, (await readFile(path)).toReversed());
    await utimes(path, atime, mtime);
  }
  requireExit(await stage.plexlift(...copyAheadAgain), 0);
  await expectWhole(stage);
}
