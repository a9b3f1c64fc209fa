import { expect, test } from 'vitest';
import type { Command } from '../../../src/machines/machine.ts';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import { currentPod } from '../../../src/targets/kubernetes/workload.ts';
import { listOf, machineWith, pod, statefulSet } from './fakeCluster.ts';

const name = 'plex-plex-media-server-0';

/** A cluster with one StatefulSet and its pod of revision "rev-1"; once that is deleted, there is none. */
function clusterWith(status: { readonly updateRevision: string; readonly observedGeneration: number }) {
  const deleted: string[] = [];
  const set = { ...statefulSet(), status };
  const withGeneration = { ...set, metadata: { name: 'plex-plex-media-server', generation: 2 } };
  const machine = {
    ...machineWith({}),
    async run(command: Command) {
      const words = command.arguments.join(' ');
      if (words.includes('delete pod')) deleted.push(words);
      const stdout = words.includes('get statefulsets') ? listOf(withGeneration) : words.includes('get pod') && deleted.length === 0 ? JSON.stringify(pod()) : '';
      return { exitCode: 0, stdout, stderr: '' };
    },
  };
  return { cluster: clusterOn(machine, { namespace: 'plex', kubectl: 'kubectl', helm: 'helm' }), deleted };
}

test('a pod of the newest template is the current one, and stays', async () => {
  const { cluster, deleted } = clusterWith({ updateRevision: 'rev-1', observedGeneration: 2 });
  expect(await currentPod(cluster, 'plex')).toMatchObject({ metadata: { name } });
  expect(deleted).toEqual([]);
});

test('a pod of an older template is deleted, because nobody else replaces one that is not Ready', async () => {
  const { cluster, deleted } = clusterWith({ updateRevision: 'rev-2', observedGeneration: 2 });
  expect(await currentPod(cluster, 'plex')).toBeNull();
  expect(deleted).toHaveLength(1);
});

test('nothing is said of a pod before the controller has seen the last change', async () => {
  const { cluster, deleted } = clusterWith({ updateRevision: 'rev-1', observedGeneration: 1 });
  expect(await currentPod(cluster, 'plex')).toBeNull();
  expect(deleted).toEqual([]);
});
