import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import type { BothSides } from './formerState.ts';
import { lookAtBothSides } from './formerState.ts';
import { beginFollowed, begun, requireExit, statusOf } from './interruption.ts';
import { phaseOf } from './plexStarts.ts';
import type { Stage } from './stage.ts';
import type { LentStage, StagePool } from './stagePool.ts';
import { openStagePool } from './stagePool.ts';
import { differencesFromSource } from './wholeLibrary.ts';

const migrate = ['migrate', '--yes', 'existing-library', '--yes', 'stop-source'];

let cluster: Cluster;
let stages: StagePool;

beforeAll(async () => {
  cluster = await startCluster({ name: 'rollback' });
  stages = await openStagePool({ cluster, name: 'rollback', size: 3 });
});

afterAll(async () => {
  await stages.close();
  await cluster?.stop();
});

/** That the next case on the same stage can migrate again is the other half of every proof here. */
async function afterRollback({ stage }: LentStage): Promise<BothSides> {
  requireExit(await stage.plexlift('rollback'), 0);
  return lookAtBothSides(cluster, stage);
}

async function migrateUntil(step: string, stage: Stage): Promise<void> {
  requireExit(await stage.plexlift(...migrate, '--until', step), 0);
}

async function deletePod({ release }: Stage): Promise<void> {
  await cluster.run(['delete', 'pod', release.podName, '--namespace', release.namespace, '--wait=false']);
}

/** Kills plexlift and its Helm while Helm is at an operation; gives back whether Helm was killed before it had ended it. */
async function killInsideHelm(stage: Stage, { words, status }: { readonly words: readonly string[]; readonly status: string }): Promise<boolean> {
  const { namespace, release } = stage.release;
  const selector = `owner=helm,name=${release},status=${status}`;
  const watch = execa(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, '--namespace', namespace, 'get', 'secrets', '--watch', '--selector', selector, '--output', 'name'], { reject: false });
  const underway = beginFollowed(stage, words);
  let killing: Promise<void> | undefined;
  watch.stdout.once('data', () => {
    killing = underway.killAll();
  });
  await underway.until(() => killing !== undefined);
  await killing;
  watch.kill();
  await watch;
  return (await cluster.run(['get', 'secrets', '--namespace', namespace, '--selector', selector, '--output', 'name'])) !== '';
}

/** Tries until Helm was killed in the middle of its upgrade: it takes only half a second, and now and then it ends first. */
async function killInsideUpgrade(lent: LentStage): Promise<void> {
  for (let tries = 1; tries <= 5; tries += 1) {
    if (await killInsideHelm(lent.stage, { words: migrate, status: 'pending-upgrade' })) return;
    expect(await afterRollback(lent)).toEqual(lent.before);
  }
  throw new Error('Helm ended its upgrade each time before it could be killed');
}

describe.concurrent('rollback puts both sides back', () => {
  test.each(['open-target', 'media', 'copy-ahead', 'stop-source', 'deliver', 'prove-landing', 'publish', 'verify', 'restore-settings'])('after a stop at %s', async (step) => {
    await stages.borrow(async (lent) => {
      await migrateUntil(step, lent.stage);
      expect(await afterRollback(lent)).toEqual(lent.before);
    });
  });

  test('after plexlift was killed while Helm put the gate into the release, which a migration can take up as well', async () => {
    await stages.borrow(async (lent) => {
      await killInsideUpgrade(lent);
      expect(await afterRollback(lent)).toEqual(lent.before);
      await killInsideUpgrade(lent);
      await migrateUntil('open-target', lent.stage);
      expect(await afterRollback(lent)).toEqual(lent.before);
    });
  });

  test('after plexlift was killed before the pod was replaced by one that waits, which a migration can take up as well', async () => {
    await stages.borrow(async (lent) => {
      const { stage } = lent;
      for (const continues of [false, true]) {
        const opening = beginFollowed(stage, migrate);
        await opening.seen(begun('open-target'));
        await opening.seen((event) => event.type === 'command-run' && event.command.includes(' upgrade '));
        await opening.killAll();
        if (continues) await migrateUntil('open-target', stage);
        expect(await afterRollback(lent)).toEqual(lent.before);
      }
    });
  });

  test('after plexlift was killed inside publish, before anything was published', async () => {
    await stages.borrow(async (lent) => {
      const { stage } = lent;
      const publishing = beginFollowed(stage, migrate);
      await publishing.seen(begun('publish'));
      await publishing.killAll();
      expect(phaseOf(stage.release.configHostPath)).toBe('landing');
      expect(await afterRollback(lent)).toEqual(lent.before);
      await migrateUntil('publish', stage);
      expect(differencesFromSource(stage)).toEqual([]);
      expect(await afterRollback(lent)).toEqual(lent.before);
      expect(await afterRollback(lent)).toEqual(lent.before);
    });
  });

  test('after plexlift was killed inside publish, after it was published, and killed twice more while rolling back', async () => {
    await stages.borrow(async (lent) => {
      const { stage } = lent;
      const publishing = beginFollowed(stage, migrate);
      await publishing.until(() => phaseOf(stage.release.configHostPath) === 'published');
      await publishing.killAll();
      expect(statusOf(stage, 'publish')).toBe('begun');

      const withdrawing = beginFollowed(stage, ['rollback']);
      await withdrawing.until(() => phaseOf(stage.release.configHostPath) === 'withdrawn');
      await withdrawing.killAll();
      await killInsideHelm(stage, { words: ['rollback'], status: 'pending-rollback' });
      expect([statusOf(stage, 'publish'), statusOf(stage, 'open-target')]).toEqual(['undone', 'finished']);

      expect(await afterRollback(lent)).toEqual(lent.before);
      await migrateUntil('verify', stage);
      expect(differencesFromSource(stage)).toEqual([]);
      expect(await afterRollback(lent)).toEqual(lent.before);
    });
  });

  test('when the pod is gone at that moment, and when it cannot start for a while', async () => {
    await stages.borrow(async (lent) => {
      const { stage } = lent;
      await migrateUntil('publish', stage);
      await deletePod(stage);
      expect(await afterRollback(lent)).toEqual(lent.before);

      await migrateUntil('copy-ahead', stage);
      // The volume of type Directory is not there, so the kubelet tries again and again.
      const media = join(stage.directory, 'optimized');
      await rename(media, `${media}.away`);
      await deletePod(stage);
      const rollingBack = afterRollback(lent);
      await delay(8000);
      await rename(`${media}.away`, media);
      expect(await rollingBack).toEqual(lent.before);
    });
  });
});
