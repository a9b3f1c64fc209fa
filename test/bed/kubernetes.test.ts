import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp } from './kubernetes/bedRecord.ts';
import { startCluster } from './kubernetes/cluster.ts';
import type { Cluster } from './kubernetes/cluster.ts';
import { chartPlexVersion } from './kubernetes/plexImage.ts';
import { helmEnvironment, installPlexRelease } from './kubernetes/plexRelease.ts';
import { cgroupsOf, containersOf, tracesOf } from './kubernetes/traces.ts';

/** The first start builds the cluster, Helm and the images. */
const coldStartMs = 1_800_000;
const testMs = 300_000;

/** An init script that waits for a file, as plexlift's gate does, and ends at once when the pod is deleted. */
const waitingScript = `#!/bin/sh
trap 'exit 0' TERM
until [ -e /config/go ]; do sleep 0.2 & wait $!; done
`;

describe.skipIf(process.env['PLEXLIFT_E2E'] === undefined)('the Kubernetes bed', () => {
  let cluster: Cluster;
  let media: string;

  beforeAll(async () => {
    media = await mkdtemp(join(tmpdir(), 'plexlift-media-'));
    await writeFile(join(media, 'film.mkv'), 'film');
    cluster = await startCluster({ name: 'home' });
  }, coldStartMs);

  afterAll(async () => {
    await cluster.stop();
    await rm(media, { recursive: true });
  }, testMs);

  test(
    'runs a Plex release whose pod can be entered, deleted and reached',
    async () => {
      const library = { name: 'library', hostPath: media, mountPath: '/media/library' };
      const plex = await installPlexRelease(cluster, { media: [library], values: { extraEnv: { ALLOWED_NETWORKS: '10.0.0.0/8' } } });
      const { podName, namespace, fullName } = plex;

      expect(fullName).toBe('plex-plex-media-server');
      expect(await plex.shell('cat /media/library/film.mkv')).toBe('film');
      const preferences = await readFile(join(plex.configHostPath, 'Library/Application Support/Plex Media Server/Preferences.xml'), 'utf8');
      expect(preferences).toContain('TranscoderTempDirectory="/transcode"');
      expect(preferences).toContain('allowedNetworks="10.0.0.0/8"');
      expect(await cluster.run(['logs', podName, '-n', namespace])).toContain('Starting Plex Media Server.');

      const service = await cluster.run(['get', 'service', fullName, '-n', namespace, '-o', 'jsonpath={.spec.clusterIP}']);
      expect((await fetch(`http://${service}:32400/identity`)).status).toBe(200);
      expect(await throughPortForward(cluster, [`pod/${podName}`, '-n', namespace])).toBe(200);

      const first = await podUid(cluster, podName);
      await cluster.run(['delete', 'pod', podName, '-n', namespace]);
      await plex.waitForServer();
      expect(await podUid(cluster, podName)).not.toBe(first);
      const again = await readFile(join(plex.configHostPath, 'Library/Application Support/Plex Media Server/Preferences.xml'), 'utf8');
      expect(attribute(again, 'MachineIdentifier')).toBe(attribute(preferences, 'MachineIdentifier'));

      await plex.uninstall();
      await expect(stat(plex.configHostPath)).rejects.toThrow('ENOENT');
    },
    testMs,
  );

  test.each(['helm3', 'helm4'] as const)(
    'holds Plex back in an init container that can be entered, installed by %s',
    async (helm) => {
      const plex = await installPlexRelease(cluster, {
        namespace: `held-${helm}`,
        media: [],
        helm,
        wait: false,
        claimSizeMb: 64,
        claimInodes: 1000,
        values: { initContainer: { script: waitingScript } },
      });
      const inInit = ['exec', '-i', plex.podName, '-n', plex.namespace, '-c', `${plex.fullName}-pms-init`, '--', 'sh', '-c'];
      await eventually(async () => cluster.run([...inInit, 'true']));

      // The shell keeps its standard output: containerd may close the input of a command that has given up its own.
      await cluster.run([...inInit, 'cat >/config/received && echo received'], { input: 'through the pod' });
      expect(await readFile(join(plex.configHostPath, 'received'), 'utf8')).toBe('through the pod');
      await expect(cluster.run([...inInit, 'dd if=/dev/zero of=/config/big bs=1M count=100'])).rejects.toThrow('No space left on device');
      await cluster.run([...inInit, 'rm /config/big']);
      expect(await cluster.run([...inInit, 'ls -l /init/ | grep init.sh'])).toContain('init.sh');

      const startedAt = Date.now();
      await cluster.run(['delete', 'pod', plex.podName, '-n', plex.namespace]);
      // The chart's grace period is 120 s, which a script without a trap would take whole.
      expect(Date.now() - startedAt).toBeLessThan(30_000);

      await eventually(async () => cluster.run([...inInit, 'touch /config/go']));
      await plex.waitForServer();
      const { stdout } = await execa(cluster[helm], ['list', '-n', plex.namespace, '-o', 'json'], { env: helmEnvironment(cluster) });
      expect(JSON.parse(stdout)).toMatchObject([{ name: 'plex', chart: 'plex-media-server-1.5.0', app_version: '1.43.0' }]);
      await plex.uninstall();
    },
    testMs,
  );

  test.each(['helm3', 'helm4'] as const)(
    'runs an extra init container from the Plex image with the same script, installed by %s',
    async (helm) => {
      const name = `extra-${helm}`;
      const gate = {
        name: 'gate',
        image: `index.docker.io/plexinc/pms-docker:${chartPlexVersion}`,
        command: ['/bin/sh', '/script/init.sh'],
        env: [{ name: 'GATE', value: 'yes' }],
        volumeMounts: [
          { name: 'pms-config', mountPath: '/config' },
          { name: 'init-script-configmap', mountPath: '/script' },
        ],
      };
      const script = waitingScript.replace('until', '[ -n "${GATE:-}" ] || { echo "passing by"; exit 0; }\nuntil');
      const plex = await installPlexRelease(cluster, {
        namespace: name,
        media: [],
        helm,
        wait: false,
        values: { initContainer: { script }, extraInitContainers: [gate], statefulSet: { podAnnotations: { run: name } } },
      });
      const inGate = ['exec', '-i', plex.podName, '-n', name, '-c', 'gate', '--', 'sh', '-c'];
      await eventually(async () => cluster.run([...inGate, 'true']));
      expect(await cluster.run([...inGate, 'tar --version | head -1'])).toContain('GNU tar');
      expect(await cluster.run(['logs', plex.podName, '-n', name, '-c', `${plex.fullName}-pms-init`])).toBe('passing by');
      expect(await cluster.run(['get', 'pod', plex.podName, '-n', name, '-o', 'jsonpath={.metadata.annotations.run}'])).toBe(name);
      await cluster.run([...inGate, 'touch /config/go']);
      await plex.waitForServer();
      await plex.uninstall();
    },
    testMs,
  );

  test(
    'says at once that an image it does not have cannot be pulled',
    async () => {
      const plex = await installPlexRelease(cluster, { namespace: 'missing', media: [], wait: false, values: { image: { tag: '9.9.9' } } });
      const reason = 'jsonpath={.status.containerStatuses[0].state.waiting.reason}';
      await eventually(async () => {
        expect(await cluster.run(['get', 'pod', plex.podName, '-n', 'missing', '-o', reason])).toMatch(/^(ErrImagePull|ImagePullBackOff)$/);
      });
      await plex.uninstall();
    },
    testMs,
  );

  test('grants nothing to an account without a role', async () => {
    await cluster.run(['create', 'serviceaccount', 'nobody']);
    const canI = cluster.run(['auth', 'can-i', 'get', 'pods', '--as=system:serviceaccount:default:nobody']);
    await expect(canI).rejects.toThrow('no');
  });

  test(
    'leaves nothing behind',
    async () => {
      const other = await startCluster();
      const plex = await installPlexRelease(other, { media: [], claimSizeMb: 64 });
      const containers = await containersOf(other.directory);
      await expectTraces(other, ['Plex Media Server', plex.configHostPath]);
      expect(await cgroupsOf(containers)).not.toEqual([]);

      await other.stop();
      expect(await tracesOf(other)).toEqual([]);
      expect(await cgroupsOf(containers)).toEqual([]);
    },
    testMs,
  );

  test(
    'removes what a killed process left behind',
    async () => {
      const moduleUrl = (name: string) => JSON.stringify(new URL(`kubernetes/${name}`, import.meta.url).href);
      const program = `const { startCluster } = await import(${moduleUrl('cluster.ts')});
        const { alpineImage, alpineImageName } = await import(${moduleUrl('images.ts')});
        const { directory, nodeAddress, run, importImage, makeVolume } = await startCluster();
        await importImage(await alpineImage());
        await makeVolume({ name: 'orphan', sizeMb: 16 });
        await run(['run', 'orphan', '--image=' + alpineImageName, '--', 'sleep', '1000']);
        await run(['wait', '--for=condition=Ready', 'pod/orphan', '--timeout=60s']);
        process.stdout.write(JSON.stringify({ directory, nodeAddress }) + '\\n');
        setInterval(() => {}, 1000);`;
      const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(owner.stdout, 'data')) as [Buffer];
      const bed = JSON.parse(line.toString()) as Pick<Cluster, 'directory' | 'nodeAddress'>;
      owner.kill('SIGKILL');
      await once(owner, 'exit');
      const containers = await containersOf(bed.directory);
      await expectTraces(bed, ['sleep 1000', 'orphan.ext4']);

      await cleanUp();
      expect(await tracesOf(bed)).toEqual([]);
      expect(await cgroupsOf(containers)).toEqual([]);
    },
    testMs,
  );
});

