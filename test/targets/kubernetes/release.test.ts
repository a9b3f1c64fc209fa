import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Command, RunOptions } from '../../../src/machines/machine.ts';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import { readRelease, upgradeRelease } from '../../../src/targets/kubernetes/release.ts';
import { isRunning, troubleOf, type Pod } from '../../../src/targets/kubernetes/workload.ts';
import { listOf, machineWith, recordSecret } from './fakeCluster.ts';

const options = { namespace: 'plex', context: 'home', kubectl: 'kubectl', helm: 'helm' };

test('the newest record of a release is read, by number and not by text', async () => {
  const cluster = clusterOn(machineWith({ kubectl: listOf(recordSecret({ revision: 9 }), recordSecret({ revision: 10, values: { a: 1 } })) }), options);

  expect(await readRelease(cluster, 'plex')).toMatchObject({ revision: 10, status: 'deployed', values: { a: 1 } });
});

test('no record is no release', async () => {
  expect(await readRelease(clusterOn(machineWith({ kubectl: listOf() }), options), 'plex')).toBeNull();
});

test('a record that is no record is refused, not taken for none', async () => {
  const broken = { metadata: { labels: { version: '1' } }, data: { release: 'AAAA' } };

  await expect(readRelease(clusterOn(machineWith({ kubectl: listOf(broken) }), options), 'plex')).rejects.toThrow("Cannot read Helm's record");
});

test('an upgrade uses the recorded chart, and keeps values out of arguments and files', async () => {
  const seen: { command: Command; files: string; chart: string; values: unknown }[] = [];
  const machine = {
    ...machineWith({}),
    async run(command: Command, { input }: RunOptions = {}) {
      const directory = command.arguments[2] ?? '';
      const files = readdirSync(dirname(directory), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'));
      seen.push({ command, files: files.join('\n'), chart: readFileSync(join(directory, 'templates/a.yaml'), 'utf8'), values: JSON.parse(String(input)) });
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  };
  const release = await readRelease(clusterOn(machineWith({ kubectl: listOf(recordSecret({ templates: [{ name: 'templates/a.yaml', text: 'kind: A' }] })) }), options), 'plex');
  if (release === null) throw new Error('the release was not read');

  const scratchDirectory = mkdtempSync(join(tmpdir(), 'plexlift-release-test-'));
  onTestFinished(() => rmSync(scratchDirectory, { recursive: true }));
  await upgradeRelease(clusterOn(machine, { ...options, scratchDirectory }), { release: 'plex', chart: release.chart, values: { secret: 'PLEX_CLAIM-value' }, description: 'd' });

  expect(seen[0]).toMatchObject({ chart: 'kind: A', values: { secret: 'PLEX_CLAIM-value' } });
  expect(seen[0]?.files).toContain('name: plex-media-server');
  expect(seen[0]?.files).not.toContain('PLEX_CLAIM-value');
  expect(seen[0]?.command.arguments.join(' ')).not.toContain('PLEX_CLAIM-value');
  expect(seen[0]?.command.arguments).toEqual(expect.arrayContaining(['--reset-values', '--values', '-', '--kube-context', 'home', '--namespace', 'plex']));
  expect(seen[0]?.command.arguments).not.toEqual(expect.arrayContaining([expect.stringMatching(/^--(wait|atomic)/)]));
  expect(seen[0]?.command.arguments[2]).toMatch(new RegExp(`^${RegExp.escape(scratchDirectory)}/`));
  expect(readdirSync(scratchDirectory)).toEqual([]);
});

test('a chart that names files outside itself is refused', async () => {
  const release = await readRelease(clusterOn(machineWith({ kubectl: listOf(recordSecret({ templates: [{ name: '../../evil', text: 'x' }] })) }), options), 'plex');
  if (release === null) throw new Error('the release was not read');

  await expect(upgradeRelease(clusterOn(machineWith({ helm: '' }), options), { release: 'plex', chart: release.chart, values: {}, description: 'd' })).rejects.toThrow('outside itself');
});

const podWith = (initState: Pod['status']['containerStatuses'][number]['state'], deletionTimestamp?: string): Pod => ({
  metadata: { name: 'p', uid: 'u', labels: {}, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
  status: { phase: 'Pending', initContainerStatuses: [{ name: 'plexlift-gate', ready: false, state: initState }], containerStatuses: [], conditions: [] },
});

test('a pod that is being deleted runs nothing that can be relied on', () => {
  expect(isRunning(podWith({ running: {} }), 'plexlift-gate')).toBe(true);
  expect(isRunning(podWith({ running: {} }, '2026-11-23T18:00:00Z'), 'plexlift-gate')).toBe(false);
  expect(isRunning(null, 'plexlift-gate')).toBe(false);
});

test('an image that cannot be pulled is trouble, a container that is being made is not', () => {
  expect(troubleOf(podWith({ waiting: { reason: 'ErrImagePull', message: 'not found' } }))).toBe('container "plexlift-gate": ErrImagePull, not found');
  expect(troubleOf(podWith({ waiting: { reason: 'PodInitializing' } }))).toBeNull();
});
