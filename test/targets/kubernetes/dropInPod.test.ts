import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { thisComputer } from '../../../src/machines/localMachine.ts';
import type { Command, Machine } from '../../../src/machines/machine.ts';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import { dropInPod } from '../../../src/targets/kubernetes/dropInPod.ts';
import { listOf, machineWith, pod, statefulSet } from './fakeCluster.ts';

/** A cluster with this pod, whose containers are this computer, or what `instead` is. */
function scene(thePod: object, instead?: Command) {
  const asked: string[] = [];
  const here: Machine = {
    ...machineWith({ 'kubectl get statefulsets': listOf(statefulSet()), 'kubectl get pod ': JSON.stringify(thePod) }),
    open(command) {
      const words = command.arguments;
      asked.push(words[words.indexOf('--container') + 1] ?? '');
      const [program = '', ...rest] = words.slice(words.indexOf('--') + 1);
      return thisComputer().open(instead ?? { program, arguments: rest });
    },
  };
  const cluster = clusterOn(here, { namespace: 'plex', kubectl: 'kubectl', helm: 'helm' });
  return { asked, drop: (bytes: Readable) => dropInPod({ here, cluster, release: 'plex' }, bytes) };
}

const megabytes = () => Readable.from(Array.from({ length: 48 }, () => Buffer.alloc(65_536)));
const withGate = { metadata: { name: 'plex-plex-media-server-0', uid: 'u1' }, status: { phase: 'Pending', initContainerStatuses: [{ name: 'plexlift-gate', state: { running: {} } }] } };

test.each([
  { what: "the server's container, where that runs", thePod: pod(), container: 'plex-pms' },
  { what: 'the gate, where that waits', thePod: withGate, container: 'plexlift-gate' },
])('bytes are taken to the last by $what', async ({ thePod, container }) => {
  const { asked, drop } = scene(thePod);
  const bytes = megabytes();
  await drop(bytes);
  expect(bytes.readableEnded).toBe(true);
  expect(asked).toEqual([container]);
});

test('where nothing runs, or it ends before it took everything, that is told with its own words', async () => {
  await expect(scene(pod({ name: 'plex-pms', state: { waiting: { reason: 'ImagePullBackOff' } } })).drop(megabytes())).rejects.toThrow('none of its containers runs');
  await expect(scene(pod(), { program: 'sh', arguments: ['-c', 'echo "connection lost" >&2; exit 1'] }).drop(megabytes())).rejects.toThrow('connection lost');
});

test('where only a part arrives, although kubectl ends well, that is no measure of the way', async () => {
  const losing = scene(pod(), { program: 'sh', arguments: ['-c', 'head -c 1000 | wc -c; cat >/dev/null'] });
  await expect(losing.drop(megabytes())).rejects.toThrow('of 3145728 bytes sent, it says that "1000" arrived');
  const mute = scene(pod(), { program: 'sh', arguments: ['-c', 'cat >/dev/null'] });
  await expect(mute.drop(megabytes())).rejects.toThrow('it says that "" arrived');
});
