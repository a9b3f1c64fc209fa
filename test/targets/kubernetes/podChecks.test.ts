import { expect, test } from 'vitest';
import type { Gate } from '../../../src/targets/gate/gate.ts';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import { quantityBytes } from '../../../src/targets/kubernetes/memoryLimit.ts';
import { gateChecks, podChecks } from '../../../src/targets/kubernetes/podChecks.ts';
import type { VolumeTrial } from '../../../src/targets/target.ts';
import { remedyOf } from '../../migration/literalFacts.ts';
import type { Answers } from './fakeCluster.ts';
import { listOf, machineWith, statefulSet } from './fakeCluster.ts';

const version = '1.43.0.10492-121068a07';
const digest = `sha256:${'a'.repeat(64)}`;
const goodTools = ['tar tar (GNU tar) 1.35', ...['find', 'xargs'].map((name) => `${name} ${name} (GNU findutils) 4.9.0`), 'sed sed (GNU sed) 4.9', 'grep grep (GNU grep) 3.11', ...['head', 'stat', 'sort'].map((name) => `${name} ${name} (GNU coreutils) 9.4`), ...['flock', 'setpriv'].map((name) => `${name} ${name} from util-linux 2.39.3`), 'curl curl 8.5.0'];
const answered = (lines: readonly string[]): string => [...lines, 'end', ''].join('\n');
const toolsBut = (name: string, said?: string): readonly string[] => goodTools.map((line) => (line.startsWith(`${name} `) ? `${name} ${said ?? ''}` : line));

function podOn(image: string): string {
  return JSON.stringify({
    metadata: { name: 'plex-plex-media-server-0', uid: 'u1' },
    spec: { containers: [{ name: 'plex-pms', image }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'plex-pms', ready: true, state: { running: {} }, imageID: `docker.io/plexinc/pms-docker@${digest}` }] },
  });
}

const inPod = 'kubectl exec --stdin --quiet plex-plex-media-server-0 --container plex-pms --';
const sound: Answers = {
  'kubectl get statefulsets': listOf(statefulSet()),
  'kubectl get pod': podOn(`index.docker.io/plexinc/pms-docker:${version}`),
  [`${inPod} env PLEXLIFT_ROOT=/config sh -s room`]: answered([' 1 2 3 ext4']),
  [`${inPod} env PLEXLIFT_ROOT=/config sh -s tools`]: answered(goodTools),
  [`${inPod} sh -c cat /version.txt`]: `${version}\n`,
};

const kept: readonly VolumeTrial[] = [{ tried: 'whole', fault: null }, { tried: 'rename', fault: null }, { tried: 'replace', fault: null }, { tried: 'owner', fault: null }];

function checksWith(answers: Answers, gate: Partial<Gate> = {}) {
  const here = machineWith({ ...answers, ...Object.fromEntries(Object.entries(sound).filter(([words]) => !(words in answers))) });
  const cluster = clusterOn(here, { namespace: 'plex', kubectl: 'kubectl', helm: 'helm' });
  const whole = { tools: async () => new Map(goodTools.map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)])), trial: async () => kept, ...gate } as Gate;
  const checked = { here, cluster, release: 'plex', withGate: async <Result>(use: (gate: Gate) => Promise<Result>) => use(whole) };
  return { running: podChecks(checked), waiting: gateChecks(checked) };
}

async function findingOf(list: 'running' | 'waiting', name: string, { answers = {}, gate = {} }: { readonly answers?: Answers; readonly gate?: Partial<Gate> }) {
  const check = checksWith(answers, gate)[list].find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`there is no check "${name}"`);
  return check.run();
}

test('in a sound pod every check passes, and the digest of the image is recorded', async () => {
  const { running, waiting } = checksWith({});
  for (const check of [...running, ...waiting]) expect({ name: check.name, ...(await check.run()) }).toMatchObject({ name: check.name, status: 'pass' });

  expect(await findingOf('running', 'image-known', {})).toMatchObject({ detail: `index.docker.io/plexinc/pms-docker:${version}, running as ${digest}` });
  expect(await findingOf('waiting', 'image-as-pinned', {})).toMatchObject({ detail: `index.docker.io/plexinc/pms-docker:${version}, pulled as ${digest}` });
});

test.each(['nfs', 'nfs4', 'cifs', 'smb3', 'fuse.sshfs', 'fuse.glusterfs', 'ceph', '9p'])('databases on %s are refused', async (fileSystem) => {
  const finding = await findingOf('running', 'volume-keeps-databases', { answers: { [`${inPod} env PLEXLIFT_ROOT=/config sh -s room`]: answered([`1 2 3 ${fileSystem}`]) } });

  expect(finding).toMatchObject({ status: 'fail', detail: expect.stringContaining(`/config is on ${fileSystem},`) as string });
  expect(remedyOf(finding)).toContain('"Another claim"');
});

