import { z } from 'zod';
import { PlexliftError } from '../../errors.ts';
import { command } from '../../machines/command.ts';
import type { Machine } from '../../machines/machine.ts';
import { isNetworkFileSystem } from '../../plex/fileSystems.ts';
import { parseVersion } from '../../plex/versions.ts';
import type { Check, Finding } from '../../runner/check.ts';
import type { Gate } from '../gate/gate.ts';
import { parseRoom, parseTools } from '../gate/gateAnswers.ts';
import { gateTools, type GateTool } from '../gate/gateTools.ts';
import type { VolumeTrial } from '../target.ts';
import type { Cluster } from './cluster.ts';
import { askScript } from './describe.ts';
import { fail, pass } from './findings.ts';
import { gateContainerName, tagOf } from './gateValues.ts';
import { podMachine } from './podMachine.ts';
import { findStatefulSet, isRunning, plexContainer, podOf } from './workload.ts';

/** What is looked at: the pod of a release, and the gate in it. */
export interface PodChecked {
  readonly here: Machine;
  readonly cluster: Cluster;
  readonly release: string;
  readonly withGate: <Result>(use: (gate: Gate) => Promise<Result>) => Promise<Result>;
}

/** Claims that hold, or not, inside the pod as it runs: the server's container, or the gate's where that one waits. They read only. */
export function podChecks(checked: PodChecked): readonly Check[] {
  return [
    {
      name: 'volume-keeps-databases',
      claim: 'The volume is no network file system',
      async run() {
        const { fileSystem } = parseRoom(await askScript((await runningContainer(checked)).machine, 'room'));
        return isNetworkFileSystem(fileSystem) ? fail(`/config is on ${fileSystem}, where SQLite's locks cannot be relied on and databases are damaged`, `${otherStorage}. Then run the same command again`) : pass(fileSystem);
      },
    },
    {
      name: 'pod-tools',
      claim: 'The image has GNU tar and the other tools that receiving needs',
      run: async () => toolsFinding(parseTools(await askScript((await runningContainer(checked)).machine, 'tools'))),
    },
    {
      name: 'image-known',
      claim: 'The image is the official one, whose tags are versions',
      async run() {
        const { image, digest } = await runningContainer(checked);
        const name = image.split('@')[0]?.replace(/:[^:/]*$/, '') ?? image;
        if (!/(?:^|\/)pms-docker$/.test(name)) return fail(`the image is ${image}`, 'plexlift pins image.tag to the exact version of the source, and only plexinc/pms-docker, or a mirror of it under the same name, has such tags. Set image.registry and image.repository in the values of the release to it ("helm upgrade … --reuse-values --set image.registry=index.docker.io,image.repository=plexinc/pms-docker"; where Argo CD or Flux owns it, commit that instead)');
        const tag = tagOf(image);
        const detail = `${image}, running as ${digest}`;
        return tag !== null && parseVersion(tag) !== null ? pass(detail) : { status: 'warn', detail: `${detail}: this tag is no exact version`, remedy: 'plexlift pins image.tag to the exact version of the source; keep it so, or the server changes its version by itself at a restart' };
      },
    },
  ];
}

