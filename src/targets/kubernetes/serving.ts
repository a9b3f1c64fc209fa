import { setTimeout as delay } from 'node:timers/promises';
import { PlexliftError } from '../../errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Cluster } from './cluster.ts';
import { askIdentity } from './describe.ts';
import { podMachine } from './podMachine.ts';
import { findStatefulSet, plexContainer, podOf } from './workload.ts';

/** A server that has just started answers within seconds. */
const answerTimeoutMs = 60_000;

/** The identity that the server of a release tells at this moment; null while its container does not run. Throws where it runs and does not tell it. */
export async function servingIdentity(options: { readonly here: Machine; readonly cluster: Cluster; readonly release: string; readonly name: string }): Promise<string | null> {
  const { here, cluster, release, name } = options;
  const set = await findStatefulSet(cluster, release);
  const container = plexContainer(set).name;
  const endMs = performance.now() + answerTimeoutMs;
  for (;;) {
    // A pod that is being deleted serves until its container has ended.
    const pod = await podOf(cluster, set);
    if (pod?.status.containerStatuses.some((status) => status.name === container && status.state.running !== undefined) !== true) return null;
    const answer = await askIdentity(podMachine(here, cluster, { pod: pod.metadata.name, container }));
    if (answer !== null) return answer.machineIdentifier;
    if (performance.now() > endMs) throw new PlexliftError('failed', `The server of ${name} runs and does not tell who it is`, { remedy: 'Look at its log with "kubectl logs", then run the same command again' });
    await delay(1000);
  }
}
