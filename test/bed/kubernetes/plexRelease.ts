import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { Cluster } from './cluster.ts';
import { alpineImage } from './images.ts';
import { leastRightsIn } from './leastRights.ts';
import { chartPlexVersion, plexImage } from './plexImage.ts';
import type { PlexImageOptions } from './plexImage.ts';

/** Path of the stand-in chart. */
export const chartDirectory = join(import.meta.dirname, 'chart');

/** What to install. */
export interface PlexReleaseOptions {
  /** Default "plex", for both. */
  readonly namespace?: string;
  readonly release?: string;
  /** The image's tag, so the server's exact version; default: the chart's own. */
  readonly imageTag?: string;
  readonly debian?: NonNullable<PlexImageOptions['debian']>;
  /** Directories of this machine that the pod sees as media. */
  readonly media: readonly { readonly name: string; readonly hostPath: string; readonly mountPath: string; readonly readOnly?: boolean }[];
  /** What the chart is to call everything instead of after the release. */
  readonly fullnameOverride?: string;
  /** The name of a claim that is there before the release, instead of one made from the chart's template. */
  readonly existingClaim?: string;
  /** Called with the directory that the pod will see as /config, before anything is installed. */
  readonly prepare?: (configHostPath: string) => Promise<void>;
  /** The user's own values, over those above; a list replaces a list. */
  readonly values?: object;
  /** Size of the claim and of a file system made for it, in MiB; without it the claim's files are a plain directory. */
  readonly claimSizeMb?: number;
  /** Inodes of that file system. */
  readonly claimInodes?: number;
  readonly helm?: 'helm3' | 'helm4';
  /** Whether to wait until the server tells its identity; default true. */
  readonly wait?: boolean;
}

/** An installed release of the stand-in chart. */
export interface PlexRelease {
  readonly namespace: string;
  readonly release: string;
  /** The name of the StatefulSet and Service. */
  readonly fullName: string;
  readonly podName: string;
  readonly claimName: string;
  /** Name of the Plex container in the pod. */
  readonly containerName: string;
  /** Of somebody who may do in the namespace what docs/rbac.yaml says, and nothing else. */
  readonly kubeconfig: string;
  /** Directory on this machine that the pod sees as /config. */
  readonly configHostPath: string;
  /** Address of the server, reachable from this machine; changes with every new pod. */
  serverUrl(): Promise<string>;
  /** Waits until the server tells its identity and returns that answer's text. */
  waitForServer(): Promise<string>;
  /** Runs a shell command in the Plex container and returns its output. */
  shell(command: string): Promise<string>;
  /** Uninstalls the release, its claim, its volume and the volume's files. */
  uninstall(): Promise<void>;
}

/** Pod created, images unpacked, server started. */
const startTimeoutMs = 120_000;

/** Makes the volume, installs the chart with the media mounted, and waits for the server unless told not to. */
export async function installPlexRelease(cluster: Cluster, options: PlexReleaseOptions): Promise<PlexRelease> {
  const { namespace = 'plex', release = 'plex', imageTag = chartPlexVersion, debian, claimSizeMb, claimInodes } = options;
  const fullName = options.fullnameOverride ?? (release.includes('plex-media-server') ? release : `${release}-plex-media-server`);
  const claimName = options.existingClaim ?? `pms-config-${fullName}-0`;
  const volumeName = `${namespace}-${fullName}`;

  await cluster.importImage(await alpineImage());
  await cluster.importImage(await plexImage({ version: imageTag, ...(debian === undefined ? {} : { debian }) }));
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const configHostPath = await cluster.makeVolume({
    name: volumeName,
    claim: { namespace, name: claimName },
    ...(claimSizeMb === undefined ? {} : { sizeMb: claimSizeMb }),
    ...(claimInodes === undefined ? {} : { inodes: claimInodes }),
  });
  if (options.existingClaim !== undefined) {
    const resources = { requests: { storage: `${claimSizeMb ?? 2048}Mi` } };
    await cluster.apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: claimName, namespace }, spec: { accessModes: ['ReadWriteOnce'], volumeName, resources } });
  }
  await options.prepare?.(configHostPath);

  const helm = (args: readonly string[]) =>
    execa(cluster[options.helm ?? 'helm3'], [...args, '--namespace', namespace], { env: helmEnvironment(cluster) });
  const values = join(cluster.directory, `${volumeName}.values.json`);
  const userValues = join(cluster.directory, `${volumeName}.user-values.json`);
  await writeFile(values, JSON.stringify(releaseValues(options, imageTag)));
  await writeFile(userValues, JSON.stringify(options.values ?? {}));
  await helm(['upgrade', '--install', release, chartDirectory, '--values', values, '--values', userValues]);

  const kubeconfig = await leastRightsIn(cluster, namespace);
  const installed = createRelease(cluster, { namespace, release, fullName, claimName, kubeconfig, configHostPath });
  if (options.wait ?? true) {
    await installed.waitForServer();
  }
  return {
    ...installed,
    async uninstall() {
      await helm(['uninstall', release, '--wait', '--ignore-not-found']);
      await cluster.run(['delete', 'pod', installed.podName, '-n', namespace, '--ignore-not-found', '--wait']);
      await cluster.run(['delete', 'persistentvolumeclaim', claimName, '-n', namespace, '--ignore-not-found']);
      await cluster.removeVolume(volumeName);
    },
  };
}

