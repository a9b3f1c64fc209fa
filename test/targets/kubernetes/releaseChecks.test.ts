import { expect, test } from 'vitest';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import { releaseChecks } from '../../../src/targets/kubernetes/releaseChecks.ts';
import type { Answers, StatefulSetOptions } from './fakeCluster.ts';
import { listOf, machineWith, recordSecret, scriptConfigMap, scriptVolume, statefulSet } from './fakeCluster.ts';

const argo: StatefulSetOptions = { annotations: { 'argocd.argoproj.io/tracking-id': 'media-plex:apps/StatefulSet:plex/plex-plex-media-server' }, managers: ['argocd-controller'], labels: { 'helm.sh/chart': 'plex-media-server-1.5.0' } };
const flux: StatefulSetOptions = { labels: { 'helm.toolkit.fluxcd.io/name': 'plex', 'helm.toolkit.fluxcd.io/namespace': 'flux-system', 'helm.sh/chart': 'plex-media-server-1.5.0' } };

const sound: Answers = {
  'helm version': 'v3.22.0+g0000000',
  'helm template': '',
  'kubectl get secrets': listOf(recordSecret()),
  'kubectl get statefulsets': listOf(statefulSet()),
};
const owned = (set: StatefulSetOptions, ...records: readonly object[]): Answers => ({ 'kubectl get statefulsets': listOf(statefulSet(set)), 'kubectl get secrets': listOf(...records) });

async function findingOf(name: string, answers: Answers, chart?: string) {
  const cluster = clusterOn(machineWith({ ...sound, ...answers }), { namespace: 'media', kubectl: 'kubectl', helm: 'helm' });
  const check = releaseChecks({ cluster, release: 'plex', helm: 'helm', chart }).find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`there is no check "${name}"`);
  return check.run();
}

