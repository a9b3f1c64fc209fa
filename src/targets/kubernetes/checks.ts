import { z } from 'zod';
import type { Check, Finding } from '../../runner/check.ts';
import type { Cluster } from './cluster.ts';
import { parsed } from './cluster.ts';
import { runAnnotation } from './gateValues.ts';
import { plexChartName, readRelease } from './release.ts';
import { findStatefulSet, isRunning, plexContainer, podOf } from './workload.ts';

/** What plexlift does with the cluster, as `kubectl auth can-i` asks for it. */
const neededRights: readonly (readonly [verb: string, resource: string])[] = [
  ['get', 'pods'],
  ['list', 'pods'],
  ['delete', 'pods'],
  ['create', 'pods/exec'],
  ['create', 'pods/portforward'],
  ['get', 'statefulsets.apps'],
  ['list', 'statefulsets.apps'],
  ['patch', 'statefulsets.apps'],
  ['list', 'secrets'],
  ['create', 'secrets'],
  ['update', 'secrets'],
  ['create', 'configmaps'],
  ['patch', 'configmaps'],
  ['delete', 'configmaps'],
];

/** Labels and annotations by which Argo CD and Flux mark what they own. */
const gitOpsMarks = ['argocd.argoproj.io/instance', 'argocd.argoproj.io/tracking-id', 'helm.toolkit.fluxcd.io/name', 'kustomize.toolkit.fluxcd.io/name'];

const versionShape = z.object({ clientVersion: z.object({ gitVersion: z.string() }), serverVersion: z.object({ gitVersion: z.string() }).optional() });

