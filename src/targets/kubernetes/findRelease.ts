import type { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';
import { controllerOf } from './controller.ts';
import type { Release } from './release.ts';
import { noSuchRelease, readRelease } from './release.ts';
import type { StatefulSet } from './workload.ts';
import { findStatefulSet, statefulSetsOf } from './workload.ts';

/** A release as found by its record and its labels. */
export interface FoundRelease {
  /** Null only where a controller owns the release: Argo CD has Helm render the chart and keeps no record, Flux may keep it elsewhere. */
  readonly record: Release | null;
  readonly set: StatefulSet;
  /** Who owns the release; null where Helm alone changes it. */
  readonly controller: Controller | null;
}

/** Finds a release by its record and its labels; refuses what has no record and no owner, with what is there in its place. */
export async function findRelease(cluster: Cluster, release: string): Promise<FoundRelease> {
  const record = await readRelease(cluster, release);
  if (record === null) {
    const sets = await statefulSetsOf(cluster, release);
    const unowned = sets.filter((set) => controllerOf(set, cluster.namespace) === null).map(({ metadata }) => metadata.name);
    if (sets.length === unowned.length) throw noSuchRelease(cluster, release, unowned.map((name) => `found instead: StatefulSet "${name}", with the label of that release, no record of Helm and no mark of Argo CD or Flux`));
  }
  const set = await findStatefulSet(cluster, release, { chart: record === null ? undefined : `${record.chart.metadata.name} ${record.chart.metadata.version}` });
  return { record, set, controller: controllerOf(set, cluster.namespace) };
}

/** Name and version of the chart that made a release: from its record, or from the label that the chart puts on what it makes. */
export function chartOf({ record, set, controller }: FoundRelease): { readonly name: string; readonly version: string } | null {
  // A record that was there before Argo CD took over says nothing about what it renders now.
  if (record !== null && controller?.name !== 'Argo CD') return record.chart.metadata;
  const [, name, version] = /^(.+?)-(\d+\.\d+\..*)$/.exec(set.metadata.labels['helm.sh/chart'] ?? '') ?? [];
  return name === undefined || version === undefined ? null : { name, version };
}