test.each<[string, 'pass' | 'warn' | 'fail' | 'skip', readonly string[], Answers]>([
  ['release-owner', 'pass', ['Helm alone'], {}],
  ['release-owner', 'warn', ['Argo CD (Application "media-plex"; argocd.argoproj.io/tracking-id, fields managed by argocd-controller)', 'prints the values to commit', 'kubectl annotate statefulset plex-plex-media-server --namespace media argocd.argoproj.io/tracking-id-'], owned(argo)],
  ['release-owner', 'warn', ['Argo CD (Application "one"', 'label'], owned({ labels: { 'argocd.argoproj.io/instance': 'one' } })],
  ['release-owner', 'warn', ['Argo CD (its Application; fields managed by argocd-controller)', `kubectl patch statefulset plex-plex-media-server --namespace media --type json --patch '[{"op":"test","path":"/metadata/managedFields/1/manager","value":"argocd-controller"},{"op":"remove","path":"/metadata/managedFields/1"}]'`], owned({ managers: ['helm', 'argocd-controller'] })],
  ['release-owner', 'warn', ['Flux (HelmRelease "flux-system/plex"; helm.toolkit.fluxcd.io/name)'], owned(flux, recordSecret())],
  ['release-owner', 'warn', ['Flux (Kustomization "?/apps"'], owned({ labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } })],
  ['release-owner', 'warn', ['Flux (its HelmRelease; fields managed by helm-controller)'], owned({ managers: ['helm-controller'] }, recordSecret())],
  ['release-owner', 'fail', ['Argo CD', 'Flux', 'both have marks', 'Have one of them own it', `\\nArgo CD:\\n  kubectl patch statefulset plex-plex-media-server --namespace media --type json --patch '[{"op":"test","path":"/metadata/managedFields/0/manager","value":"argocd-controller"},{"op":"remove","path":"/metadata/managedFields/0"}]'\\nFlux:\\n  kubectl label statefulset plex-plex-media-server --namespace media helm.toolkit.fluxcd.io/name- && kubectl annotate statefulset plex-plex-media-server --namespace media helm.toolkit.fluxcd.io/name-"`], owned({ ...flux, managers: ['argocd-controller'] }, recordSecret())],

  ['helm-usable', 'pass', ['v3.22.0'], {}],
  ['helm-usable', 'fail', ['v2.17.0', 'target.kubernetes.helm'], { 'helm version': 'v2.17.0' }],
  ['helm-usable', 'skip', ['Argo CD'], owned(argo)],

  ['release-deployed', 'pass', ['revision 3'], {}],
  ['release-deployed', 'fail', ['revision 3 is failed since 2026-11-23T18:15:00Z', 'helm rollback plex 2 --namespace media'], { 'kubectl get secrets': listOf(recordSecret({ revision: 1, status: 'superseded' }), recordSecret({ revision: 2, status: 'superseded' }), recordSecret({ revision: 3, status: 'failed' })) }],
  ['release-deployed', 'fail', ['revision 11 is pending-upgrade since 2026-11-23T18:15:00Z', 'a helm began to upgrade it', 'helm rollback plex 9 --namespace media', 'kubectl delete pod plex-plex-media-server-0 --namespace media'], { 'kubectl get secrets': listOf(recordSecret({ revision: 8, status: 'superseded' }), recordSecret({ revision: 9, status: 'deployed' }), recordSecret({ revision: 10, status: 'failed' }), recordSecret({ revision: 11, status: 'pending-upgrade' })) }],
  ['release-deployed', 'fail', ['revision 1 is pending-install', 'helm uninstall plex --namespace media'], { 'kubectl get secrets': listOf(recordSecret({ revision: 1, status: 'pending-install' })) }],
  ['release-deployed', 'skip', ['Argo CD keeps no record'], owned(argo)],
  ['release-deployed', 'skip', ['Argo CD keeps no record'], owned(argo, recordSecret({ status: 'failed' }))],
  ['release-deployed', 'skip', ['Flux keeps no record'], owned(flux)],
  ['release-deployed', 'fail', ['pending-upgrade'], owned(flux, recordSecret({ revision: 2, status: 'deployed' }), recordSecret({ revision: 3, status: 'pending-upgrade' }))],

  ['official-chart', 'pass', ['plex-media-server 1.5.0'], {}],
  ['official-chart', 'fail', ['k8s-at-home-plex 1.5.0', 'target.kubernetes.release'], { 'kubectl get secrets': listOf(recordSecret({ chart: 'k8s-at-home-plex' })) }],
  ['official-chart', 'pass', ['plex-media-server 1.5.0'], owned(argo)],
  ['official-chart', 'fail', ['plex 6.4.3-beta.1'], owned({ ...argo, labels: { 'helm.sh/chart': 'plex-6.4.3-beta.1' } }, recordSecret())],
  ['official-chart', 'fail', ['no label "helm.sh/chart"'], owned({ ...argo, labels: {} })],

  ['release-renders-same', 'pass', ['plex-media-server 1.5.0'], { 'kubectl get secrets': listOf(recordSecret({ manifest: '---\nkind: Service\nmetadata: { name: plex }\nspec: { a: 1, b: "2" }\n' })), 'helm template': '# Source: x\nspec:\n  b: \'2\'\n  a: 1\nmetadata:\n  name: plex\nkind: Service\n---\n' }],
  ['release-renders-same', 'fail', ['it would change Service "plex", ConfigMap "new"', 'post-renderer'], { 'kubectl get secrets': listOf(recordSecret({ manifest: 'kind: Service\nmetadata: { name: plex }\nspec: { port: "12345678" }\n' })), 'helm template': 'kind: Service\nmetadata: { name: plex }\nspec: { port: "1.2345678e+07" }\n---\nkind: ConfigMap\nmetadata: { name: new }\n' }],
  ['release-renders-same', 'skip', ['Flux renders'], owned(flux, recordSecret())],

  ['init-script-free', 'pass', ['nothing else'], {}],
  ['init-script-free', 'warn', ['2 lines'], { ...owned({ volumes: [scriptVolume] }, recordSecret()), 'kubectl get configmap': scriptConfigMap('#!/bin/sh\necho mine\n') }],
  ['init-script-free', 'pass', ['nothing else'], { ...owned({ volumes: [scriptVolume], initContainers: [{ name: 'plexlift-gate', image: 'i' }] }, recordSecret()), 'kubectl get configmap': scriptConfigMap('the gate') }],
  ['media-not-by-rclone', 'pass', ['not used'], {}],
  ['media-not-by-rclone', 'fail', ['rclone', 'extraVolumes'], owned({ volumes: [{ name: 'rclone-config' }] }, recordSecret())],
])('%s is %s when it should be (%j)', async (name, status, words, answers) => {
  const finding = await findingOf(name, answers);

  expect(finding.status).toBe(status);
  for (const word of words) expect(JSON.stringify(finding).replaceAll('\\"', '"')).toContain(word);
});

