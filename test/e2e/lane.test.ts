import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJournal } from '../../src/runner/journal.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { bytesReadBy, signalProcesses } from '../bed/runningProcesses.ts';
import { watchFarSides } from './farSides.ts';
import { writeFreshBulk } from './freshBulk.ts';
import { beginFollowed, requireExit } from './interruption.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';
import { copyAheadAgain, expectWhole } from './transferFault.ts';

/** Slow enough to be met in the middle. */
const slowly = [...copyAheadAgain, '--limit', '20M'];

let cluster: Cluster;
let stage: Stage;

beforeAll(async () => {
  cluster = await startCluster({ name: 'lane' });
  stage = await openStage({ cluster, name: 'lane', items: 60 });
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

/** So much of a segment has passed when it counts as in its middle; it holds many times as much. */
const middleBytes = 4 * 1024 * 1024;

/** What was told of the lane so far, by status. */
function told(): readonly string[] {
  return readJournal(join(stage.runDirectory, 'journal.ndjson')).flatMap((event) => (event.type === 'check-finished' && event.name === 'direct-lane' ? [event.finding.status] : []));
}

/** A curl in the pod, while a segment that is fetched is in its middle. What comes from a socket is not counted as read, so tar tells. */
function fetching(): number | undefined {
  // In this pod only: other tests on this computer have pods that fetch, too.
  const inPod = watchFarSides(stage).inPod();
  const isInMiddle = inPod.some(({ pid, command }) => command.startsWith('tar --extract ') && bytesReadBy(pid) > middleBytes);
  return isInMiddle ? inPod.find(({ command }) => /^curl --disable --config \S+\/curl$/.test(command))?.pid : undefined;
}

async function firewall(change: '--insert' | '--delete'): Promise<void> {
  // In the node's own namespace: nothing of a pod leaves the node.
  await execa('nsenter', [`--net=${cluster.networkNamespace}`, 'iptables', change, 'FORWARD', '--out-interface', 'eth0', '--protocol', 'tcp', '--jump', 'DROP']);
}

test('a forecast measures the way to the pod with bytes that all arrive', async () => {
  const planned = await stage.plexlift('plan');
  requireExit(planned, 0);
  // Told only where the pod counted as many bytes as were sent; through this connection go more than a hundred megabytes.
  expect(planned.stdout).toContain('the way to the pod was measured');
});

test('the pod fetches what is copied from this computer', async () => {
  await writeFreshBulk(stage);
  requireExit(await stage.plexlift('migrate', '--yes', 'existing-library', '--until', 'copy-ahead'), 0);
  expect(told()).toEqual(['pass']);
  await expectWhole(stage);
});

test('what breaks off in the middle comes through kubectl exec instead', async () => {
  const before = told().length;
  await writeFreshBulk(stage);
  const underway = beginFollowed(stage, slowly);
  await underway.until(() => {
    const curl = fetching();
    return curl !== undefined && signalProcesses([{ pid: curl }], 'SIGKILL') > 0;
  });
  requireExit(await underway.ended, 0);
  expect(told().slice(before)).toEqual(['pass', 'warn']);
  await expectWhole(stage);
});

test('Ctrl-C in the middle leaves nothing running in the pod', async () => {
  await writeFreshBulk(stage);
  const underway = beginFollowed(stage, slowly);
  await underway.until(() => fetching() !== undefined);
  underway.signal('SIGINT');
  const { exitCode } = await underway.ended;
  expect(exitCode).toBe(130);
  await watchFarSides(stage).untilEmpty(20_000);
});

test('where a firewall is between them, everything comes through kubectl exec', async () => {
  const before = told().length;
  await writeFreshBulk(stage);
  await firewall('--insert');
  try {
    requireExit(await stage.plexlift(...copyAheadAgain), 0);
  } finally {
    await firewall('--delete');
  }
  expect(told().slice(before)).toEqual(['skip']);
  await expectWhole(stage);
});
