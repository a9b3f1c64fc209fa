import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf, PlexliftError } from '../../errors.ts';
import type { Cluster } from './cluster.ts';

const environmentShape = z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]);
const mountShape = z.looseObject({ name: z.string(), mountPath: z.string() });
const containerShape = z.looseObject({ name: z.string(), image: z.string(), imagePullPolicy: z.string().optional(), env: environmentShape, volumeMounts: z.array(mountShape).default([]) });
const volumeShape = z.object({ name: z.string(), configMap: z.object({ name: z.string() }).optional() });
const podTemplateShape = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }).default({ annotations: {} }),
  spec: z.object({ initContainers: z.array(containerShape).default([]), containers: z.array(containerShape), volumes: z.array(volumeShape).default([]) }),
});

const statefulSetShape = z.object({
  metadata: z.object({
    name: z.string(),
    generation: z.number().default(0),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    /** Who wrote its fields. */
    managedFields: z.array(z.object({ manager: z.string().default('') })).default([]),
  }),
  spec: z.object({ replicas: z.number().default(1), template: podTemplateShape }),
  status: z.object({ updateRevision: z.string().optional(), observedGeneration: z.number().optional() }).default({}),
});

/** The StatefulSet of a release. */
export type StatefulSet = z.infer<typeof statefulSetShape>;
/** A container as its pod template has it. */
export type Container = z.infer<typeof containerShape>;

const stateShape = z
  .object({
    running: z.object({}).optional(),
    waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
    terminated: z.object({ exitCode: z.number().optional(), reason: z.string().optional() }).optional(),
  })
  .default({});
const containerStatusShape = z.object({ name: z.string(), ready: z.boolean().default(false), state: stateShape });
const podShape = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), labels: z.record(z.string(), z.string()).default({}), deletionTimestamp: z.string().optional() }),
  status: z.object({
    phase: z.string().default('Unknown'),
    /** The address of its node. */
    hostIP: z.string().optional(),
    initContainerStatuses: z.array(containerStatusShape).default([]),
    containerStatuses: z.array(containerStatusShape).default([]),
    conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() })).default([]),
  }),
});

/** A pod and how its containers are. */
export type Pod = z.infer<typeof podShape>;

/** The Plex container of a pod template: the one that mounts the volume `pms-config` at `/config`. */
export function plexContainer(set: StatefulSet): Container {
  const found = set.spec.template.spec.containers.find(mountsConfig);
  if (found !== undefined) return found;
  throw new PlexliftError('refused', `Cannot find the Plex container in StatefulSet "${set.metadata.name}": none mounts /config`, { remedy: 'plexlift works with the official chart; name a release of it in target.kubernetes.release' });
}

function mountsConfig(container: Container): boolean {
  return container.volumeMounts.some((mount) => mount.mountPath === '/config');
}

/** Every StatefulSet that carries a release's label and could be its Plex server. */
export async function statefulSetsOf(cluster: Cluster, release: string): Promise<readonly StatefulSet[]> {
  return (await cluster.list('statefulsets', labelOf(release), statefulSetShape)).filter((set) => set.spec.template.spec.containers.some(mountsConfig));
}

/** The label by which everything of a release is found. */
function labelOf(release: string): string {
  return `app.kubernetes.io/instance=${release}`;
}

/** The one StatefulSet of a release. Refuses none, and more than one, with what was found; `chart` is what the release was made from, as far as that is known. */
export async function findStatefulSet(cluster: Cluster, release: string, { chart }: { readonly chart?: string | undefined } = {}): Promise<StatefulSet> {
  const sets = await statefulSetsOf(cluster, release);
  const [only, ...others] = sets;
  if (only !== undefined && others.length === 0) return only;
  const found = sets.length === 0 ? await podsOf(cluster, release) : sets.map(({ metadata }) => `StatefulSet "${metadata.name}"`);
  throw new PlexliftError('refused', `Cannot find the Plex server of release "${release}" in namespace "${cluster.namespace}": ${sets.length === 0 ? 'it has no StatefulSet that mounts /config' : `it has ${sets.length} StatefulSets that could be it`}`, {
    facts: [...(chart === undefined ? [] : [`the release is made from the chart ${chart}`]), ...(found.length === 0 ? [`found instead: nothing with the label ${labelOf(release)}`] : found.map((what) => `found instead: ${what}`))],
    remedy: 'plexlift works with the official chart, which makes exactly one; name a release of it in target.kubernetes.release, or install one beside what is there',
  });
}

