import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { helmEnvironment } from '../bed/kubernetes/plexRelease.ts';
import type { PlexRelease } from '../bed/kubernetes/plexRelease.ts';
import type { SourceVm } from '../bed/sourceVm/sourceVm.ts';

/** The source as systemd and its own clients see it: equal twice means that nobody touched it. */
export interface SourceState {
  /** With the process id and the moment it became active, so that a restart in between shows. */
  readonly unit: string;
  /** Masks and drop-ins for the unit. */
  readonly unitFiles: string;
  readonly identity: string;
}

/** The release as Helm, Kubernetes and its volume have it. */
export interface TargetState {
  readonly revision: number;
  readonly podUid: string;
  readonly identity: string;
  /** What lies directly on the volume. */
  readonly volume: readonly string[];
  readonly library: StoredLibrary;
}

/** A library as it lies on the volume. */
export interface StoredLibrary {
  /** As the settings hold it; servers tell another one, made from it. */
  readonly machineIdentifier: string;
  /** Tells this directory from any other that ever had its name. */
  readonly inode: number;
}

/** What the source is now. */
export async function sourceState(vm: SourceVm): Promise<SourceState> {
  const unit = await vm.run('systemctl show plexmediaserver.service --property=ActiveState,SubState,UnitFileState,MainPID,ActiveEnterTimestampMonotonic');
  const unitFiles = await vm.run('find /etc/systemd /run/systemd/system /usr/local/lib/systemd -name "plexmediaserver*" 2>/dev/null | sort');
  return { unit: unit.stdout, unitFiles: unitFiles.stdout, identity: await identityAt(`http://${vm.address}:32400`) };
}

/** What the release is now; its server must be answering. */
export async function targetState(cluster: Cluster, release: PlexRelease): Promise<TargetState> {
  return {
    revision: await revisionOf(cluster, release),
    podUid: await cluster.run(['get', 'pod', release.podName, '-n', release.namespace, '-o', 'jsonpath={.metadata.uid}']),
    identity: await identityAt(await release.serverUrl()),
    volume: (await readdir(release.configHostPath)).toSorted(),
    library: await storedLibrary(join(release.configHostPath, 'Library')),
  };
}

/** The number of the release's newest revision. */
export async function revisionOf(cluster: Cluster, release: PlexRelease): Promise<number> {
  const { stdout } = await execa(cluster.helm3, ['history', release.release, '--namespace', release.namespace, '--output', 'json'], { env: helmEnvironment(cluster) });
  const revisions = JSON.parse(stdout) as readonly { readonly revision: number }[];
  return Math.max(...revisions.map(({ revision }) => revision));
}

/** The user's values of the release, as `helm get values` tells them. */
export async function valuesOf(cluster: Cluster, release: PlexRelease): Promise<{ readonly image?: { readonly tag?: string } }> {
  const { stdout } = await execa(cluster.helm3, ['get', 'values', release.release, '--namespace', release.namespace, '--output', 'json'], { env: helmEnvironment(cluster) });
  return JSON.parse(stdout) as { readonly image?: { readonly tag?: string } };
}

/** The library in a directory of the volume. */
export async function storedLibrary(directory: string): Promise<StoredLibrary> {
  const preferences = await readFile(join(directory, 'Application Support', 'Plex Media Server', 'Preferences.xml'), 'utf8');
  return { machineIdentifier: /\bMachineIdentifier="([^"]+)"/.exec(preferences)?.[1] ?? '', inode: (await stat(directory)).ino };
}

/** The machine identifier that a server tells. */
export async function identityAt(baseUrl: string): Promise<string> {
  const response = await fetch(`${baseUrl}/identity`, { headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(10_000) });
  const { MediaContainer } = (await response.json()) as { readonly MediaContainer: { readonly machineIdentifier: string } };
  return MediaContainer.machineIdentifier;
}
