import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlexAsked } from './askPlex.ts';
import { askPlex } from './askPlex.ts';
import { dataDirectoryName } from './movedLibrary.ts';
import type { Stage } from './stage.ts';

/** The data directory on the source, as that machine names it. */
export const sourceDataDirectory = `/var/lib/plexmediaserver/${dataDirectoryName}`;

/** The source's data directory as this computer sees it. */
export function dataOnSource({ vm }: Stage): string {
  return join(vm.root, sourceDataDirectory);
}

/** The data directory on the target's volume as this computer sees it. */
export function dataOnTarget({ release }: Stage): string {
  return join(release.configHostPath, dataDirectoryName);
}

/** The server on the source, asked with its owner's token. */
export function serverOnSource({ vm, library }: Stage): PlexAsked {
  return askPlex(`http://${vm.address}:32400`, library.token);
}

/** The server of the release, asked with the source's owner's token; its address changes with every pod. */
export async function serverOnTarget({ release, library }: Stage): Promise<PlexAsked> {
  return askPlex(await release.serverUrl(), library.token);
}

/** Waits until a server answers, half a minute at most, and gives back its identity. */
export async function untilIdentity(server: PlexAsked): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const identity = await server.identity().catch((error: unknown) => (attempt < 120 ? null : Promise.reject(error)));
    if (identity !== null) return identity;
    await delay(250);
  }
}

/** Where this computer has the media file that the target's server knows as `path`. */
export function mediaOnThisComputer({ library }: Stage, path: string): string {
  const [, mount, rest] = /^\/media\/(library|optimized)((?:\/.*)?)$/.exec(path) ?? [];
  if (mount === undefined || rest === undefined) throw new Error(`Cannot find "${path}" here: the target has no media there`);
  return join(mount === 'library' ? library.mediaDirectory : library.optimizedDirectory, rest);
}
