import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Command } from '../../../src/machines/machine.ts';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import type { RightsRule } from '../../../src/targets/kubernetes/rights.ts';
import { leastRole, rightsRules, rightsWithoutHelm } from '../../../src/targets/kubernetes/rights.ts';
import { rightsCheck, tellingMissingRights } from '../../../src/targets/kubernetes/rightsCheck.ts';
import { remedyOf } from '../../migration/literalFacts.ts';
import type { Answers } from './fakeCluster.ts';
import { listOf, machineWith, recordSecret, statefulSet } from './fakeCluster.ts';

const everyPart = { 'kubectl get secrets': listOf(recordSecret({ values: { ingress: { enabled: true }, httpRoute: { enabled: true } } })) };
const asServiceAccount = { 'kubectl auth whoami': JSON.stringify({ status: { userInfo: { username: 'system:serviceaccount:tools:alex' } } }) };
const forbidden = { exitCode: 1, stderr: 'Error from server (Forbidden): secrets is forbidden: User "alex" cannot list resource "secrets" in API group "" in the namespace "plex"' };

/** kubectl as it answers somebody who may do everything but this. */
function without(rule: Pick<RightsRule, 'resource' | 'group'>, verb: string): Answers {
  const [kind = '', subresource] = rule.resource.split('/');
  const words = `${verb} ${kind}${rule.group === '' ? '' : `.${rule.group}`}${subresource === undefined ? ' --quiet' : ` --subresource=${subresource}`}`;
  return { [`kubectl auth can-i ${words}`]: { exitCode: 1, stderr: '' }, 'kubectl auth can-i': '' };
}

function asked(answers: Answers) {
  return { cluster: clusterOn(machineWith({ 'kubectl get statefulsets': listOf(statefulSet()), ...answers }), { namespace: 'plex', kubectl: 'kubectl', helm: 'helm' }), release: 'plex' };
}

/** The rules of the role in a remedy, and whom it is bound to. */
function roleIn(remedy: string) {
  const { kind, items } = parse(remedy.slice(remedy.indexOf('\n') + 1)) as { kind: string; items: { kind: string; metadata: object; rules?: object[]; subjects?: object[]; roleRef?: object }[] };
  const [role, binding] = items;
  return { kind, kinds: items.map((item) => item.kind), rules: role?.rules, metadata: role?.metadata, sameName: binding?.metadata, roleRef: binding?.roleRef, subjects: binding?.subjects };
}

test('docs/rbac.yaml is what the list gives, to the letter', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs/rbac.yaml'), 'utf8')).toBe(leastRole());
});

