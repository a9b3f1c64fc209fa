import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, PlexliftError } from '../../errors.ts';
import { command } from '../../machines/command.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Cluster } from './cluster.ts';
import { gateContainerName } from './gateValues.ts';
import { podMachine } from './podMachine.ts';
import { findStatefulSet, isRunning, plexContainer, podOf } from './workload.ts';

/**
 * Sends bytes into whichever container of the release's pod runs, where they are counted and thrown away: to see how quick the way there is.
 * Throws where not all of them arrived. `wc`, because it keeps its standard output: containerd closes the input of a command that has
 * given up its output, as `cat >/dev/null` has, with exit code 0 and most of the input lost (containerd issue 12734).
 */
export async function dropInPod({ here, cluster, release }: { readonly here: Machine; readonly cluster: Cluster; readonly release: string }, bytes: Readable): Promise<void> {
  const set = await findStatefulSet(cluster, release);
  const pod = await podOf(cluster, set);
  const container = [plexContainer(set).name, gateContainerName].find((name) => isRunning(pod, name));
  const cannot = (reason: string): PlexliftError => new PlexliftError('failed', `Cannot send anything to the pod of release "${release}": ${reason}`, { remedy: 'Look at it with "kubectl get pods"' });
  if (container === undefined) throw cannot('none of its containers runs');
  const process = podMachine(here, cluster, { pod: `${set.metadata.name}-0`, container }).open(command('wc', '-c'));
  const told: Buffer[] = [];
  process.stdout.on('data', (chunk: Buffer) => told.push(chunk));
  let sentBytes = 0;
  bytes.on('data', (chunk: Buffer) => (sentBytes += chunk.length));
  const failure = await pipeline(bytes, process.stdin).then(
    () => null,
    (error: unknown) => messageOf(error),
  );
  if (failure !== null) process.kill();
  const { exitCode, stderrTail } = await process.ended;
  if (failure !== null || exitCode !== 0) throw cannot(stderrTail.trim() === '' ? (failure ?? `it ended with exit code ${exitCode ?? 'unknown'}`) : stderrTail.trim());
  const arrived = Buffer.concat(told).toString().trim();
  if (arrived !== String(sentBytes)) throw cannot(`of ${sentBytes} bytes sent, it says that "${arrived}" arrived`);
}
