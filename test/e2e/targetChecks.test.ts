import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CheckOutcome } from '../../src/runner/check.ts';
import type { RecordedEvent } from '../../src/runner/events.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { growVolume, layOver } from '../bed/kubernetes/oddVolume.ts';
import { chartPlexVersion, plexImage } from '../bed/kubernetes/plexImage.ts';
import { chartDirectory, helmEnvironment } from '../bed/kubernetes/plexRelease.ts';
import { defaultPlexVersion } from '../bed/plexServer/build.ts';
import { remedyOf } from '../migration/literalFacts.ts';
import { valuesOf } from './bothSides.ts';
import { faultsOf } from './endings.ts';
import { fillInodes, fillRoom, removeBallast } from './fullDisk.ts';
import type { Outcome, Stage } from './stage.ts';
import { openStage } from './stage.ts';

// Every check of the target that fails is made to fail here, and is done what its remedy says, to the letter: then it passes.

const ready = ['--accept', 'same-version', '--yes', 'existing-library'];
const open = ['migrate', ...ready, '--until', 'open-target'];
const officialImage = 'docker.io/plexinc/pms-docker';
/** What Plex in the pod may take is measured in this; the stand-in takes far less. */
const tooLittleMemory = '256Mi';

let cluster: Cluster;
/** Its release runs an older version than the source, from an image under another name, on a volume that is too small. */
let stage: Stage;
let volume: string;

