import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { Cluster } from '../../bed/kubernetes/cluster.ts';
import { processesThatSee, signalProcesses } from '../../bed/runningProcesses.ts';
import type { Stage } from '../stage.ts';

/** Something that befalls the target. */
export interface Fault {
  readonly name: string;
  /** Makes it happen; what is given back ends it, where it does not end by itself. */
  strike(cluster: Cluster, stage: Stage): Promise<() => Promise<void>>;
}

/** How long a node is left without its kubelet: long enough that every connection through it is gone. */
const withoutKubeletMs = 4000;
/** A container may be about to start at that moment: there has to be one to be killed. */
const containerTimeoutMs = 60_000;

async function nothing(): Promise<void> {}

/** What a cluster does to a pod, and what becomes of its node. */
export const faults: readonly Fault[] = [
  {
    name: 'pod deleted',
    async strike(cluster, { release }) {
      await cluster.run(['delete', 'pod', release.podName, '--namespace', release.namespace, '--wait=false', '--ignore-not-found']);
      return nothing;
    },
  },
  {
    name: 'container killed',
    async strike(_, stage) {
      await killContainer(stage);
      return nothing;
    },
  },
  {
    name: 'node drained',
    async strike(cluster) {
      const draining = execa(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, 'drain', cluster.nodeName, '--force', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=150s']);
      return async () => {
        await draining;
        await cluster.run(['uncordon', cluster.nodeName]);
      };
    },
  },
  {
    name: 'kubelet restarted',
    async strike(cluster) {
      await cluster.kill('kubelet');
      return async () => {
        await delay(withoutKubeletMs);
        await cluster.revive('kubelet');
      };
    },
  },
];

/** Every process of the container that has the volume, its first one included, at the same moment. */
async function killContainer({ release }: Stage): Promise<void> {
  const deadlineMs = performance.now() + containerTimeoutMs;
  for (;;) {
    const found = processesThatSee({ outside: release.configHostPath, inside: '/config' });
    signalProcesses(found, 'SIGKILL');
    if (found.length > 0) return;
    if (performance.now() > deadlineMs) throw new Error(`Cannot kill the container of "${release.podName}": none has run for ${containerTimeoutMs / 1000} s`);
    await delay(50);
  }
}
