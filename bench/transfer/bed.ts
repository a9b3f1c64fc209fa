import { join } from 'node:path';
import { startCluster, type Cluster } from '../../test/bed/kubernetes/cluster.ts';
import { imageOfVolume } from '../../test/bed/kubernetes/volumes.ts';
import { runOnHost } from '../../test/bed/sourceVm/hostCommand.ts';
import { dataOnSource } from '../../test/e2e/sidesOfStage.ts';
import { openStage, removeStageDirectory, type Stage } from '../../test/e2e/stage.ts';
import { publishedProgram } from './publishedProgram.ts';

/** A real source and a real Kubernetes, both on this machine. */
export interface Bed {
  readonly cluster: Cluster;
  readonly stage: Stage;
  /** The source's data directory, as this computer sees it. */
  readonly data: string;
  /** The volume of the pod, as this computer sees it. */
  readonly volume: string;
  /** Ends both without ceremony and removes all their files. */
  close(): Promise<void>;
}

/**
 * Of the volume's own file system, in MiB; its image is sparse. At ext4's usual 16 KiB for each inode, enough for a million and a half entries.
 *
 * The volume has a file system of its own so that it has a journal. ext4 without one keeps the numbers of removed files from new ones for one to
 * six minutes, and goes through all of them for each file that is made (`recently_deleted` in the kernel's fs/ext4/ialloc.c): whoever came after
 * the removal of another's result made files at a third of the pace.
 */
const volumeSizeMb = 24 * 1024;

/** Brings up a source that serves a library of so many items, and a release to move it to. */
export async function openBed(options: { readonly name: string; readonly items: number; readonly signal: AbortSignal }): Promise<Bed> {
  const cluster = await startCluster({ name: options.name });
  let stage: Stage | undefined;
  // A cluster that is gone needs no release uninstalled first, which would wait for the pod to stop in peace.
  const close = async (): Promise<void> => {
    const ends = await Promise.allSettled([stage?.vm.stop(), cluster.stop()]);
    if (stage !== undefined) await removeStageDirectory(stage.directory);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw new Error('Cannot take down the bed', { cause: failed.reason });
  };
  try {
    options.signal.throwIfAborted();
    stage = await openStage({ cluster, name: options.name, items: options.items, program: publishedProgram(), release: { claimSizeMb: volumeSizeMb } });
    await keepInMemoryOnce(stage.release.configHostPath);
    options.signal.throwIfAborted();
    return { cluster, stage, data: dataOnSource(stage), volume: stage.release.configHostPath, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Takes the image of a volume out of the page cache, which holds what is in its files already: everything would be copied and kept a second time. */
async function keepInMemoryOnce(volume: string): Promise<void> {
  const device = (await runOnHost(['losetup', '--noheadings', '--output', 'NAME', '--associated', imageOfVolume(volume)])).trim();
  await runOnHost(['losetup', '--direct-io=on', device]);
}

/** A directory on the volume for one way's result, as this computer and as the pod see it. */
export function placeOnVolume(bed: Pick<Bed, 'volume'>, name: string): { readonly here: string; readonly inPod: string } {
  return { here: join(bed.volume, 'bench', name), inPod: `/config/bench/${name}` };
}