beforeAll(async () => {
  cluster = await startCluster({ name: 'target-checks' });
  await cluster.importImage(await plexImage({ version: chartPlexVersion }));
  await cluster.tagImage(`${officialImage}:${chartPlexVersion}`, `lscr.io/linuxserver/plex:${chartPlexVersion}`);
  stage = await openStage({ cluster, name: 'checks', targetVersion: chartPlexVersion, release: { claimSizeMb: 512, claimInodes: 1000, values: { image: { registry: 'lscr.io', repository: 'linuxserver/plex' }, pms: { configStorage: '512Mi', resources: { limits: { memory: tooLittleMemory } } } } } });
  volume = stage.release.configHostPath;
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

/** What each check found in a command that was run with `--json`; what ran twice, as it was found last. */
function findingsOf({ stdout }: Outcome): ReadonlyMap<string, CheckOutcome['finding']> {
  const events = stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as RecordedEvent);
  return new Map(events.flatMap((event) => (event.type === 'check-finished' ? [[event.name, event.finding] as const] : [])));
}

async function checked(): Promise<{ readonly exitCode: number; readonly findings: ReturnType<typeof findingsOf> }> {
  const outcome = await stage.plexlift('check', ...ready, '--json');
  return { exitCode: outcome.exitCode, findings: findingsOf(outcome) };
}

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Leaves of the documented role what `choose` gives back. */
async function allowOnly(choose: (rules: readonly Rule[]) => readonly Rule[]): Promise<void> {
  const { namespace } = stage.release;
  const { apiVersion, kind, rules } = JSON.parse(await cluster.run(['get', 'role', 'plexlift', '--namespace', namespace, '--output', 'json'])) as { readonly apiVersion: string; readonly kind: string; readonly rules: readonly Rule[] };
  await cluster.apply({ apiVersion, kind, metadata: { name: 'plexlift', namespace }, rules: choose(rules) });
}

async function helmUpgrade(...words: readonly string[]): Promise<void> {
  const { namespace, release } = stage.release;
  await execa(cluster.helm3, ['upgrade', release, chartDirectory, '--namespace', namespace, '--reuse-values', ...words], { env: helmEnvironment(cluster) });
}

/** Waits until the pod of the newest template serves. */
async function podIsNew(): Promise<void> {
  await cluster.run(['rollout', 'status', `statefulset/${stage.release.fullName}`, '--namespace', stage.release.namespace, '--timeout', '120s']);
  await stage.release.waitForServer();
}

/** The `--set NAME=VALUE` that a remedy tells. */
function settingIn(remedy: string): string {
  return /--set (\S+?)"/.exec(remedy)?.[1] ?? '';
}

/** Does what "Another claim" in docs/checks.md says. */
async function giveAnotherClaim(name: string): Promise<string> {
  const { namespace, release } = stage.release;
  const directory = await cluster.makeVolume({ name, claim: { namespace, name } });
  await cluster.apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', volumeName: name, resources: { requests: { storage: '1Gi' } } } });
  const documented = sectionOf(await readFile(join(import.meta.dirname, '../../docs/checks.md'), 'utf8'), 'Another claim');
  expect(documented).toContain('kubectl delete statefulset --namespace NAMESPACE --selector app.kubernetes.io/instance=RELEASE');
  expect(documented).toContain('--reuse-values --set pms.configExistingClaim=CLAIM');
  await cluster.run(['delete', 'statefulset', '--namespace', namespace, '--selector', `app.kubernetes.io/instance=${release}`]);
  await helmUpgrade('--set', `pms.configExistingClaim=${name}`);
  await podIsNew();
  return directory;
}

function sectionOf(text: string, heading: string): string {
  const begin = text.indexOf(`\n## ${heading}\n`);
  return begin < 0 ? '' : text.slice(begin, text.indexOf('\n## ', begin + 1));
}

test('what a release lacks is told all at once, with remedies that work', async () => {
  const { namespace, podName, fullName } = stage.release;
  await stage.vm.run('ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime');
  await stage.release.shell('mv /usr/bin/tar /usr/bin/tar.away');
  await allowOnly((rules) => rules.map((rule) => (rule.resources[0] === 'pods' ? { ...rule, verbs: ['get'] } : rule)).filter(({ resources }) => resources[0] !== 'pods/portforward'));

  const { exitCode, findings } = await checked();
  expect(exitCode).toBe(3);
  const failed = ['cluster-rights', 'pod-tools', 'image-known', 'volume-room', 'memory-limit', 'same-time-zone'];
  expect(Object.fromEntries(failed.map((name) => [name, findings.get(name)]))).toMatchObject({
    'cluster-rights': { status: 'fail', detail: 'not allowed: delete pods; create, get pods/portforward' },
    'pod-tools': { status: 'fail', detail: 'tar is missing' },
    'image-known': { status: 'fail', detail: `the image is lscr.io/linuxserver/plex:${chartPlexVersion}` },
    'volume-room': { status: 'fail', detail: expect.stringMatching(/ inodes free, .* needed$/) as string },
    'memory-limit': { status: 'fail', detail: expect.stringMatching(/^at most 256 MiB are allowed; the server on the source has taken up to \d+/) as string },
    'same-time-zone': { status: 'warn', detail: 'the source is in Europe/Berlin, the target in Etc/UTC' },
  });
  expect([...findings].filter(([name, { status }]) => status === 'fail' && !failed.includes(name)).map(([name]) => name)).toEqual(['same-version']);

  const remedies = new Map(failed.map((name) => [name, remedyOf(findings.get(name))]));
  const [sentence = '', ...yaml] = remedies.get('cluster-rights')?.split('\n') ?? [];
  expect(sentence).toContain('kubectl apply --filename -');
  expect(parse(yaml.join('\n'))).toMatchObject({ kind: 'List' });
  await cluster.run(['apply', '--filename', '-'], { input: yaml.join('\n') });
  expect(remedies.get('volume-room')).toContain('enlarge the claim');
  expect(remedies.get('pod-tools')).toContain('delete the pod');
  await cluster.run(['scale', `statefulset/${fullName}`, '--replicas', '0', '--namespace', namespace]);
  await cluster.run(['wait', '--for', 'delete', `pod/${podName}`, '--namespace', namespace, '--timeout', '120s']);
  await growVolume(volume, 3072);
  await cluster.run(['scale', `statefulset/${fullName}`, '--replicas', '1', '--namespace', namespace]);
  expect(remedies.get('memory-limit')).toContain('Raise pms.resources.limits.memory');
  expect(remedies.get('same-time-zone')).toContain('scheduled tasks');
  expect(remedies.get('image-known')).toContain('Set image.registry and image.repository');
  const settings = ['image-known', 'memory-limit', 'same-time-zone'].map((name) => settingIn(remedies.get(name) ?? ''));
  expect(settings).toEqual(['image.registry=index.docker.io,image.repository=plexinc/pms-docker', 'pms.resources.limits.memory=2048Mi', 'extraEnv.TZ=Europe/Berlin']);
  await helmUpgrade(...settings.flatMap((setting) => ['--set', setting]));
  await podIsNew();

  const after = await checked();
  expect(after.exitCode).toBe(0);
  expect(failed.map((name) => [name, after.findings.get(name)?.status])).toEqual(failed.map((name) => [name, 'pass']));
});

test('where not even the release may be read, the rights are told all the same', async () => {
  await allowOnly((rules) => rules.filter(({ resources }) => resources[0] !== 'secrets'));
  const outcome = await stage.plexlift('check', ...ready);
  expect(faultsOf(outcome, { exitCode: 3, says: ['not allowed: get, list, create, update secrets', 'kubectl apply --filename -'] })).toEqual([]);
  const yaml = outcome.stderr.slice(outcome.stderr.indexOf('apiVersion: v1')).split('\n');
  const indent = /^ */.exec(yaml.at(1) ?? '')?.[0] ?? '';
  const end = yaml.findIndex((line, position) => position > 0 && !line.startsWith(indent));
  await cluster.run(['apply', '--filename', '-'], { input: yaml.slice(0, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)).join('\n') });
  expect((await stage.plexlift('check', ...ready)).exitCode).toBe(0);
});

