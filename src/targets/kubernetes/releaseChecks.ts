import type { Check } from '../../runner/check.ts';
import type { Cluster } from './cluster.ts';
import { controllersOf, controllerText, takeOffText } from './controller.ts';
import { differentObjects } from './differentObjects.ts';
import { fail, pass } from './findings.ts';
import { chartOf, findRelease } from './findRelease.ts';
import { hasGate, scriptInCluster } from './gateParts.ts';
import { deployedFinding } from './deployedFinding.ts';
import { nameOfChart, plexChartName, renderRelease } from './release.ts';
import { findStatefulSet } from './workload.ts';

/** What the claims are about. */
interface ReleaseCheckOptions {
  readonly cluster: Cluster;
  readonly release: string;
  readonly helm: string;
  /** Another chart than the one that made the release. */
  readonly chart?: string | undefined;
}

/** Claims about the release itself: who changes it, what made it, and whether it can be changed now. */
export function releaseChecks({ cluster, release, helm, chart }: ReleaseCheckOptions): readonly Check[] {
  const found = () => findRelease(cluster, release);
  return [
    {
      name: 'release-owner',
      claim: 'It is known who changes the release',
      async run() {
        const set = await findStatefulSet(cluster, release);
        const [owner, ...others] = controllersOf(set);
        const told = controllersOf(set).map(controllerText);
        if (owner === undefined) return pass('Helm alone: no mark of Argo CD or Flux');
        const takeOff = takeOffText(set, cluster.namespace);
        if (others.length > 0) return fail(`${told.join(' and ')} both have marks on StatefulSet "${set.metadata.name}"`, `Have one of them own it. ${takeOff}`);
        return { status: 'warn', detail: `${told.join('')} owns it`, remedy: `plexlift runs no Helm on it: it prints the values to commit and waits until the pod carries them, for this migration, for rollback and for finish. ${takeOff}` };
      },
    },
    {
      name: 'helm-usable',
      claim: 'Helm 3 or 4 is installed here',
      async run() {
        const { controller } = await found();
        if (controller !== null) return { status: 'skip', reason: `${controller.name} owns the release, and Helm is not run` };
        const { stdout } = await cluster.helm(['version', '--short'], { timeoutMs: 30_000 });
        const version = stdout.trim();
        return /^v?[34]\./.test(version) ? pass(version) : fail(version, `Install Helm 3 or 4, or name it in target.kubernetes.helm (now "${helm}")`);
      },
    },
    {
      name: 'release-deployed',
      claim: 'The release is deployed and no other operation is under way',
      run: async () => deployedFinding(cluster, { release, found: await found() }),
    },
    {
      name: 'official-chart',
      claim: 'The release is made from the official Plex chart',
      async run() {
        const what = chartOf(await found());
        const remedy = `plexlift knows the chart "${plexChartName}" only: its init container is what holds Plex back. Install a release of it beside what is there and name that in target.kubernetes.release`;
        if (what === null) return fail('no record of Helm and no label "helm.sh/chart" tells what made it', remedy);
        if (what.name !== plexChartName) return fail(`it is made from ${what.name} ${what.version}`, remedy);
        if (chart === undefined) return pass(`${what.name} ${what.version}`);
        const other = await nameOfChart(cluster, chart);
        return other === plexChartName ? pass(`${what.name} ${what.version}, to be upgraded with "${chart}"`) : fail(`"${chart}" is the chart "${other}"`, `Name a chart "${plexChartName}" with --chart or target.kubernetes.chart, or none: then the release's own is used`);
      },
    },
    {
      name: 'release-renders-same',
      claim: 'Helm makes the same of the release again from its own record',
      async run() {
        const { record, controller } = await found();
        if (record === null || controller !== null) return { status: 'skip', reason: `${controller?.name ?? 'its owner'} renders the chart` };
        if (chart !== undefined) return { status: 'skip', reason: `"${chart}" is used instead of its own chart` };
        const different = differentObjects(record.manifest, await renderRelease(cluster, release, record));
        if (different.length === 0) return pass(`${record.chart.metadata.name} ${record.chart.metadata.version} with its recorded values`);
        return fail(`it would change ${different.join(', ')}`, 'The upgrade for the gate would change this as well. Helm does not record what a post-renderer adds, nor that a large number was given with --set: write such numbers as text ("12345678") into your values, put what the post-renderer did into them too, and "helm upgrade" with them once');
      },
    },
    {
      name: 'init-script-free',
      claim: 'The chart\'s init script is free for the gate',
      async run() {
        const set = await findStatefulSet(cluster, release);
        const script = hasGate(set) ? null : await scriptInCluster(cluster, set);
        if (script === null || script.trim() === '') return pass('nothing else uses it');
        return { status: 'warn', detail: `your own script of ${script.trim().split('\n').length} lines is there`, remedy: 'It is suspended while the gate is in its place, and comes back with "plexlift finish" or rollback' };
      },
    },
    {
      name: 'media-not-by-rclone',
      claim: 'Media are mounted where the gate can see them',
      async run() {
        const { spec } = (await findStatefulSet(cluster, release)).spec.template;
        const isUsed = spec.volumes.some(({ name }) => name === 'rclone-config');
        return isUsed ? fail('rclone is enabled: its mounts exist in the Plex container only', 'Mount the media as volumes (extraVolumes, extraVolumeMounts): the gate must see them before Plex starts') : pass('rclone is not used');
      },
    },
  ];
}
