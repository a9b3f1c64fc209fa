import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { removeTree } from '../removeTree.ts';
import { unmountUnder } from './mounts.ts';

/** A static volume to make: a directory, or an ext4 file system of its own when a size or inode count is given. */
export interface VolumeOptions {
  /** Name of the PersistentVolume, and of its directory. */
  readonly name: string;
  /** Size of an ext4 file system made for this volume, in MiB; without it the volume is a plain directory. */
  readonly sizeMb?: number;
  /** Inodes of that file system. */
  readonly inodes?: number;
  /** An existing directory to use instead. */
  readonly hostPath?: string;
  /** The claim this volume is reserved for. */
  readonly claim?: { readonly namespace: string; readonly name: string };
}

/** What a volume without a size of its own says it holds. */
const unboundedCapacity = '100Gi';
/** Size of the file system when only an inode count is given, in MiB. */
const defaultSizeMb = 2048;

/** Makes the volume's files under `volumes` on the host and returns their directory. */
export async function makeVolumeFiles(volumes: string, options: VolumeOptions): Promise<string> {
  const directory = options.hostPath ?? join(volumes, options.name);
  await mkdir(directory, { recursive: true });
  if (options.hostPath === undefined && (options.sizeMb !== undefined || options.inodes !== undefined)) {
    const image = imageOf(volumes, options.name);
    const file = await open(image, 'wx');
    await file.truncate((options.sizeMb ?? defaultSizeMb) * 1024 * 1024);
    await file.close();
    const inodes = options.inodes === undefined ? [] : ['-N', String(options.inodes)];
    await execa('mkfs.ext4', ['-q', '-F', '-m', '0', ...inodes, image]);
    // mount frees the loop device by itself when the file system is unmounted.
    await execa('mount', ['-o', 'loop', image, directory]);
  }
  return directory;
}

/** Removes the files that `makeVolumeFiles` made for this name; a directory given as `hostPath` stays. */
export async function removeVolumeFiles(volumes: string, name: string): Promise<void> {
  await unmountUnder(join(volumes, name));
  await removeTree(join(volumes, name));
  await rm(imageOf(volumes, name), { force: true });
}

function imageOf(volumes: string, name: string): string {
  return imageOfVolume(join(volumes, name));
}

/** The file in which the file system lies that is mounted at a volume's directory, where it has one of its own. */
export function imageOfVolume(directory: string): string {
  return `${directory}.ext4`;
}

/** The PersistentVolume object for the files in `path`. */
export function volumeManifest(path: string, options: VolumeOptions) {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: options.name },
    spec: {
      capacity: { storage: options.sizeMb === undefined ? unboundedCapacity : `${options.sizeMb}Mi` },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path, type: 'Directory' },
      ...(options.claim === undefined ? {} : { claimRef: options.claim }),
    },
  };
}
