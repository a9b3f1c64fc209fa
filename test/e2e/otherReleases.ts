import { join } from 'node:path';
import { readJournal } from '../../src/runner/journal.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import type { PlexReleaseOptions } from '../bed/kubernetes/plexRelease.ts';
import { installPlexRelease } from '../bed/kubernetes/plexRelease.ts';
import { defaultPlexVersion } from '../bed/plexServer/build.ts';
import { configuredAs } from './otherConfigurations.ts';
import type { Stage } from './stage.ts';

/** The Helm that takes care of a release. */
export type Helm = 'helm3' | 'helm4';

/** Consent to all that a migration into a release with a library asks. */
export const consent = ['--yes', 'existing-library', '--yes', 'stop-source'] as const;

/** The stage's media, as a release mounts them. */
export function mediaOf({ library }: Pick<Stage, 'library'>): PlexReleaseOptions['media'] {
  return [
    { name: 'library', hostPath: library.mediaDirectory, mountPath: '/media/library' },
    { name: 'optimized', hostPath: library.optimizedDirectory, mountPath: '/media/optimized' },
  ];
}

/** The stage's source with another release, which a Helm of its own takes care of. Closing it leaves the stage as it is. */
export async function withRelease(place: { readonly cluster: Cluster; readonly stage: Stage }, options: Omit<PlexReleaseOptions, 'media' | 'imageTag'> & { readonly namespace: string; readonly helm: Helm }): Promise<Stage> {
  const { cluster, stage } = place;
  const release = await installPlexRelease(cluster, { ...options, media: mediaOf(stage), imageTag: defaultPlexVersion });
  const plexlift = await configuredAs(stage, options.namespace, ({ target }) => Object.assign(target.kubernetes, { namespace: release.namespace, release: release.release, kubeconfig: release.kubeconfig, helm: cluster[options.helm] }));
  return { ...stage, release, runDirectory: plexlift.runDirectory, configuration: plexlift.configuration, plexlift: plexlift.run, begin: plexlift.begin, close: () => release.uninstall() };
}

/** Changes of a release that plexlift itself had Helm make. */
export function helmCommands({ runDirectory }: Pick<Stage, 'runDirectory'>): readonly string[] {
  return readJournal(join(runDirectory, 'journal.ndjson')).flatMap((event) => (event.type === 'command-run' && / (upgrade|rollback) /.test(event.command) ? [event.command] : []));
}
