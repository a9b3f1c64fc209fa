import { z } from 'zod';
import type { Check } from '../../runner/check.ts';
import type { Cluster } from './cluster.ts';
import { parsed } from './cluster.ts';
import { fail, pass } from './findings.ts';
import { releaseChecks } from './releaseChecks.ts';
import { rightsCheck } from './rightsCheck.ts';
import { findStatefulSet, isRunning, plexContainer, podOf } from './workload.ts';

const versionShape = z.object({ clientVersion: z.object({ gitVersion: z.string() }), serverVersion: z.object({ gitVersion: z.string() }).optional() });

/** Claims about a Helm release as a target. */
export function kubernetesChecks(options: { readonly cluster: Cluster; readonly release: string; readonly helm: string; readonly kubectl: string; readonly chart?: string | undefined }): readonly Check[] {
  const { cluster, release } = options;
  const set = () => findStatefulSet(cluster, release);
  return [
    {
      name: 'cluster-answers',
      claim: 'kubectl reaches the cluster',
      async run() {
        const { stdout } = await cluster.kubectl(['version', '--output', 'json'], { timeoutMs: 30_000 });
        const { clientVersion, serverVersion } = parsed(stdout, versionShape, 'kubectl version');
        if (serverVersion === undefined) return fail('the server did not answer', 'Check the context and the network (kubectl get nodes)');
        const minor = Number(/^v?1\.(\d+)/.exec(serverVersion.gitVersion)?.[1]);
        const detail = `kubectl ${clientVersion.gitVersion}, server ${serverVersion.gitVersion}`;
        return minor >= 26 ? pass(detail) : { status: 'warn', detail, remedy: 'Servers older than 1.26 were never tried' };
      },
    },
    ...releaseChecks(options),
    {
      name: 'one-server',
      claim: 'The release runs exactly one server',
      async run() {
        const { spec, metadata } = await set();
        return spec.replicas === 1 ? pass(metadata.name) : fail(`${metadata.name} has ${spec.replicas} replicas`, '"kubectl scale --replicas=1" it, so that its volume can be reached');
      },
    },
    {
      name: 'pod-runs',
      claim: 'Its pod is running',
      async run() {
        const found = await set();
        const pod = await podOf(cluster, found);
        const isUp = isRunning(pod, plexContainer(found).name);
        return isUp ? pass(pod?.metadata.name ?? '') : { status: 'warn', detail: pod === null ? 'there is none' : `it is ${pod.status.phase}`, remedy: 'Rollback would leave it as it is now' };
      },
    },
    rightsCheck({ cluster, release }),
  ];
}
