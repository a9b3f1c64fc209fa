import { join } from 'node:path';
import { startCluster, type Cluster } from '../../test/bed/kubernetes/cluster.ts';
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
    stage = await openStage({ cluster, name: options.name, items: options.items, program: publishedProgram() });
    options.signal.throwIfAborted();
    return { cluster, stage, data: dataOnSource(stage), volume: stage.release.configHostPath, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A directory on the volume for one way's result, as this computer and as the pod see it. */
export function placeOnVolume(bed: Pick<Bed, 'volume'>, name: string): { readonly here: string; readonly inPod: string } {
  return { here: join(bed.volume, 'bench', name), inPod: `/config/bench/${name}` };
}