test('a release without a record of Helm and without an owner is refused, with what is there in its place', async () => {
  await expect(findingOf('release-deployed', owned({}))).rejects.toMatchObject({ message: expect.stringContaining('Cannot find the Helm release "plex" in namespace "media"'), facts: [expect.stringContaining('StatefulSet "plex-plex-media-server"')] });
  await expect(findingOf('release-deployed', { 'kubectl get secrets': listOf(), 'kubectl get statefulsets': listOf() })).rejects.toMatchObject({ message: expect.stringContaining('Cannot find the Helm release "plex"'), facts: [] });
});

test('a workload that is no StatefulSet with /config is refused, with the chart that made it and what runs', async () => {
  const other = { metadata: { name: 'plex-7d9f-x2', ownerReferences: [{ kind: 'ReplicaSet', name: 'plex-7d9f' }] }, spec: { containers: [{ image: 'lscr.io/linuxserver/plex:1.43.0' }] } };
  const answers = { 'kubectl get secrets': listOf(recordSecret({ chart: 'k8s-at-home-plex' })), 'kubectl get statefulsets': listOf(), 'kubectl get pods': listOf(other) };

  await expect(findingOf('official-chart', answers)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('it has no StatefulSet that mounts /config'),
    facts: ['the release is made from the chart k8s-at-home-plex 1.5.0', 'found instead: pod "plex-7d9f-x2" of ReplicaSet "plex-7d9f", image lscr.io/linuxserver/plex:1.43.0'],
  });
  await expect(findingOf('official-chart', { ...answers, 'kubectl get pods': { exitCode: 1, stderr: 'forbidden' } })).rejects.toMatchObject({ facts: [expect.any(String), expect.stringContaining('could not be looked for')] });
});

test('another chart is used only where it is the official one too', async () => {
  expect(await findingOf('official-chart', { 'helm show chart ./mine': 'name: plex-media-server\nversion: 1.6.0\n' }, './mine')).toMatchObject({ status: 'pass', detail: expect.stringContaining('"./mine"') });
  expect(await findingOf('official-chart', { 'helm show chart ./mine': 'name: jellyfin\nversion: 1.6.0\n' }, './mine')).toMatchObject({ status: 'fail', detail: expect.stringContaining('jellyfin') });
});

test('two owners are refused wherever it matters who it is, with the commands that leave one', async () => {
  await expect(findingOf('official-chart', owned({ ...flux, ...argo, labels: flux.labels ?? {} }, recordSecret()))).rejects.toMatchObject({
    message: expect.stringContaining('marks of Argo CD and Flux'),
    facts: [expect.stringContaining('Argo CD (Application "media-plex"'), 'Flux (HelmRelease "flux-system/plex"; helm.toolkit.fluxcd.io/name)'],
    remedy: expect.stringMatching(/^Have one of them own it, and run the same command again\. .*\nArgo CD:\n {2}kubectl patch .*\nFlux:\n {2}kubectl label .* helm\.toolkit\.fluxcd\.io\/name-$/),
  });
});