/** Proves that `tracesOf` sees every kind of trace while the bed is there, so that an empty answer later means something. */
async function expectTraces(bed: Pick<Cluster, 'directory' | 'nodeAddress'>, more: readonly string[]): Promise<void> {
  const traces = (await tracesOf(bed)).join('\n');
  for (const part of ['containerd-shim', 'kubelet', ' overlay ', '/run/netns/', 'veth|plk8s', '/var/lib/cni', '/var/log/containers', ...more]) {
    expect(traces).toMatch(new RegExp(part));
  }
}

async function podUid(cluster: Cluster, name: string): Promise<string> {
  return cluster.run(['get', 'pod', name, '-n', 'plex', '-o', 'jsonpath={.metadata.uid}']);
}

function attribute(xml: string, name: string): string | undefined {
  return new RegExp(`\\s${name}="([^"]*)"`).exec(xml)?.[1];
}

/** The HTTP status of /identity through `kubectl port-forward`. */
async function throughPortForward(cluster: Cluster, args: readonly string[]): Promise<number> {
  const forward = spawn(cluster.kubectl, ['port-forward', ...args, ':32400'], {
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(forward.stdout, 'data')) as [Buffer];
    const port = /127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1] ?? '';
    return (await fetch(`http://127.0.0.1:${port}/identity`)).status;
  } finally {
    forward.kill();
    await once(forward, 'exit');
  }
}

/** Tries until it succeeds, for a minute; then the last error is thrown. */
async function eventually(action: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      await action();
      return;
    } catch (error) {
      if (Date.now() > deadline) {
        throw error;
      }
    }
    await sleep(300);
  }
}