const anyPodShape = z.object({
  metadata: z.object({ name: z.string(), ownerReferences: z.array(z.object({ kind: z.string(), name: z.string() })).default([]) }),
  spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
});

/** What runs under a release's label, whatever made it: for a person who has to see why it will not do. */
async function podsOf(cluster: Cluster, release: string): Promise<readonly string[]> {
  let pods;
  try {
    pods = await cluster.list('pods', labelOf(release), anyPodShape);
  } catch (error) {
    // Listing pods is nothing that a migration needs, so nobody has to have the right to.
    return [`it could not be looked for (${messageOf(error)})`];
  }
  return pods.map(({ metadata, spec }) => `pod "${metadata.name}"${metadata.ownerReferences.map(({ kind, name }) => ` of ${kind} "${name}"`).join('')}, image ${spec.containers.map(({ image }) => image).join(', ')}`);
}

/** The pod of a StatefulSet; null while there is none. */
export function podOf(cluster: Cluster, set: StatefulSet): Promise<Pod | null> {
  return cluster.get('pod', `${set.metadata.name}-0`, podShape);
}

/** True when a container of the pod, init or not, is running. */
export function isRunning(pod: Pod | null, container: string): boolean {
  if (pod === null || pod.metadata.deletionTimestamp !== undefined) return false;
  return [...pod.status.initContainerStatuses, ...pod.status.containerStatuses].some((status) => status.name === container && status.state.running !== undefined);
}

/** Why the pod cannot get any further, where it says so: an image that cannot be pulled, a container that cannot start. */
export function troubleOf(pod: Pod): string | null {
  const stuck = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull', 'CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'CrashLoopBackOff']);
  for (const status of [...pod.status.initContainerStatuses, ...pod.status.containerStatuses]) {
    const { waiting } = status.state;
    if (waiting?.reason !== undefined && stuck.has(waiting.reason)) return `container "${status.name}": ${waiting.reason}${waiting.message === undefined ? '' : `, ${waiting.message}`}`;
  }
  return null;
}

/**
 * The pod made from the newest template; null while there is none yet, so ask again. One of an older template is deleted, because a
 * StatefulSet does not replace a pod that is not Ready. What the newest is, is known only once the controller has seen the last change.
 */
export async function currentPod(cluster: Cluster, release: string): Promise<Pod | null> {
  const set = await findStatefulSet(cluster, release);
  if ((set.status.observedGeneration ?? 0) < set.metadata.generation) return null;
  const pod = await podOf(cluster, set);
  if (pod === null || pod.metadata.deletionTimestamp !== undefined) return null;
  if (pod.metadata.labels['controller-revision-hash'] === set.status.updateRevision) return pod;
  await deletePod(cluster, pod);
  return null;
}

/** Deletes exactly this pod (not its successor of the same name) and waits until it is gone; the chart gives it 120 s to end. */
export async function deletePod(cluster: Cluster, pod: Pod): Promise<void> {
  await cluster.kubectl(['delete', 'pod', pod.metadata.name, '--ignore-not-found', '--wait=false']);
  await waitUntil({ timeoutMs: 240_000, what: `pod "${pod.metadata.name}" to end` }, async () => {
    const now = await cluster.get('pod', pod.metadata.name, podShape);
    return now === null || now.metadata.uid !== pod.metadata.uid;
  });
}

/** Asks once a second until the answer is true. Throws `failed` when it is not in time. */
export async function waitUntil(options: { readonly timeoutMs: number; readonly what: string }, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + options.timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new PlexliftError('failed', `Waited ${Math.round(options.timeoutMs / 1000)} s in vain for ${options.what}`, { remedy: 'Look at it with "kubectl describe pod" and "kubectl get events"; then run the same command again' });
    await delay(1000);
  }
}