/** Claims about a Helm release as a target. */
export function kubernetesChecks(options: { readonly cluster: Cluster; readonly release: string; readonly helm: string; readonly kubectl: string }): readonly Check[] {
  const { cluster, release } = options;
  const set = () => findStatefulSet(cluster, release);
  return [
    {
      name: 'cluster-answers',
      claim: 'kubectl reaches the cluster',
      async run() {
        const { stdout } = await cluster.kubectl(['version', '--output', 'json'], { timeoutMs: 30_000 });
        const { clientVersion, serverVersion } = parsed(stdout, versionShape, 'kubectl version');
        if (serverVersion === undefined) return fail('the server did not answer', 'Check the context and the network (kubectl get nodes)');
        const minor = Number(/^v?1\.(\d+)/.exec(serverVersion.gitVersion)?.[1]);
        const detail = `kubectl ${clientVersion.gitVersion}, server ${serverVersion.gitVersion}`;
        return minor >= 26 ? pass(detail) : { status: 'warn', detail, remedy: 'Servers older than 1.26 were never tried' };
      },
    },
    {
      name: 'helm-usable',
      claim: 'Helm 3 or 4 is installed here',
      async run() {
        const { stdout } = await cluster.helm(['version', '--short'], { timeoutMs: 30_000 });
        const version = stdout.trim();
        return /^v?[34]\./.test(version) ? pass(version) : fail(version, `Install Helm 3 or 4, or name it in target.kubernetes.helm (now "${options.helm}")`);
      },
    },
    {
      name: 'release-deployed',
      claim: 'The release is deployed and no other operation is under way',
      async run() {
        const record = await readRelease(cluster, release);
        if (record === null) return fail(`there is no release "${release}"`, 'Correct target.kubernetes.release, or install the chart first');
        if (record.status === 'deployed') return pass(`revision ${record.revision}`);
        return fail(`revision ${record.revision} is ${record.status}`, record.status.startsWith('pending') ? 'Another helm is at work, or one was killed: when you are certain that none runs, "helm rollback" to the last deployed revision' : '"helm rollback" to the last deployed revision, or repair it with "helm upgrade"');
      },
    },
    {
      name: 'official-chart',
      claim: 'The release is made from the official Plex chart',
      async run() {
        const record = await readRelease(cluster, release);
        const found = record === null ? 'no release' : `${record.chart.metadata.name} ${record.chart.metadata.version}`;
        return record?.chart.metadata.name === plexChartName ? pass(found) : fail(found, `plexlift knows the chart "${plexChartName}" only: its init container is what holds Plex back`);
      },
    },
    {
      name: 'one-server',
      claim: 'The release runs exactly one server',
      async run() {
        const { spec, metadata } = await set();
        return spec.replicas === 1 ? pass(metadata.name) : fail(`${metadata.name} has ${spec.replicas} replicas`, '"kubectl scale --replicas=1" it, so that its volume can be reached');
      },
    },
    {
      name: 'pod-runs',
      claim: 'Its pod is running',
      async run() {
        const found = await set();
        const pod = await podOf(cluster, found);
        const isUp = isRunning(pod, plexContainer(found).name);
        return isUp ? pass(pod?.metadata.name ?? '') : { status: 'warn', detail: pod === null ? 'there is none' : `it is ${pod.status.phase}`, remedy: 'Rollback would leave it as it is now' };
      },
    },
    {
      name: 'cluster-rights',
      claim: 'You may do in the namespace what has to be done',
      async run() {
        const denied: string[] = [];
        for (const [verb, resource] of neededRights) {
          const { exitCode } = await cluster.kubectl(['auth', 'can-i', verb, resource, '--quiet'], { answers: [0, 1], timeoutMs: 30_000 });
          if (exitCode !== 0) denied.push(`${verb} ${resource}`);
        }
        return denied.length === 0 ? pass(`${neededRights.length} rights`) : fail(`not allowed: ${denied.join(', ')}`, `Have a role with them bound to you in namespace "${cluster.namespace}"`);
      },
    },
    {
      name: 'not-gitops-owned',
      claim: 'No GitOps controller owns the release',
      async run() {
        const { metadata } = await set();
        const marks = gitOpsMarks.filter((mark) => metadata.labels[mark] !== undefined || metadata.annotations[mark] !== undefined);
        return marks.length === 0 ? pass('no mark of Argo CD or Flux') : fail(`it carries ${marks.join(', ')}`, 'Suspend the controller for this release for the time of the migration: it would undo what plexlift changes. Then go on with --accept not-gitops-owned');
      },
    },
    {
      name: 'init-script-free',
      claim: 'The chart\'s init script is free for the gate',
      async run() {
        const values = z.object({ initContainer: z.object({ script: z.string().default('') }).default({ script: '' }) }).safeParse((await readRelease(cluster, release))?.values ?? {}).data;
        const script = values?.initContainer.script.trim() ?? '';
        const { annotations } = (await set()).spec.template.metadata;
        if (script === '' || annotations[runAnnotation] !== undefined) return pass('nothing else uses it');
        return { status: 'warn', detail: `your own script of ${script.split('\n').length} lines is there`, remedy: 'It is suspended while the gate is in its place, and comes back with "plexlift finish" or rollback' };
      },
    },
    {
      name: 'media-not-by-rclone',
      claim: 'Media are mounted where the gate can see them',
      async run() {
        const values = z.object({ rclone: z.object({ enabled: z.boolean().default(false) }).default({ enabled: false }) }).safeParse((await readRelease(cluster, release))?.values ?? {}).data;
        return values?.rclone.enabled === true ? fail('rclone is enabled: its mounts exist in the Plex container only', 'Mount the media as volumes (extraVolumes, extraVolumeMounts): the gate must see them before Plex starts') : pass('rclone is not used');
      },
    },
    {
      name: 'volume-keeps-databases',
      claim: 'The volume is no network file system',
      async run() {
        const found = await set();
        const { stdout } = await cluster.kubectl(['exec', `${found.metadata.name}-0`, '--container', plexContainer(found).name, '--', 'stat', '--file-system', '--format', '%T', '/config'], { timeoutMs: 60_000 });
        const type = stdout.trim();
        return /^(nfs|cifs|smb|smb2|fuse\.sshfs)/i.test(type) ? fail(`/config is on ${type}`, 'Use block or local storage: SQLite databases are damaged on network file systems') : pass(type);
      },
    },
  ];
}

function pass(detail: string): Finding {
  return { status: 'pass', detail };
}

function fail(detail: string, remedy: string): Finding {
  return { status: 'fail', detail, remedy };
}
