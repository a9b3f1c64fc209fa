import { execa } from 'execa';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import type { PlexRelease } from '../bed/kubernetes/plexRelease.ts';

/** Who may own a release instead of Helm. */
export type Owner = 'Flux' | 'Argo CD';

/** How an owner marks a StatefulSet, as words for kubectl. */
const markOf: Readonly<Record<Owner, readonly [string, ...string[]]>> = {
  'Argo CD': ['annotate', '--field-manager=argocd-controller', 'argocd.argoproj.io/tracking-id=old:apps/StatefulSet:x/plex'],
  Flux: ['label', '--field-manager=helm-controller', 'helm.toolkit.fluxcd.io/name=plex', 'helm.toolkit.fluxcd.io/namespace=flux-system'],
};

/** Marks a release as an owner does that has since gone. */
export async function leaveMarks(cluster: Cluster, { owner, release }: { readonly owner: Owner; readonly release: PlexRelease }): Promise<void> {
  const [verb, ...words] = markOf[owner];
  await cluster.run([verb, 'statefulset', release.fullName, '-n', release.namespace, ...words]);
}

/** The commands that are told to take off the marks of an owner. */
export function takeOffIn(said: string, owner: Owner): string | undefined {
  return new RegExp(`^ *${owner}:\n +(kubectl .*)$`, 'm').exec(said)?.[1];
}

/** Does what a remedy says, as a person with that kubectl would. */
export async function doCommands(cluster: Cluster, commands = 'exit 1'): Promise<void> {
  await execa('sh', ['-ec', commands.replaceAll(/(?:^|(?<=&& ))kubectl/g, cluster.kubectl)], { env: { KUBECONFIG: cluster.kubeconfig } });
}
