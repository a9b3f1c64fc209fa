import { unlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import type { Underway } from './interruption.ts';
import type { KubectlShim } from './kubectlShim.ts';
import { putShimBefore } from './kubectlShim.ts';
import { commandOf, runningProcesses, sshSocketIn } from '../bed/runningProcesses.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';
import type { FaultStage } from './transferFault.ts';
import { openFaultStage, streamInMiddle } from './transferFault.ts';

let cluster: Cluster;
let stage: Stage;
let shim: KubectlShim;
let copying: FaultStage;

beforeAll(async () => {
  cluster = await startCluster({ name: 'transfer-faults' });
  stage = await openStage({ cluster, name: 'transfer-faults', items: 100 });
  shim = await putShimBefore(stage);
  copying = await openFaultStage(stage);
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

function kill(process_: { readonly pid: number } | undefined): void {
  if (process_ === undefined) throw new Error('There is no such process to kill');
  process.kill(process_.pid, 'SIGKILL');
}

/** The ssh that reads a segment on the source. */
function reading(underway: Underway) {
  return underway.programs().find(({ command }) => command.startsWith('ssh ') && command.includes('--create'));
}

/** Where the connection that all commands share is reached, told by the arguments of one of them. */
function masterSocket(underway: Underway): string {
  const socket = sshSocketIn(reading(underway)?.command ?? '');
  if (socket === null) throw new Error('No ssh of plexlift is running');
  return socket;
}

describe('a copy ends whole', () => {
  test('when a kubectl that carries a stream is killed', async () => {
    const { exitCode } = await copying.survives((underway) => kill(streamInMiddle(underway)));
    expect(exitCode).toBe(0);
  });

  test('when the ssh that reads a stream is killed', async () => {
    const { exitCode } = await copying.survives((underway) => kill(reading(underway)));
    expect(exitCode).toBe(0);
  });

  test('when the socket of the shared connection is gone', async () => {
    const { exitCode } = await copying.survives((underway) => unlinkSync(masterSocket(underway)));
    expect(exitCode).toBe(0);
  });

  test('when the shared connection is killed', async () => {
    const { exitCode } = await copying.survives((underway) => {
      const socket = masterSocket(underway);
      kill(runningProcesses().map((pid) => ({ pid, command: commandOf(pid) })).find(({ command }) => command.includes(` -S ${socket} `) && command.includes(' -M ')));
    });
    expect(exitCode).toBe(0);
  });

  test('when streams are cut at the boundary of a record with exit code 0', async () => {
    await shim.cutNextStream(300);
    await shim.cutNextStream(0);
    const { exitCode } = await copying.survives(null);
    expect(exitCode).toBe(0);
    expect(await shim.ordersLeft()).toBe(0);
  });

  test('when answers lose their ends with exit code 0', async () => {
    // A receipt comes with the end of receiving, and is asked for where that was lost.
    await shim.truncateAnswers('receive', [0, 65]);
    await shim.truncateAnswers('receipt', [0, 20, 64, 65, 0]);
    await shim.truncateAnswers('open', [0]);
    await shim.truncateAnswers('remove', [2]);
    const { exitCode } = await copying.survives(null);
    expect(exitCode).toBe(0);
    expect(await shim.ordersLeft()).toBe(0);
  });

  test('when the pod is deleted', async () => {
    const { exitCode } = await copying.survives(async () => {
      await cluster.run(['delete', 'pod', stage.release.podName, '--namespace', stage.release.namespace, '--wait=false']);
    });
    expect([0, 4]).toContain(exitCode);
  });

  test("when the node's kubelet is restarted", async () => {
    const { exitCode } = await copying.survives(async () => {
      await cluster.kill('kubelet');
      await cluster.revive('kubelet');
    });
    expect([0, 4]).toContain(exitCode);
  });

  test('when the API server is restarted', async () => {
    const apiServerRestarts = async () => {
      await cluster.kill('kube-apiserver');
      await cluster.revive('kube-apiserver');
    };
    const { exitCode } = await copying.survives(apiServerRestarts, { remedy: () => cluster.answers() });
    expect([0, 4]).toContain(exitCode);
  });

  test('when plexlift is killed, which leaves nothing behind on either side', async () => {
    const { exitCode } = await copying.survives((underway) => underway.signal('SIGKILL'), { exitCodes: [-1] });
    expect(exitCode).toBe(-1);
  });
});
