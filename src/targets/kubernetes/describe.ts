import { z } from 'zod';
import { PlexliftError } from '../../errors.ts';
import { command } from '../../machines/command.ts';
import type { Machine } from '../../machines/machine.ts';
import { parseVersion } from '../../plex/versions.ts';
import type { JsonObject } from '../../runner/json.ts';
import type { Owner } from '../../transfer/entry.ts';
import { parseIdentity, parseRoom, parseTimeZone } from '../gate/gateAnswers.ts';
import { readGateScript } from '../gate/gateScript.ts';
import type { ExistingLibrary, Room, TargetFacts } from '../target.ts';
import type { Cluster } from './cluster.ts';
import { parsed } from './cluster.ts';
import { deployedFinding } from './deployedFinding.ts';
import { chartOf, findRelease } from './findRelease.ts';
import { gateContainerName, tagOf } from './gateValues.ts';
import { memoryLimitOf } from './memoryLimit.ts';
import { podMachine } from './podMachine.ts';
import type { ReleaseBefore } from './releaseKeeper.ts';
import type { Container } from './workload.ts';
import { isRunning, plexContainer, podOf } from './workload.ts';

/** The image's user where the release does not name another (its Dockerfile makes it so). */
const imageOwner: Owner = { uid: 1000, gid: 1000 };

/** Whom Plex runs as in this container. */
export function ownerOf(plex: Container): Owner {
  const number = (name: string): number | null => {
    const value = plex.env.find((variable) => variable.name === name)?.value;
    return value === undefined || !/^\d+$/.test(value) ? null : Number(value);
  };
  return { uid: number('PLEX_UID') ?? imageOwner.uid, gid: number('PLEX_GID') ?? imageOwner.gid };
}

/** Where the chart mounts what is not media. */
const ownMounts = new Set(['/config', '/transcode', '/plexlift']);

/** The release, its workload and its volume as they are. The volume is looked at through whichever container runs. */
export async function describeTarget(options: { readonly here: Machine; readonly cluster: Cluster; readonly release: string; readonly name: string }): Promise<TargetFacts> {
  const { here, cluster, release, name } = options;
  const found = await findRelease(cluster, release);
  const { record, set, controller } = found;
  const plex = plexContainer(set);
  const pod = await podOf(cluster, set);
  const container = isRunning(pod, plex.name) ? plex.name : isRunning(pod, gateContainerName) ? gateContainerName : null;
  if (container === null) {
    const deployed = await deployedFinding(cluster, { release, found });
    throw new PlexliftError('refused', `Cannot look at the volume of ${name}: its pod is ${pod === null ? 'not there' : pod.status.phase}`, {
      facts: [
        ...(pod?.status.conditions.filter((condition) => condition.status !== 'True' && condition.message !== undefined).map((condition) => condition.message ?? '') ?? []),
        // A release that is stuck is the likely reason, and this is the one chance to say so.
        ...(deployed.status === 'fail' ? [`release-deployed: ${deployed.detail}`] : []),
      ],
      remedy: deployed.status === 'fail' ? deployed.remedy : 'Let the release run once (kubectl get pods, kubectl describe pod), so that what is on its volume can be seen; then run the same command again',
    });
  }
  const machine = podMachine(here, cluster, { pod: `${set.metadata.name}-0`, container });
  const identity = container === plex.name ? await askIdentity(machine) : null;
  const tag = tagOf(plex.image);
  return {
    kind: 'kubernetes',
    name,
    version: tag !== null && parseVersion(tag) !== null ? tag : (identity?.version ?? tag ?? 'no tag'),
    owner: ownerOf(plex),
    existingLibrary: await existingLibrary(machine),
    room: await roomOf(machine),
    mounts: plex.volumeMounts.map((mount) => mount.mountPath).filter((path) => !ownMounts.has(path) && !path.startsWith('/var/run/secrets/')),
    timeZone: parseTimeZone(await askScript(machine, 'time-zone')),
    memoryLimitBytes: await memoryLimitOf(cluster, { pod: `${set.metadata.name}-0`, container: plex.name }),
    before: {
      revision: controller?.name === 'Argo CD' ? null : (record?.revision ?? null),
      podWasReady: container === plex.name,
      identity: identity?.machineIdentifier ?? null,
      image: plex.image,
      nodePassesMountsOn: passesMountsOn((await machine.run(command('cat', '/proc/self/mountinfo'))).stdout),
      chart: [chartOf(found)?.name, chartOf(found)?.version].join(' '),
    } satisfies ReleaseBefore & JsonObject,
  };
}

const identityShape = z.object({ MediaContainer: z.object({ machineIdentifier: z.string(), version: z.string() }) });

/** Asks the server in a container who it is; null where nothing answers there. */
export async function askIdentity(machine: Machine): Promise<z.infer<typeof identityShape>['MediaContainer'] | null> {
  const question = command('curl', '--silent', '--show-error', '--max-time', '10', '--header', 'Accept: application/json', 'http://127.0.0.1:32400/identity');
  // curl's own exit codes for "nothing answers there": not started yet, or starting.
  const { exitCode, stdout } = await machine.run(question, { answers: [0, 7, 28, 52, 56] });
  return exitCode === 0 ? parsed(stdout, identityShape, 'the answer of /identity').MediaContainer : null;
}

/**
 * Whether containers of a node may ask to see what it mounts while they run, told by the mounts of one that runs. A node whose mounts are
 * private refuses such a container; where they are shared, the root of every container is a slave of one.
 */
export function passesMountsOn(mountInfo: string): boolean {
  return mountInfo.split('\n').map((line) => line.split(' ')).some((fields) => fields[4] === '/' && fields.slice(6, fields.indexOf('-')).some((field) => field.startsWith('master:')));
}

/** Asks a verb that needs no landing area. The gate's own script, on standard input, answers without being installed. */
export async function askScript(machine: Machine, verb: string): Promise<string> {
  const { stdout } = await machine.run({ ...command('sh', '-s', verb), environment: { PLEXLIFT_ROOT: '/config' } }, { input: await readGateScript(), timeoutMs: 120_000 });
  const end = stdout.lastIndexOf('end\n');
  if (end >= 0) return stdout.slice(0, end);
  throw new PlexliftError('failed', `The answer to "${verb}" was cut off on its way from ${machine.name}`, { remedy: 'Run the same command again' });
}

async function existingLibrary(machine: Machine): Promise<ExistingLibrary> {
  return parseIdentity(await askScript(machine, 'identity'));
}

async function roomOf(machine: Machine): Promise<Room> {
  return parseRoom(await askScript(machine, 'room'));
}