/** Environment for a Helm that uses this cluster and leaves the user's own Helm files alone. */
export function helmEnvironment(cluster: Pick<Cluster, 'kubeconfig' | 'directory'>): Record<string, string> {
  return {
    KUBECONFIG: cluster.kubeconfig,
    HELM_CACHE_HOME: join(cluster.directory, 'helm', 'cache'),
    HELM_CONFIG_HOME: join(cluster.directory, 'helm', 'config'),
    HELM_DATA_HOME: join(cluster.directory, 'helm', 'data'),
  };
}

/** The values of a release as its user would write them. */
export function releaseValues({ media, claimSizeMb, existingClaim, fullnameOverride }: PlexReleaseOptions, imageTag: string) {
  return {
    image: { tag: imageTag },
    ...(fullnameOverride === undefined ? {} : { fullnameOverride }),
    ...(existingClaim === undefined ? {} : { pms: { configExistingClaim: existingClaim } }),
    ...(claimSizeMb === undefined ? {} : { pms: { configStorage: `${claimSizeMb}Mi` } }),
    extraVolumes: media.map(({ name, hostPath }) => ({ name, hostPath: { path: hostPath, type: 'Directory' } })),
    extraVolumeMounts: media.map(({ name, mountPath, readOnly }) => ({ name, mountPath, readOnly: readOnly ?? false })),
  };
}

function createRelease(
  cluster: Cluster,
  names: Pick<PlexRelease, 'namespace' | 'release' | 'fullName' | 'claimName' | 'kubeconfig' | 'configHostPath'>,
): Omit<PlexRelease, 'uninstall'> {
  const { namespace, fullName } = names;
  const podName = `${fullName}-0`;
  const containerName = `${fullName}-pms`;

  async function serverUrl(): Promise<string> {
    const address = await cluster.run(['get', 'pod', podName, '-n', namespace, '-o', 'jsonpath={.status.podIP}']);
    if (address === '') {
      throw new Error(`Cannot reach the server: the pod "${podName}" has no address yet`);
    }
    return `http://${address}:32400`;
  }

  async function waitForServer(): Promise<string> {
    const deadline = Date.now() + startTimeoutMs;
    let cause: unknown;
    while (Date.now() < deadline) {
      try {
        const response = await fetch(`${await serverUrl()}/identity`, { signal: AbortSignal.timeout(5000) });
        if (response.ok) {
          return await response.text();
        }
        cause = new Error(`HTTP status ${response.status}`);
      } catch (error) {
        cause = error;
      }
      await sleep(250);
    }
    const description = await cluster.run(['describe', 'pod', podName, '-n', namespace]).catch(String);
    throw new Error(`Cannot reach the server in "${podName}" after ${startTimeoutMs / 1000} s\n${description}`, { cause });
  }

  return {
    ...names,
    podName,
    containerName,
    serverUrl,
    waitForServer,
    async shell(command) {
      return cluster.run(['exec', podName, '-n', namespace, '-c', containerName, '--', 'sh', '-c', command]);
    },
  };
}
