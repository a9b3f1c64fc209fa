import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plan } from '../../src/migration/plan.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { lookAtBothSides } from './formerState.ts';
import type { Underway } from './interruption.ts';
import { beginFollowed, begun, requireExit, statuses, statusOf } from './interruption.ts';
import { isHeld, phaseOf, watchPlexStarts } from './plexStarts.ts';
import type { Stage } from './stage.ts';
import type { LentStage, StagePool } from './stagePool.ts';
import { openStagePool } from './stagePool.ts';
import { differencesFromSource } from './wholeLibrary.ts';

const migrate = ['migrate', '--yes', 'existing-library', '--yes', 'stop-source'];

let cluster: Cluster;
let stages: StagePool;

beforeAll(async () => {
  cluster = await startCluster({ name: 'faults' });
  // Large enough for the copying ahead to take seconds.
  stages = await openStagePool({ cluster, name: 'faults', size: 3, items: 1500 });
});

afterAll(async () => {
  await stages.close();
  await cluster?.stop();
});

async function deletePod({ release }: Stage): Promise<void> {
  await cluster.run(['delete', 'pod', release.podName, '--namespace', release.namespace, '--wait=false']);
}

/** Some bytes of the bulk have gone, and by far not all. */
async function isCopying(underway: Underway): Promise<void> {
  await underway.seen((event) => event.type === 'progress' && event.step === 'copy-ahead' && event.progress.unit === 'bytes' && event.progress.done > 0);
}

/** A command that met a fault may come through by itself, or stop so that the same command continues. */
async function comesThrough(underway: Underway, { stage, words }: { readonly stage: Stage; readonly words: readonly string[] }): Promise<void> {
  const { exitCode } = requireExit(await underway.ended, 0, 4);
  if (exitCode === 4) requireExit(await stage.plexlift(...words), 0);
}

/** Then it is taken back, so that the next test begins where this one began. */
async function expectWhole({ stage, before }: LentStage, starts: ReturnType<typeof watchPlexStarts>): Promise<void> {
  expect(statuses(stage)).toEqual(plan.map(() => 'finished'));
  expect(phaseOf(stage.release.configHostPath)).toBe('published');
  expect(isHeld(stage.release.configHostPath)).toBe(false);
  const { gateAt, publishedAt, startedAt, firstLogLineAt } = await starts.seen();
  expect(publishedAt).toBeGreaterThan(gateAt);
  expect(startedAt.filter((second) => second > gateAt && second < publishedAt)).toEqual([]);
  expect(startedAt.filter((second) => second >= publishedAt)).not.toEqual([]);
  expect(firstLogLineAt).toBeGreaterThanOrEqual(publishedAt);
  expect(differencesFromSource(stage)).toEqual([]);
  requireExit(await stage.plexlift('rollback'), 0);
  expect(await lookAtBothSides(cluster, stage)).toEqual(before);
}

describe.concurrent('the library becomes whole, and Plex starts on nothing less', () => {
  test('when the pod is deleted while copying ahead, between deliver and publish, and right after publish', async () => {
    await stages.borrow(async (lent) => {
      const { stage } = lent;
      const starts = watchPlexStarts(cluster, stage);
      const untilDeliver = [...migrate, '--until', 'deliver'];
      const first = beginFollowed(stage, untilDeliver);
      await isCopying(first);
      await deletePod(stage);
      expect(statusOf(stage, 'copy-ahead')).toBe('begun');
      await comesThrough(first, { stage, words: untilDeliver });
      expect(statusOf(stage, 'deliver')).toBe('finished');

      await deletePod(stage);
      const second = beginFollowed(stage, migrate);
      await second.until(() => phaseOf(stage.release.configHostPath) === 'published');
      await deletePod(stage);
      expect(statusOf(stage, 'publish')).toBe('begun');
      await comesThrough(second, { stage, words: migrate });
      await expectWhole(lent, starts);
    });
  });

  test('when plexlift and its programs are killed while copying ahead, between deliver and publish, right after publish, and while giving settings back', async () => {
    await stages.borrow(async (lent) => {
      const { stage } = lent;
      const { configHostPath } = stage.release;
      const starts = watchPlexStarts(cluster, stage);

      const copying = beginFollowed(stage, migrate);
      await isCopying(copying);
      await copying.killAll();
      expect(statusOf(stage, 'copy-ahead')).toBe('begun');

      const proving = beginFollowed(stage, migrate);
      await proving.seen(begun('prove-landing'));
      await proving.killAll();
      expect(statusOf(stage, 'prove-landing')).toBe('begun');

      const publishing = beginFollowed(stage, migrate);
      await publishing.until(() => phaseOf(configHostPath) === 'published');
      await publishing.killAll();
      expect(statusOf(stage, 'publish')).toBe('begun');

      const holding = beginFollowed(stage, migrate);
      await holding.until(() => isHeld(configHostPath));
      await holding.killAll();
      expect(statusOf(stage, 'restore-settings')).toBe('begun');

      const writing = beginFollowed(stage, migrate);
      await writing.seen((event) => event.type === 'command-run' && event.command.includes(' write-preferences '));
      await writing.killAll();
      expect(statusOf(stage, 'restore-settings')).toBe('begun');

      requireExit(await stage.plexlift(...migrate), 0);
      await expectWhole(lent, starts);
    });
  });

  test('when it is asked to stop after every step in turn, and loses its connections while copying ahead', async () => {
    await stages.borrow(async (lent) => {
      const { stage } = lent;
      const starts = watchPlexStarts(cluster, stage);
      for (const [position, { name }] of plan.entries()) {
        const underway = beginFollowed(stage, [...migrate, '--until', name]);
        if (name === 'copy-ahead') {
          await isCopying(underway);
          underway.killPrograms();
        }
        requireExit(await underway.ended, 0);
        expect(statuses(stage).slice(0, position + 1)).toEqual(plan.slice(0, position + 1).map(() => 'finished'));
        expect(statuses(stage).slice(position + 1)).not.toContain('finished');
      }
      await expectWhole(lent, starts);
    });
  });
});