/** Claims about what the waiting pod can do, tested before anything is sent. What is tried is tried on the volume, and leaves nothing there. */
export function gateChecks(checked: PodChecked): readonly Check[] {
  let tried: Promise<readonly VolumeTrial[]> | undefined;
  const trial = async (...names: readonly VolumeTrial['tried'][]): Promise<readonly string[]> => {
    tried ??= checked.withGate((gate) => gate.trial());
    return (await tried).flatMap(({ tried: name, fault }) => (names.includes(name) && fault !== null ? [fault] : []));
  };
  return [
    {
      name: 'pod-tools',
      claim: 'The image has GNU tar and the other tools that receiving needs',
      run: async () => toolsFinding(await checked.withGate((gate) => gate.tools())),
    },
    {
      name: 'image-as-pinned',
      claim: 'The image that was pulled holds the version that its tag says',
      async run() {
        const { image, digest, machine } = await runningContainer(checked);
        const { stdout } = await machine.run(command('sh', '-c', 'cat /version.txt 2>/dev/null; true'), { timeoutMs: 60_000 });
        const version = stdout.trim();
        const detail = `${image}, pulled as ${digest}`;
        if (version === tagOf(image)) return pass(detail);
        const found = version === '' ? 'it does not say which version it holds' : `it holds ${version}`;
        return fail(`${detail}: ${found}`, 'Plex would change its version at its start. Make the official image of this tag available where image.registry points to, remove the other one from the node, delete the pod, and run the same command again');
      },
    },
    {
      name: 'volume-renames',
      claim: "The library's directory is renamed whole and at once, and a name is never missing while it is replaced",
      async run() {
        tried = undefined;
        const mounts = await trial('whole');
        if (mounts.length > 0) return fail(mounts.join('; '), `A library is published by a rename of its directory: what is mounted there cannot be renamed, or would lie over the new library. ${gateOut}. Take these mounts out of extraVolumeMounts in the values of the release, and unmount on the node what is mounted there inside the volume. When its pod runs, run the same command again`);
        const faults = await trial('rename', 'replace');
        return faults.length === 0 ? pass('tried on the volume') : fail(faults.join('; '), `Publishing is a rename: without one a half library could start. ${otherStorageFromHere}`);
      },
    },
    {
      name: 'volume-keeps-owners',
      claim: "What arrives on the volume can be Plex's user's, with its mode, and that user can write to it",
      async run() {
        const faults = await trial('owner');
        return faults.length === 0 ? pass('tried on the volume') : fail(faults.join('; '), `Plex could not write to its own library. Where the container may not change owners, take runAsUser and dropped capabilities out of pms.securityContext. Otherwise the storage is the reason. ${otherStorageFromHere}`);
      },
    },
  ];
}

interface RunningContainer {
  readonly machine: Machine;
  readonly image: string;
  readonly digest: string;
}

const imagesShape = z.object({
  spec: z.object({ containers: z.array(z.object({ name: z.string(), image: z.string() })), initContainers: z.array(z.object({ name: z.string(), image: z.string() })).default([]) }),
  status: z.object({ containerStatuses: z.array(z.object({ name: z.string(), imageID: z.string() })).default([]), initContainerStatuses: z.array(z.object({ name: z.string(), imageID: z.string() })).default([]) }),
});

/** The container in which the volume can be looked at, and the image that it really runs. */
async function runningContainer({ here, cluster, release }: PodChecked): Promise<RunningContainer> {
  const set = await findStatefulSet(cluster, release);
  const pod = await podOf(cluster, set);
  const container = [plexContainer(set).name, gateContainerName].find((name) => isRunning(pod, name));
  const images = pod === null ? null : await cluster.get('pod', pod.metadata.name, imagesShape);
  if (pod === null || container === undefined || images === null) throw new PlexliftError('refused', `Cannot look into the pod of release "${release}": none of its containers runs`, { remedy: 'Look at it with "kubectl get pods" and "kubectl describe pod", and run the same command again when it runs' });
  const image = [...images.spec.containers, ...images.spec.initContainers].find(({ name }) => name === container)?.image ?? '';
  const imageId = [...images.status.containerStatuses, ...images.status.initContainerStatuses].find(({ name }) => name === container)?.imageID ?? '';
  return { machine: podMachine(here, cluster, { pod: pod.metadata.name, container }), image, digest: /sha256:[0-9a-f]{64}/.exec(imageId)?.[0] ?? 'an unknown digest' };
}

function toolsFinding(found: ReadonlyMap<string, string | null>): Finding {
  const wrong = gateTools.flatMap(({ name, says, oldest }) => {
    const said = found.get(name) ?? null;
    if (said === null) return [`${name} is missing`];
    return says.test(said) && isAsNew(said, oldest) ? [] : [`${name} is "${said}"${oldest === undefined ? '' : `, and ${oldest.join('.')} is needed`}`];
  });
  if (wrong.length === 0) return pass(found.get('tar') ?? '');
  return fail(wrong.join('; '), 'Use the official image, which has all of them (image.repository in the values of the release), or delete the pod, if somebody took them out of the container that runs; then run the same command again');
}

function isAsNew(said: string, oldest: GateTool['oldest']): boolean {
  if (oldest === undefined) return true;
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(said) ?? [];
  return Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
}

const gateOut = 'Take the gate out of the release with "plexlift rollback"';
/** How a release gets another volume: the claim of a StatefulSet cannot be changed, so that takes several commands. */
const otherStorage = 'Give the release another claim, on block or local storage, as docs/checks.md tells under "Another claim"';
/** The same while the gate is in the release, whose values would not last. */
const otherStorageFromHere = `${gateOut}. ${otherStorage}. Then run the same command again`;
