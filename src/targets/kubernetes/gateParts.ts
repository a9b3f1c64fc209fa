import { z } from 'zod';
import type { JsonObject } from '../../runner/json.ts';
import type { Cluster } from './cluster.ts';
import { gateContainerName, gateIn, runAnnotation, scriptAnnotation, scriptIn, scriptVolume } from './gateValues.ts';
import type { StatefulSet } from './workload.ts';
import { plexContainer } from './workload.ts';

const configMapShape = z.object({ data: z.record(z.string(), z.string()).default({}) });

/** The script that the chart's init container runs, as it lies in the cluster; null where there is none. */
export async function scriptInCluster(cluster: Cluster, set: StatefulSet): Promise<string | null> {
  const name = set.spec.template.spec.volumes.find((volume) => volume.name === scriptVolume)?.configMap?.name;
  if (name === undefined) return null;
  return (await cluster.get('configmap', name, configMapShape))?.data['init.sh'] ?? null;
}

/** True while the next pod of a StatefulSet would be held by the gate of some run. */
export function hasGate(set: StatefulSet): boolean {
  return set.spec.template.spec.initContainers.some(({ name }) => name === gateContainerName);
}

/** Which of the values that carry the gate the cluster does not show, by their names. Empty when the next pod will be held by exactly this gate. */
export async function missingParts(cluster: Cluster, set: StatefulSet, wanted: JsonObject): Promise<readonly string[]> {
  const { metadata, spec } = set.spec.template;
  const { container: gate, annotations } = gateIn(wanted);
  const script = await scriptInCluster(cluster, set);
  const parts: readonly (readonly [name: string, isThere: boolean])[] = [
    ['image.tag', plexContainer(set).image === gate['image']],
    // A ConfigMap's text ends with one line break, however many the value had.
    ['initContainer.script', script?.trimEnd() === scriptIn(wanted).trimEnd()],
    ['extraInitContainers', covers(spec.initContainers.find(({ name }) => name === gateContainerName), gate)],
    ['extraEnv', plexContainer(set).env.some(({ name }) => name === 'S6_SERVICES_GRACETIME')],
    ['statefulSet.podAnnotations', covers(metadata.annotations, annotations)],
  ];
  return parts.filter(([, isThere]) => !isThere).map(([name]) => name);
}

/** Which of the values that carry a gate are still in the cluster, by their names. Empty when nothing of plexlift is. */
export async function remainingParts(cluster: Cluster, set: StatefulSet): Promise<readonly string[]> {
  const { metadata } = set.spec.template;
  const parts: readonly (readonly [name: string, isThere: boolean])[] = [
    ['initContainer.script', (await scriptInCluster(cluster, set))?.includes('PLEXLIFT_RUN') === true],
    ['extraInitContainers', hasGate(set)],
    ['statefulSet.podAnnotations', metadata.annotations[runAnnotation] !== undefined || metadata.annotations[scriptAnnotation] !== undefined],
  ];
  return parts.filter(([, isThere]) => isThere).map(([name]) => name);
}

/** True when `found` says everything that `wanted` says; the API server adds defaults of its own. */
function covers(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(found) && found.length === wanted.length && wanted.every((item, at) => covers(found[at], item));
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  return typeof found === 'object' && found !== null && Object.entries(wanted).every(([key, value]) => covers((found as Readonly<Record<string, unknown>>)[key], value));
}
