import { chown, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { installPlexRelease } from './plexRelease.ts';
import type { PlexRelease } from './plexRelease.ts';

/** The first start builds the cluster, Helm and the images. */
const coldStartMs = 1_800_000;
const testMs = 300_000;
const dataDirectory = 'Library/Application Support/Plex Media Server';

describe.skipIf(process.env['PLEXLIFT_E2E'] === undefined)('the Plex image', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster();
  }, coldStartMs);

  afterAll(async () => {
    await cluster.stop();
  }, testMs);

  async function install(namespace: string, extraEnv: Record<string, string>): Promise<PlexRelease> {
    return installPlexRelease(cluster, { namespace, media: [], values: { extraEnv } });
  }

  async function deletePod({ podName, namespace }: PlexRelease): Promise<number> {
    const startedAt = Date.now();
    await cluster.run(['delete', 'pod', podName, '-n', namespace]);
    return Date.now() - startedAt;
  }

  test(
    'kills a server that takes longer than six seconds to stop, and leaves its log of changes',
    async () => {
      const plex = await install('hurried', { STANDIN_STOP_MS: '30000' });
      // Nothing may start again meanwhile, or it would recover the database.
      await cluster.run(['scale', 'statefulset', plex.fullName, '-n', 'hurried', '--replicas=0']);
      const startedAt = Date.now();
      await cluster.run(['wait', '--for=delete', `pod/${plex.podName}`, '-n', 'hurried', '--timeout=100s']);
      expect(Date.now() - startedAt).toBeGreaterThan(4500);
      expect(Date.now() - startedAt).toBeLessThan(15_000);
      expect(await writeAheadLogs(plex)).not.toEqual([]);
    },
    testMs,
  );

  test(
    'lets a slow server stop in peace when S6_SERVICES_GRACETIME is raised',
    async () => {
      const plex = await install('patient', { STANDIN_STOP_MS: '12000', S6_SERVICES_GRACETIME: '90000' });
      await cluster.run(['scale', 'statefulset', plex.fullName, '-n', 'patient', '--replicas=0']);
      const startedAt = Date.now();
      await cluster.run(['wait', '--for=delete', `pod/${plex.podName}`, '-n', 'patient', '--timeout=100s']);
      expect(Date.now() - startedAt).toBeGreaterThan(12_000);
      expect(Date.now() - startedAt).toBeLessThan(30_000);
      expect(await writeAheadLogs(plex)).toEqual([]);
    },
    testMs,
  );

  test(
    'takes the service down and up while the container lives',
    async () => {
      const plex = await install('serviced', { STANDIN_STOP_MS: '500' });
      await plex.shell('/plex_service.sh -d');
      await until(async () => (await writeAheadLogs(plex)).length === 0);
      await expect(fetch(`${await plex.serverUrl()}/identity`)).rejects.toThrow('fetch failed');
      await plex.shell('/plex_service.sh -u');
      await plex.waitForServer();
      const before = await plex.shell('pidof "Plex Media Server"');
      await plex.shell('/plex_service.sh -r');
      await until(async () => !['', before].includes(await plex.shell('pidof "Plex Media Server" || true')));
      expect(await cluster.run(['get', 'pod', plex.podName, '-n', 'serviced', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'])).toBe('0');
    },
    testMs,
  );

  test(
    'prepares settings and owners at every start of the pod',
    async () => {
      const plex = await install('owned', { PLEX_UID: '2000', PLEX_GID: '2001', ADVERTISE_IP: 'https://plex.example/?a=1&b=2', STANDIN_STOP_MS: '200' });
      const data = join(plex.configHostPath, dataDirectory);
      const preferencesFile = join(data, 'Preferences.xml');
      expect(await owner(preferencesFile)).toBe('2000:2001');
      const first = await readFile(preferencesFile, 'utf8');
      expect(first).toContain('customConnections="https://plex.example/?a=1&amp;b=2"');
      expect(first).toContain('TranscoderTempDirectory="/transcode"');

      await cluster.run(['scale', 'statefulset', plex.fullName, '-n', 'owned', '--replicas=0']);
      await cluster.run(['wait', '--for=delete', `pod/${plex.podName}`, '-n', 'owned', '--timeout=60s']);
      const processed = /\sProcessedMachineIdentifier="([^"]*)"/.exec(first)?.[1];
      const edited = first.replace('"/transcode"', '"/mnt/scratch"').replace(/\sProcessedMachineIdentifier="[^"]*"/, '');
      await writeFile(preferencesFile, edited.replace(/customConnections="[^"]*"/, 'customConnections="old"'));
      const other = join(plex.configHostPath, 'foreign');
      await writeFile(other, '');
      await cluster.run(['scale', 'statefulset', plex.fullName, '-n', 'owned', '--replicas=1']);
      await plex.waitForServer();
      const second = await readFile(preferencesFile, 'utf8');
      expect(second).toContain('TranscoderTempDirectory="/mnt/scratch"');
      expect(second).toContain('customConnections="https://plex.example/?a=1&amp;b=2"');
      expect(second).toContain(`ProcessedMachineIdentifier="${processed}"`);
      // Preferences.xml has the right owner, so nothing else is looked at.
      expect(await owner(other)).toBe('0:0');

      await chown(preferencesFile, 0, 0);
      await deletePod(plex);
      await plex.waitForServer();
      expect(await owner(preferencesFile)).toBe('2000:2001');
      expect(await owner(other)).toBe('2000:2001');
    },
    testMs,
  );

  test(
    'leaves a wrong owner alone when told so',
    async () => {
      const plex = await install('left', { CHANGE_CONFIG_DIR_OWNERSHIP: 'false', STANDIN_STOP_MS: '200' });
      const foreign = join(plex.configHostPath, dataDirectory, 'foreign');
      await writeFile(foreign, '');
      await deletePod(plex);
      await plex.waitForServer();
      expect(await owner(foreign)).toBe('0:0');
      expect(await plex.shell('tar --version | head -1; cat /version.txt')).toMatch(/1\.35\n1\.43\.0\.10492-121068a07$/);
      expect(await cluster.run(['logs', plex.podName, '-n', 'left'])).not.toContain('Attempting to upgrade');
    },
    testMs,
  );
});

async function writeAheadLogs(plex: PlexRelease): Promise<string[]> {
  const databases = join(plex.configHostPath, dataDirectory, 'Plug-in Support/Databases');
  return (await readdir(databases)).filter((name) => name.endsWith('-wal'));
}

async function owner(path: string): Promise<string> {
  const { uid, gid } = await stat(path);
  return `${uid}:${gid}`;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error('Cannot go on: the condition did not become true within a minute');
    }
    await sleep(300);
  }
}
