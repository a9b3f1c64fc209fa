import type { Finding } from '../../runner/check.ts';
import type { Cluster } from './cluster.ts';
import { fail, pass } from './findings.ts';
import type { FoundRelease } from './findRelease.ts';
import { lastGoodRevision, rollbackCommand } from './release.ts';

/** Whether the newest revision of a release is deployed; where it is not, how it gets back to one that was. */
export async function deployedFinding(cluster: Cluster, { release, found }: { readonly release: string; readonly found: FoundRelease }): Promise<Finding> {
  const { record, set, controller } = found;
  if (record === null || controller?.name === 'Argo CD') return { status: 'skip', reason: `${controller?.name ?? 'its owner'} keeps no record of Helm beside the release` };
  if (record.status === 'deployed') return pass(`revision ${record.revision}`);
  const detail = `revision ${record.revision} is ${record.status} since ${record.since}`;
  const good = await lastGoodRevision(cluster, release);
  if (good === null) return fail(`${detail}, and none before it was ever deployed`, `Nothing of it can be relied on: "helm uninstall ${release} --namespace ${cluster.namespace}", install the chart again, and let it run once`);
  const command = rollbackCommand(cluster, release, good);
  if (!record.status.startsWith('pending-')) return fail(detail, `Put it back to the last revision that was deployed: ${command}`);
  return fail(`${detail}: a helm began to ${record.status.slice('pending-'.length)} it and has not ended`, `Wait for it, if one is at work. If it was killed, Helm refuses every change until the release is put back to the last revision that was deployed: ${command}. A pod that does not come up then is one of the other revision: kubectl delete pod ${set.metadata.name}-0 --namespace ${cluster.namespace}`);
}