test('an image that holds another version than its tag says, and a volume that filled up since, are told before anything is sent', async () => {
  await cluster.tagImage(`${officialImage}:${chartPlexVersion}`, `${officialImage}:${defaultPlexVersion}`);
  expect(await stage.plexlift('migrate', ...ready, '--until', 'examine')).toMatchObject({ exitCode: 0 });
  fillRoom(volume, 100 * 2 ** 20);
  fillInodes(volume, 500);

  const refused = await stage.plexlift(...open, '--json');
  expect(refused.exitCode).toBe(3);
  const findings = findingsOf(refused);
  expect(findings.get('image-as-pinned')).toMatchObject({ status: 'fail', detail: expect.stringMatching(new RegExp(`:${RegExp.escape(defaultPlexVersion)}, pulled as sha256:[0-9a-f]{64}: it holds ${RegExp.escape(chartPlexVersion)}$`)) as string });
  expect(findings.get('volume-room')).toMatchObject({ status: 'fail', detail: expect.stringMatching(/^(?:9|10)\d.*MiB and \d+ inodes free/) as string });
  expect(await stage.vm.run('systemctl is-active plexmediaserver')).toMatchObject({ stdout: expect.stringMatching(/^active/) as string });

  expect(remedyOf(findings.get('image-as-pinned'))).toMatch(/Make the official image of this tag available .*, delete the pod/);
  await cluster.importImage(await plexImage({ version: defaultPlexVersion }));
  await cluster.run(['delete', 'pod', stage.release.podName, '--namespace', stage.release.namespace]);
  expect(remedyOf(findings.get('volume-room'))).toContain('Make room on the volume');
  removeBallast(volume);

  const opened = await stage.plexlift(...open, '--json');
  expect(opened.exitCode).toBe(0);
  expect(['pod-tools', 'image-as-pinned', 'volume-renames', 'volume-keeps-owners', 'volume-room'].map((name) => findingsOf(opened).get(name)?.status)).toEqual(Array.from({ length: 5 }, () => 'pass'));
  expect(findingsOf(opened).get('image-as-pinned')).toMatchObject({ detail: expect.stringMatching(/pulled as sha256:[0-9a-f]{64}$/) as string });
  expect(await stage.plexlift('rollback')).toMatchObject({ exitCode: 0 });
});

test('a volume on another machine is refused, and another claim takes its place', async () => {
  const takeAway = await layOver(volume, ['-o', 'subtype=sshfs']);
  await cluster.run(['delete', 'pod', stage.release.podName, '--namespace', stage.release.namespace]);
  await podIsNew();
  const { exitCode, findings } = await checked();
  expect([exitCode, findings.get('volume-keeps-databases')]).toMatchObject([3, { status: 'fail', detail: expect.stringContaining('/config is on fuse.sshfs') as string }]);
  expect(remedyOf(findings.get('volume-keeps-databases'))).toContain('"Another claim"');

  volume = await giveAnotherClaim('local');
  await takeAway();
  const after = await checked();
  expect([after.exitCode, after.findings.get('volume-keeps-databases')?.status]).toEqual([0, 'pass']);
});

test('a library in which something is mounted is refused before anything is sent, and suits when that is taken away', async () => {
  const [cache, metadata] = ['Cache', 'Metadata'].map((name) => `Library/Application Support/Plex Media Server/${name}`) as [string, string];
  const { extraVolumeMounts } = (await valuesOf(cluster, stage.release)) as { readonly extraVolumeMounts?: readonly object[] };
  const mountInPod = async (...more: readonly object[]): Promise<void> => {
    await helmUpgrade('--set-json', `extraVolumeMounts=${JSON.stringify([...(extraVolumeMounts ?? []), ...more])}`);
    await podIsNew();
  };
  const onNode = join(volume, metadata);
  await mkdir(onNode, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', 'plexlift-test', onNode]);
  await mountInPod({ name: 'pms-transcode', mountPath: join('/config', cache) });

  const refused = await stage.plexlift(...open, '--json');
  expect(refused.exitCode).toBe(3);
  expect(findingsOf(refused).get('volume-renames')).toMatchObject({ status: 'fail', detail: `mounted by itself: "${join('/config', metadata)}", "${join('/config', cache)}"` });
  expect(remedyOf(findingsOf(refused).get('volume-renames'))).toMatch(/"plexlift rollback".*out of extraVolumeMounts .* unmount on the node .* When its pod runs, run the same command again/);

  expect(await stage.plexlift('rollback')).toMatchObject({ exitCode: 0 });
  await execa('umount', [onNode]);
  await mountInPod();
  const opened = await stage.plexlift(...open, '--json');
  expect([opened.exitCode, findingsOf(opened).get('volume-renames')?.status]).toEqual([0, 'pass']);
  expect(await stage.plexlift('rollback')).toMatchObject({ exitCode: 0 });
});

test('a volume that will not change owners is refused before anything is sent, and another claim takes its place', async () => {
  const takeAway = await layOver(volume, ['--chown-deny']);
  const refused = await stage.plexlift(...open, '--json');
  expect(refused.exitCode).toBe(3);
  expect(findingsOf(refused).get('volume-keeps-owners')).toMatchObject({ status: 'fail', detail: expect.stringMatching(/^chown: .*Operation not permitted$/) as string });
  expect(remedyOf(findingsOf(refused).get('volume-keeps-owners'))).toMatch(/"plexlift rollback".*"Another claim"/);

  await takeAway();
  expect(await stage.plexlift('rollback')).toMatchObject({ exitCode: 0 });
  await giveAnotherClaim('own');
  const opened = await stage.plexlift(...open, '--json');
  expect([opened.exitCode, findingsOf(opened).get('volume-keeps-owners')?.status]).toEqual([0, 'pass']);
});