test('it can be applied: a service account, a role with the rules that every release needs, and a binding', () => {
  const [account, role, binding] = parseAllDocuments(leastRole()).map((document) => document.toJS() as Record<string, unknown>);
  const metadata = { name: 'plexlift', namespace: 'plex' };

  expect(account).toEqual({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  expect(role).toEqual({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules: rightsRules.filter(({ part }) => part === undefined).map(({ group, resource, verbs }) => ({ apiGroups: [group], resources: [resource], verbs })) });
  expect(binding).toEqual({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'plexlift' }, subjects: [{ kind: 'ServiceAccount', ...metadata }] });
});

test('what parts of the chart need is in it behind the sign of a comment, and becomes rules without it', () => {
  const text = leastRole().replace(/^ {2}# (- apiGroups|  resources|  verbs)/gm, '  $1');
  const role = parseAllDocuments(text)[1]?.toJS() as { rules: object[] };

  expect(role.rules).toHaveLength(rightsRules.length);
});

test('no right is listed twice, and none is a wildcard', () => {
  const rights = rightsRules.flatMap(({ group, resource, verbs }) => verbs.map((verb) => `${verb} ${resource}.${group}`));

  expect(new Set(rights).size).toBe(rights.length);
  expect(rights.filter((right) => right.includes('*'))).toEqual([]);
});

const each = rightsRules.flatMap((rule) => rule.verbs.map((verb) => [verb, rule.resource, rule] as const));

test.each(each)('without the right to %s %s the check fails, and prints exactly that rule', async (verb, resource, rule) => {
  const finding = await rightsCheck(asked({ ...everyPart, ...asServiceAccount, ...without(rule, verb) })).run();

  expect(finding).toMatchObject({ status: 'fail', detail: `not allowed: ${verb} ${resource}${rule.group === '' ? '' : `.${rule.group}`}` });
  expect(remedyOf(finding)).toMatch(/^Let somebody who may grant rights apply this \("kubectl apply --filename -"\):\n/);
  const metadata = { name: expect.stringMatching(/^plexlift-[0-9a-f]{8}$/) as string, namespace: 'plex' };
  const role = roleIn(remedyOf(finding));
  expect(role).toEqual({
    kind: 'List',
    kinds: ['Role', 'RoleBinding'],
    rules: [{ apiGroups: [rule.group], resources: [resource], verbs: [verb] }],
    metadata,
    sameName: role.metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', name: 'alex', namespace: 'tools' }],
  });
});

test('with all of them it passes, and a part that the release lacks is not asked for', async () => {
  const seen: Command[] = [];
  const machine = machineWith({ 'kubectl get secrets': listOf(recordSecret()), 'kubectl get statefulsets': listOf(statefulSet()), 'kubectl auth can-i': '' });
  const cluster = clusterOn({ ...machine, run: (command, options) => (seen.push(command), machine.run(command, options)) }, { namespace: 'plex', kubectl: 'kubectl', helm: 'helm' });

  expect(await rightsCheck({ cluster, release: 'plex' }).run()).toMatchObject({ status: 'pass' });
  expect(seen.some(({ arguments: words }) => words.includes('--subresource=exec'))).toBe(true);
  expect(seen.filter(({ arguments: words }) => words.some((word) => /ingresses|httproutes/.test(word)))).toEqual([]);
});

describe('where a controller owns the release', () => {
  const owned = { 'kubectl get statefulsets': listOf(statefulSet({ annotations: { 'argocd.argoproj.io/tracking-id': 'media-plex:apps/StatefulSet:plex/plex' } })) };
  const helmOnly = each.filter(([verb, , { ofHelm }]) => ofHelm?.includes(verb) === true);

  test.each(helmOnly)('the right to %s %s, which only Helm needs, is not asked for', async (verb, _, rule) => {
    expect(await rightsCheck(asked({ ...everyPart, ...owned, ...without(rule, verb) })).run()).toMatchObject({ status: 'pass' });
  });

  test.each(each.filter((right) => !helmOnly.includes(right)))('the right to %s %s is', async (verb, _, rule) => {
    expect(await rightsCheck(asked({ ...everyPart, ...owned, ...asServiceAccount, ...without(rule, verb) })).run()).toMatchObject({ status: 'fail' });
  });

  test('what is left is on six kinds of objects, and writes to none but pods', () => {
    expect(rightsWithoutHelm.flatMap(({ resource, verbs }) => verbs.filter((verb) => ['create', 'update', 'patch', 'delete'].includes(verb)).map((verb) => `${verb} ${resource}`))).toEqual(['delete pods', 'create pods/exec', 'create pods/portforward']);
    expect(rightsWithoutHelm).toHaveLength(6);
  });

  test.each([
    ['two seem to', listOf(statefulSet({ annotations: { 'argocd.argoproj.io/tracking-id': 'a', 'helm.toolkit.fluxcd.io/name': 'b' } })), 'pass'],
    ['nobody may look', forbidden, 'fail'],
    ['there is no such release', listOf(), 'fail'],
  ] as const)('where %s, a missing right of Helm is a "%3$s"', async (_, statefulSets, status) => {
    const answers = { ...everyPart, 'kubectl get statefulsets': statefulSets, 'kubectl get pods': listOf(), ...asServiceAccount, ...without({ resource: 'services', group: '' }, 'patch') };
    expect(await rightsCheck(asked(answers)).run()).toMatchObject({ status });
  });
});

test('what is applied later does not take the place of what was applied before', async () => {
  const names = await Promise.all(['get', 'delete'].map(async (verb) => roleIn(remedyOf(await rightsCheck(asked({ ...everyPart, ...asServiceAccount, ...without({ group: '', resource: 'pods' }, verb) })).run())).metadata));

  expect(names[0]).not.toEqual(names[1]);
});

test.each([
  ['a person', JSON.stringify({ status: { userInfo: { username: 'alex' } } }), 'alex'],
  ['somebody whom the server cannot name', { exitCode: 1, stderr: 'error: the selfsubjectreviews API is not enabled in the cluster' }, 'PUT YOUR NAME HERE'],
])('the role is bound to %s', async (_, whoami, name) => {
  const finding = await rightsCheck(asked({ ...everyPart, 'kubectl auth whoami': whoami, ...without({ group: '', resource: 'pods' }, 'get') })).run();

  expect(roleIn(remedyOf(finding)).subjects).toEqual([{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name }]);
});

test('what fails for want of a right names every right that is missing, also where the release cannot even be read', async () => {
  const all = asked({ 'kubectl get secrets': forbidden, ...asServiceAccount, 'kubectl auth can-i list secrets': { exitCode: 1, stderr: '' }, 'kubectl auth can-i delete pods': { exitCode: 1, stderr: '' }, 'kubectl auth can-i': '' });
  const work = tellingMissingRights(all, () => all.cluster.kubectl(['get', 'secrets']));

  await expect(work).rejects.toMatchObject({ kind: 'refused', message: 'Cannot do what has to be done in namespace "plex": not allowed: delete pods; list secrets', remedy: expect.stringContaining('kind: RoleBinding') as string });
});

test('what fails for another reason is told as it is', async () => {
  const all = asked({ 'kubectl get secrets': { exitCode: 1, stderr: 'error: something else' } });

  await expect(tellingMissingRights(all, () => all.cluster.kubectl(['get', 'secrets']))).rejects.toMatchObject({ failure: { stderr: 'error: something else' } });
});
