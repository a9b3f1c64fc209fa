import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, PlexliftError } from '../../errors.ts';
import { command } from '../../machines/command.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Cluster } from './cluster.ts';
import { gateContainerName } from './gateValues.ts';
import { podMachine } from './podMachine.ts';
import { findStatefulSet, isRunning, plexContainer, podOf } from './workload.ts';

/** Sends bytes into whichever container of the release's pod runs, where they are thrown away: to see how quick the way there is. */
export async function dropInPod({ here, cluster, release }: { readonly here: Machine; readonly cluster: Cluster; readonly release: string }, bytes: Readable): Promise<void> {
  const set = await findStatefulSet(cluster, release);
  const pod = await podOf(cluster, set);
  const container = [plexContainer(set).name, gateContainerName].find((name) => isRunning(pod, name));
  const cannot = (reason: string): PlexliftError => new PlexliftError('failed', `Cannot send anything to the pod of release "${release}": ${reason}`, { remedy: 'Look at it with "kubectl get pods"' });
  if (container === undefined) throw cannot('none of its containers runs');
  const process = podMachine(here, cluster, { pod: `${set.metadata.name}-0`, container }).open(command('sh', '-c', 'cat >/dev/null'));
  process.stdout.resume();
  const failure = await pipeline(bytes, process.stdin).then(
    () => null,
    (error: unknown) => messageOf(error),
  );
  if (failure !== null) process.kill();
  const { exitCode, stderrTail } = await process.ended;
  if (failure !== null || exitCode !== 0) throw cannot(stderrTail.trim() === '' ? (failure ?? `it ended with exit code ${exitCode ?? 'unknown'}`) : stderrTail.trim());
}
