import { expect, test } from 'vitest';
import { kubernetesChecks } from '../../../src/targets/kubernetes/checks.ts';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import type { Answers } from './fakeCluster.ts';
import { listOf, machineWith, pod, recordSecret, statefulSet } from './fakeCluster.ts';

const sound: Answers = {
  'kubectl version': JSON.stringify({ clientVersion: { gitVersion: 'v1.34.5' }, serverVersion: { gitVersion: 'v1.34.4' } }),
  'helm template': '',
  'helm version': 'v3.22.0+g0000000',
  'kubectl get secrets': listOf(recordSecret()),
  'kubectl get statefulsets': listOf(statefulSet()),
  'kubectl get pods': listOf(),
  'kubectl get pod': JSON.stringify(pod()),
  'kubectl auth can-i': '',
};

function checksWith(answers: Answers) {
  const cluster = clusterOn(machineWith({ ...answers, ...without(sound, answers) }), { namespace: 'plex', kubectl: 'kubectl', helm: 'helm' });
  return kubernetesChecks({ cluster, release: 'plex', kubectl: 'kubectl', helm: 'helm' });
}

/** The sound answers that the given ones do not replace; the given ones come first, so that longer words win. */
function without(all: Answers, given: Answers): Answers {
  return Object.fromEntries(Object.entries(all).filter(([words]) => !(words in given)));
}

async function findingOf(name: string, answers: Answers) {
  const check = checksWith(answers).find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`there is no check "${name}"`);
  return check.run();
}

test('a sound release passes every check', async () => {
  for (const check of checksWith({})) expect({ name: check.name, ...(await check.run()) }).toMatchObject({ name: check.name, status: 'pass' });
});

test.each<[string, 'warn' | 'fail', string, Answers]>([
  ['cluster-answers', 'fail', 'did not answer', { 'kubectl version': JSON.stringify({ clientVersion: { gitVersion: 'v1.34.5' } }) }],
  ['cluster-answers', 'warn', 'v1.24.1', { 'kubectl version': JSON.stringify({ clientVersion: { gitVersion: 'v1.34.5' }, serverVersion: { gitVersion: 'v1.24.1' } }) }],
  ['one-server', 'fail', '0 replicas', { 'kubectl get statefulsets': listOf(statefulSet({ replicas: 0 })) }],
  ['pod-runs', 'warn', 'Running', { 'kubectl get pod': JSON.stringify(pod({ name: 'plex-pms', state: { waiting: { reason: 'CrashLoopBackOff' } } })) }],
  ['pod-runs', 'warn', 'none', { 'kubectl get pod': '' }],
])('%s is %s when it should be (%s)', async (name, status, words, answers) => {
  const finding = await findingOf(name, answers);

  expect(finding.status).toBe(status);
  expect(finding.status === 'skip' ? '' : finding.detail).toContain(words);
  expect(finding.status === 'warn' || finding.status === 'fail' ? finding.remedy : '').not.toBe('');
});

test('names of checks are unique', () => {
  const names = checksWith({}).map((check) => check.name);

  expect(new Set(names).size).toBe(names.length);
});
