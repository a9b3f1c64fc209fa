import { globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { losePower } from '../bed/kubernetes/powerLoss.ts';
import { signalProcesses } from '../bed/runningProcesses.ts';
import { writeFreshBulk } from './freshBulk.ts';
import { fillInodes, fillRoom, removeBallast } from './fullDisk.ts';
import { requireExit } from './interruption.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';
import type { FaultStage } from './transferFault.ts';
import { compareWithSource, copyAheadAgain, expectWhole, openFaultStage } from './transferFault.ts';

let cluster: Cluster;
let stage: Stage;
let copying: FaultStage;
let volume: string;

beforeAll(async () => {
  cluster = await startCluster({ name: 'volume-faults' });
  stage = await openStage({ cluster, name: 'volume-faults', items: 100, release: { claimSizeMb: 3072, claimInodes: 12_000 } });
  volume = stage.release.configHostPath;
  // A file system of its own, that can be filled.
  mkdirSync(stage.runDirectory);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=256m,mode=0700', 'tmpfs', stage.runDirectory]);
  copying = await openFaultStage(stage);
});

afterAll(async () => {
  await execa('umount', [stage.runDirectory], { reject: false });
  await stage?.close();
  await cluster?.stop();
});

/** Stops what unpacks in the pod for a moment, or it might be done before the volume is full. */
function whileNothingArrives(work: () => void): void {
  const unpacking = copying.farSides.inPod().filter(({ command }) => command.startsWith('tar --extract'));
  signalProcesses(unpacking, 'SIGSTOP');
  work();
  signalProcesses(unpacking, 'SIGCONT');
}

/** The volume is full is what a person has to learn, in whatever words. */
const full = /no space left on device|is full/i;

describe('a copy ends whole', () => {
  test('when the volume is full, and has room again', async () => {
    const { exitCode } = await copying.survives(() => whileNothingArrives(() => fillRoom(volume, 2 ** 20)), { exitCodes: [4], says: [full], remedy: async () => removeBallast(volume) });
    expect(exitCode).toBe(4);
  });

  test('when the volume is out of inodes, and has some again', async () => {
    fillInodes(volume, 2_500);
    const { exitCode } = await copying.survives(() => whileNothingArrives(() => fillInodes(volume, 20)), { exitCodes: [4], says: [full], remedy: async () => removeBallast(volume) });
    expect(exitCode).toBe(4);
  });

  test("when this computer's disk is full, and has room again", async () => {
    const { exitCode } = await copying.survives(() => fillRoom(stage.runDirectory, 0), {
      exitCodes: [4],
      says: [full, stage.runDirectory],
      remedy: async () => removeBallast(stage.runDirectory),
    });
    expect(exitCode).toBe(4);
    for (const manifest of globSync(join(stage.runDirectory, 'manifest-*.db'))) {
      const database = new DatabaseSync(manifest, { readOnly: true });
      expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
      database.close();
    }
  });

  test('when the node and this computer lose their power, and the volume what it had not written yet', async () => {
    const { exitCode } = await copying.survives(
      async (underway) => {
        const node = await losePower(cluster, volume);
        await underway.killAll();
        await node.boot();
      },
      { exitCodes: [-1] },
    );
    expect(exitCode).toBe(-1);
  });

  test('when the node loses its power right after everything was proven', async () => {
    await writeFreshBulk(stage);
    requireExit(await stage.plexlift(...copyAheadAgain), 0);
    const node = await losePower(cluster, volume);
    const { differenceCount } = await compareWithSource(stage);
    expect(differenceCount).toBeGreaterThan(10);
    await node.boot();
    requireExit(await stage.plexlift(...copyAheadAgain), 0);
    await expectWhole(stage);
  });

  test('when the node loses its power under a plexlift that lives on', async () => {
    const { exitCode } = await copying.survives(async (underway) => {
      // Stopped, it cannot meet the node before that has another boot id, which a real one has from its first moment.
      underway.signal('SIGSTOP');
      const node = await losePower(cluster, volume);
      await node.boot();
      underway.signal('SIGCONT');
    });
    expect([0, 4]).toContain(exitCode);
  });
});
