import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';
import { faults } from './sweep/faults.ts';
import { instants } from './sweep/instants.ts';
import type { Strike } from './sweep/reachNext.ts';
import type { SweepStage } from './sweep/runRoad.ts';
import { prepareForSweep, runRoad } from './sweep/runRoad.ts';

let cluster: Cluster;
let stage: Stage;
let sweepStage: SweepStage;

beforeAll(async () => {
  cluster = await startCluster({ name: 'sweep-sample' });
  stage = await openStage({ cluster, name: 'sweep-sample' });
  sweepStage = await prepareForSweep(cluster, stage);
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

function strike(fault: string, instant: string): Strike {
  const found = { fault: faults.find(({ name }) => name === fault), instant: instants().find(({ name }) => name === instant) };
  if (found.fault === undefined || found.instant === undefined) throw new Error(`There is no "${fault}" at "${instant}"`);
  return { fault: found.fault, instant: found.instant };
}

// A sample of what "npm run test:sweep" does with every fault at every instant.
test('the same command goes on after the node was drained behind copy-rest, and the pod deleted between the two renames', async () => {
  const strikes = [strike('node drained', 'copy-rest has ended'), strike('pod deleted', 'publish: between the two renames')];
  const outcomes = await runRoad(cluster, sweepStage, { strikes, afterwards: 'continue', isTimeUp: () => false });
  expect(outcomes).toMatchObject(strikes.map(({ instant }) => ({ instant: instant.name, result: 'held', why: '' })));
});

test('everything is taken back after the container was killed when the library had just been published', async () => {
  const strikes = [strike('container killed', 'publish: the volume says "published"')];
  expect(await runRoad(cluster, sweepStage, { strikes, afterwards: 'rollback', isTimeUp: () => false })).toMatchObject([{ result: 'held', why: '' }]);
});