test.each(['ext4', 'xfs', 'btrfs', 'zfs', 'overlay', 'fuseblk', 'virtiofs'])('%s is not taken for a network file system', async (fileSystem) => {
  expect(await findingOf('running', 'volume-keeps-databases', { answers: { [`${inPod} env PLEXLIFT_ROOT=/config sh -s room`]: answered([`1 2 3 ${fileSystem}`]) } })).toMatchObject({ status: 'pass', detail: fileSystem });
});

test.each([
  ['tar is missing', toolsBut('tar')],
  ['tar is "tar (GNU tar) 1.28", and 1.29 is needed', toolsBut('tar', 'tar (GNU tar) 1.28')],
  ['tar is "tar (busybox) 1.36.1", and 1.29 is needed', toolsBut('tar', 'tar (busybox) 1.36.1')],
  ['setpriv is missing', toolsBut('setpriv')],
  ['find is "BusyBox v1.36"', toolsBut('find', 'BusyBox v1.36')],
])('%s: told before the target is opened, and once it is', async (detail, lines) => {
  const before = await findingOf('running', 'pod-tools', { answers: { [`${inPod} env PLEXLIFT_ROOT=/config sh -s tools`]: answered(lines) } });
  const after = await findingOf('waiting', 'pod-tools', { gate: { tools: async () => new Map(lines.map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1) || null])) } });

  for (const finding of [before, after]) {
    expect(finding).toMatchObject({ status: 'fail', detail });
    expect(remedyOf(finding)).toContain('image.repository');
  }
});

test.each([
  ['fail', 'lscr.io/linuxserver/plex:1.43.0', 'image.repository'],
  ['pass', `registry.home:5000/mirror/pms-docker:${version}`, ''],
  ['warn', 'plexinc/pms-docker:latest', 'exact version of the source'],
  ['warn', `plexinc/pms-docker@${digest}`, 'exact version of the source'],
])('%s for the image %s', async (status, image, remedy) => {
  const finding = await findingOf('running', 'image-known', { answers: { 'kubectl get pod': podOn(image) } });

  expect(finding).toMatchObject({ status, detail: expect.stringContaining(image) as string });
  expect(remedyOf(finding)).toContain(remedy);
});

test.each([
  ['1.42.0.1-abcdef123\n', 'it holds 1.42.0.1-abcdef123'],
  ['', 'it does not say which version it holds'],
])('an image with another version in it than its tag says is refused (%j)', async (text, says) => {
  const finding = await findingOf('waiting', 'image-as-pinned', { answers: { [`${inPod} sh -c cat /version.txt`]: text } });

  expect(finding).toMatchObject({ status: 'fail', detail: expect.stringContaining(says) as string });
  expect(remedyOf(finding)).toContain('image.registry');
});

test.each([
  ['volume-renames', 'whole', 'mounted by itself: "/config/Library"', /"plexlift rollback".*out of extraVolumeMounts.*on the node/],
  ['volume-renames', 'rename', 'it was copied instead', /"plexlift rollback".*"Another claim"/],
  ['volume-renames', 'replace', 'the name was gone for a moment', /"plexlift rollback".*"Another claim"/],
  ['volume-keeps-owners', 'owner', 'chown: Operation not permitted', /"plexlift rollback".*"Another claim"/],
] as const)('%s fails when %s comes to nothing, and no other does', async (name, tried, fault, remedy) => {
  const gate = { trial: async () => kept.map((trial) => (trial.tried === tried ? { tried, fault } : trial)) };
  const found = await Promise.all(checksWith({}, gate).waiting.map(async (check) => [check.name, await check.run()] as const));

  expect(found.filter(([, { status }]) => status !== 'pass').map(([failed]) => failed)).toEqual([name]);
  const finding = await findingOf('waiting', name, { gate });
  expect(finding).toMatchObject({ detail: fault });
  expect(remedyOf(finding)).toMatch(remedy);
});

test.each([['512Mi', 512 * 1024 ** 2], ['2Gi', 2 * 1024 ** 3], ['1500M', 1.5e9], ['1.5G', 1.5e9], ['128974848', 128_974_848], ['1e9', 1e9], ['128974848000m', 128_974_848], ['3k', 3000]])('%s is %i bytes', (quantity, bytes) => {
  expect(quantityBytes(quantity)).toBe(bytes);
});

test.each(['', 'much', '5Xi', 'Gi'])('%j is no quantity', (quantity) => expect(() => quantityBytes(quantity)).toThrow('Cannot understand'));
