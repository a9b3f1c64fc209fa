import type { Cluster } from '../bed/kubernetes/cluster.ts';
import type { BothSides } from './formerState.ts';
import { lookAtBothSides } from './formerState.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';

/** A stage, and both its sides as they were before any migration. */
export interface LentStage {
  readonly cluster: Cluster;
  readonly stage: Stage;
  readonly before: BothSides;
}

/** Stages that tests which run beside each other take turns on. */
export interface StagePool {
  /** Lends a stage that is as it was at first, and takes it back; what a failed test left on it is rolled back before the next. */
  borrow<Result>(use: (lent: LentStage) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** Opens as many stages on one cluster, named after `name`. */
export async function openStagePool(options: { readonly cluster: Cluster; readonly name: string; readonly size: number; readonly items?: number }): Promise<StagePool> {
  const { cluster, size, name, items } = options;
  const all: LentStage[] = [];
  const free: LentStage[] = [];
  const waiting: ((lent: LentStage) => void)[] = [];

  function giveBack(lent: LentStage): void {
    const next = waiting.shift();
    if (next === undefined) free.push(lent);
    else next(lent);
  }

  async function close(): Promise<void> {
    for (const { stage } of all) await stage.close();
  }

  try {
    // One after the other: they share the files that are made once and kept.
    for (let number = 1; number <= size; number += 1) {
      const stage = await openStage({ cluster, name: `${name}-${number}`, ...(items === undefined ? {} : { items }) });
      const lent = { cluster, stage, before: await lookAtBothSides(cluster, stage) };
      all.push(lent);
      free.push(lent);
    }
  } catch (error) {
    await close();
    throw error;
  }

  return {
    async borrow(use) {
      const lent = free.shift() ?? (await new Promise<LentStage>((resolve) => waiting.push(resolve)));
      try {
        return await use(lent);
      } catch (error) {
        // Nothing to take back is no fault: the test may have failed before it did anything.
        await lent.stage.plexlift('rollback');
        throw error;
      } finally {
        giveBack(lent);
      }
    },
    close,
  };
}
