import { createHash } from 'node:crypto';
import type { JsonObject } from '../../runner/json.ts';
import type { Owner } from '../../transfer/entry.ts';
import type { Container } from './workload.ts';

type VolumeMount = Container['volumeMounts'][number];

/** Name of the init container that holds Plex back. */
export const gateContainerName = 'plexlift-gate';
/** Where the gate container sees the chart's ConfigMap with the script. */
export const gateScriptInPod = '/plexlift/init.sh';
/** The chart's volume of that ConfigMap. */
export const scriptVolume = 'init-script-configmap';
/** How long Plex may take to stop before s6 kills it; the wait ends as soon as it is down. Below the chart's fixed 120 s. */
const stopGraceMs = 90_000;

/** Pod annotations that tell which run and which script a pod was made for. */
export const runAnnotation = 'plexlift/run';
export const scriptAnnotation = 'plexlift/script';

/** What the gate's values are made from. */
export interface GateValuesOptions {
  readonly values: JsonObject;
  readonly run: string;
  readonly script: string;
  /** The Plex container as rendered now: its image (other tag) is the gate's. */
  readonly plex: Container;
  /** The tag to pin; null leaves the image as it is. */
  readonly version: string | null;
  readonly owner: Owner;
  /** Whether containers can see what their node mounts while they run. */
  readonly nodePassesMountsOn: boolean;
}

/** The user's values with the gate on top, pure. A script of their own is suspended while the gate is in its place; all else of theirs is kept to the letter. */
export function gateValues(options: GateValuesOptions): JsonObject {
  const { values, run, script, plex, version, owner, nodePassesMountsOn } = options;
  const media = plex.volumeMounts.filter(({ mountPath }) => mountPath !== '/transcode' && !mountPath.startsWith('/var/run/secrets/'));
  const image = version === null ? plex.image : withTag(plex.image, version);
  const gate = {
    name: gateContainerName,
    image,
    imagePullPolicy: plex.imagePullPolicy ?? 'IfNotPresent',
    command: ['sh', gateScriptInPod, 'gate'],
    env: [
      { name: 'PLEXLIFT_RUN', value: run },
      { name: 'PLEX_UID', value: String(owner.uid) },
      { name: 'PLEX_GID', value: String(owner.gid) },
    ],
    volumeMounts: [...(nodePassesMountsOn ? media.map(withMountsToCome) : media), { name: scriptVolume, mountPath: '/plexlift' }],
  };
  const theirs = Array.isArray(values['extraInitContainers']) ? (values['extraInitContainers'] as readonly JsonObject[]) : [];
  return {
    ...values,
    ...(version === null ? {} : { image: { ...objectAt(values, 'image'), tag: version, sha: '' } }),
    initContainer: { ...objectAt(values, 'initContainer'), script },
    extraInitContainers: [...theirs.filter((container) => container['name'] !== gateContainerName), gate],
    extraEnv: { S6_SERVICES_GRACETIME: String(stopGraceMs), ...objectAt(values, 'extraEnv') },
    statefulSet: {
      ...objectAt(values, 'statefulSet'),
      podAnnotations: { ...objectAt(objectAt(values, 'statefulSet'), 'podAnnotations'), [runAnnotation]: run, [scriptAnnotation]: scriptDigest(script) },
    },
  } as JsonObject;
}

// A share that its node mounts late would never be seen by a gate that began to wait before. Plex's own container begins after that.
function withMountsToCome(mount: VolumeMount): VolumeMount {
  return mount.mountPath === '/config' || 'mountPropagation' in mount || 'recursiveReadOnly' in mount ? mount : { ...mount, mountPropagation: 'HostToContainer' };
}

/** The run whose gate is in these values; null where there is none. */
export function runOf(values: JsonObject): string | null {
  const run = objectAt(objectAt(values, 'statefulSet'), 'podAnnotations')[runAnnotation];
  return typeof run === 'string' ? run : null;
}

/** What the values of `gateValues` say of the gate: its container, and the annotations of its pod. */
export function gateIn(values: JsonObject): { readonly container: JsonObject; readonly annotations: JsonObject } {
  const container = (values['extraInitContainers'] as readonly JsonObject[]).find(({ name }) => name === gateContainerName);
  if (container === undefined) throw new Error('these values carry no gate');
  const { [runAnnotation]: run, [scriptAnnotation]: script } = objectAt(objectAt(values, 'statefulSet'), 'podAnnotations');
  return { container, annotations: { [runAnnotation]: run, [scriptAnnotation]: script } };
}

/** The script of the chart's init container in these values; empty where there is none. */
export function scriptIn(values: JsonObject): string {
  const { script } = objectAt(values, 'initContainer');
  return typeof script === 'string' ? script : '';
}

/** The user's values with only the version pinned: what a finished migration leaves. */
export function pinnedValues(values: JsonObject, version: string | null): JsonObject {
  return version === null ? values : { ...values, image: { ...objectAt(values, 'image'), tag: version, sha: '' } };
}

/** The tag that is pinned in these values; null where none is. */
export function pinnedTag(values: JsonObject): string | null {
  const { tag } = objectAt(values, 'image');
  return typeof tag === 'string' ? tag : null;
}

/** Tells one script from another; short, for an annotation. */
export function scriptDigest(script: string): string {
  return createHash('sha256').update(script).digest('hex').slice(0, 16);
}

/** The tag of an image reference, or null where it has none; a digest behind `@` is no tag. */
export function tagOf(image: string): string | null {
  const name = image.split('@')[0] ?? image;
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(colon + 1) : null;
}

function withTag(image: string, tag: string): string {
  const name = image.split('@')[0] ?? image;
  const old = tagOf(image);
  return `${old === null ? name : name.slice(0, -old.length - 1)}:${tag}`;
}

function objectAt(values: JsonObject, key: string): JsonObject {
  const value = values[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
