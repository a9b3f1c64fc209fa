import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { shareMountsOf, unmountUnder } from '../bed/kubernetes/mounts.ts';
import type { PlexRelease, PlexReleaseOptions } from '../bed/kubernetes/plexRelease.ts';
import { installPlexRelease } from '../bed/kubernetes/plexRelease.ts';
import type { LibraryFacts } from '../bed/library/facts.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { buildPlexDeb, defaultPlexVersion } from '../bed/plexServer/build.ts';
import type { SourceVm, SourceVmOptions } from '../bed/sourceVm/sourceVm.ts';
import { startSourceVm } from '../bed/sourceVm/sourceVm.ts';

/** What to put on stage. */
export interface StageOptions {
  readonly cluster: Cluster;
  /** Names the namespace; one per stage. */
  readonly name: string;
  readonly items?: number;
  readonly missingMedia?: number;
  /** The target's version; default: the source's. */
  readonly targetVersion?: string;
  readonly release?: Partial<PlexReleaseOptions>;
  readonly source?: Partial<SourceVmOptions>;
  readonly helm?: 'helm3' | 'helm4';
  /** plexlift, as words before its own. Default: from the sources. */
  readonly program?: readonly [string, ...string[]];
  /** Called with the library before the source boots with it. */
  readonly prepare?: (facts: LibraryFacts) => Promise<void>;
}

/** How a plexlift command ended. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A source that serves, a release that runs, and plexlift between them, as a person would use it. */
export interface Stage {
  readonly library: LibraryFacts;
  readonly vm: SourceVm;
  readonly release: PlexRelease;
  readonly directory: string;
  readonly runDirectory: string;
  readonly configuration: string;
  /** Runs `bin/plexlift` with the stage's configuration; `--yes` for every question that every run has is not given by itself. */
  plexlift(...words: readonly string[]): Promise<Outcome>;
  /** The same in the background, for faults in the middle. */
  begin(...words: readonly string[]): ReturnType<typeof startPlexlift>;
  close(): Promise<void>;
}

/** plexlift from the sources. */
const fromSources: readonly [string, ...string[]] = [join(import.meta.dirname, '..', '..', 'bin', 'plexlift')];

/** Starts plexlift with nobody to ask. */
export function startPlexlift(words: readonly string[], { directory, program = fromSources }: { readonly directory: string; readonly program?: readonly [string, ...string[]] | undefined }) {
  const [file, ...before] = program;
  return execa(file, [...before, ...words], { cwd: directory, stdin: 'ignore', reject: false, env: { NO_COLOR: '1' } });
}

/** Brings up a source machine with a library and a release on the cluster. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), `plexlift-stage-${options.name}-`));
  try {
    return await furnish(directory, options);
  } catch (error) {
    await removeStageDirectory(directory);
    throw error;
  }
}

/** Removes the directory of a stage, which is a mount of its own. */
export async function removeStageDirectory(directory: string): Promise<void> {
  await unmountUnder(directory);
  await rm(directory, { recursive: true, force: true });
}

async function furnish(directory: string, options: StageOptions): Promise<Stage> {
  await shareMountsOf(directory);
  const media = join(directory, 'media');
  const optimized = join(directory, 'optimized');
  const library = await makeLibrary({ dataDirectory: join(directory, 'library'), mediaDirectory: media, optimizedDirectory: optimized, items: options.items ?? 60, seed: 7, version: defaultPlexVersion, missingMedia: options.missingMedia ?? 0 });
  await options.prepare?.(library);
  const plexDeb = await buildPlexDeb({ version: defaultPlexVersion });
  const vm = await startSourceVm({ dataDirectory: library.dataDirectory, mediaDirectory: media, optimizedDirectory: optimized, plexDeb, ...options.source });
  try {
    const release = await installPlexRelease(options.cluster, {
      namespace: options.name,
      imageTag: options.targetVersion ?? defaultPlexVersion,
      media: [
        { name: 'library', hostPath: media, mountPath: '/media/library' },
        { name: 'optimized', hostPath: optimized, mountPath: '/media/optimized' },
      ],
      ...(options.helm === undefined ? {} : { helm: options.helm }),
      ...options.release,
    });
    const runDirectory = join(directory, 'run');
    const configuration = join(directory, 'plexlift.yaml');
    await writeFile(
      configuration,
      stringify({
        source: { ssh: vm.sshDestination, sshConfig: vm.sshConfigFile },
        target: { kubernetes: { kubeconfig: release.kubeconfig, namespace: release.namespace, release: release.release, kubectl: options.cluster.kubectl, helm: options.cluster[options.helm ?? 'helm3'] } },
        paths: [
          { from: '/mnt/nas-plex', to: '/media/library' },
          { from: '/mnt/nas-plex-optimized', to: '/media/optimized' },
        ],
        run: runDirectory,
      }),
    );
    return {
      library,
      vm,
      release,
      directory,
      runDirectory,
      configuration,
      async plexlift(...words) {
        const { exitCode, stdout, stderr } = await startPlexlift([...words, '--config', configuration], { directory, program: options.program });
        return { exitCode: exitCode ?? -1, stdout, stderr };
      },
      begin: (...words) => startPlexlift([...words, '--config', configuration], { directory, program: options.program }),
      async close() {
        await release.uninstall();
        await vm.stop();
        await removeStageDirectory(directory);
      },
    };
  } catch (error) {
    await vm.stop();
    throw error;
  }
}
