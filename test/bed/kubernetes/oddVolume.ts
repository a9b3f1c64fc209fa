import { execa } from 'execa';
import { imageOfVolume } from './volumes.ts';

/** Mounts a FUSE file system over a volume's directory that shows the same files and differs as these options of bindfs say; gives back how to take it away. Pods see it when they are made anew. */
export async function layOver(directory: string, options: readonly string[]): Promise<() => Promise<void>> {
  await execa('bindfs', [...options, '-o', 'allow_other', directory, directory]);
  return async () => {
    // A pod may still be using it.
    await execa('umount', ['--lazy', directory]);
  };
}

/** Enlarges a volume that is a file system of its own, as a storage driver does that can do so only while no pod uses it. */
export async function growVolume(directory: string, sizeMb: number): Promise<void> {
  const image = imageOfVolume(directory);
  await execa('umount', [directory]);
  await execa('truncate', ['--size', `${sizeMb}M`, image]);
  await execa('e2fsck', ['-f', '-p', image]);
  await execa('resize2fs', [image]);
  await execa('mount', ['-o', 'loop', image, directory]);
}
