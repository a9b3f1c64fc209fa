import { execa } from 'execa';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { rightsRules, roleWith } from '../../src/targets/kubernetes/rights.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { rightsAskedFor, rightsIn } from '../bed/kubernetes/leastRights.ts';
import { chartDirectory, helmEnvironment } from '../bed/kubernetes/plexRelease.ts';
import { requireExit } from './interruption.ts';
import { configuredAs } from './otherConfigurations.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';

const migrate = ['migrate', '--yes', 'existing-library', '--yes', 'stop-source'];
/** How many revisions Helm keeps by default; plexlift tells it to keep all, or the next one would need the right to drop the oldest. */
const keptRevisions = 10;

let cluster: Cluster;
let stage: Stage;

beforeAll(async () => {
  cluster = await startCluster({ name: 'rights' });
  await cluster.apply(httpRoutes);
  await cluster.run(['wait', '--for', 'condition=Established', 'customresourcedefinition/httproutes.gateway.networking.k8s.io', '--timeout', '60s']);
  // Made by Helm 4, which applies every object at each upgrade.
  stage = await openStage({ cluster, name: 'rights', helm: 'helm4', release: { values: { ingress: { enabled: true, url: 'https://plex.home' }, httpRoute: { enabled: true, parentRefs: [{ name: 'gateway' }], hostnames: ['plex.home'] } } } });
  const { namespace } = stage.release;
  const parts = rightsRules.filter(({ part }) => part !== undefined);
  await cluster.run(['apply', '--filename', '-'], { input: roleWith(parts, { namespace, subject: { kind: 'ServiceAccount', name: 'plexlift', namespace } }) });
  for (let revision = 2; revision <= keptRevisions; revision += 1) await upgrade();
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

async function upgrade(...words: readonly string[]): Promise<void> {
  const { namespace, release } = stage.release;
  await execa(cluster.helm4, ['upgrade', release, chartDirectory, '--reuse-values', '--namespace', namespace, ...words], { env: helmEnvironment(cluster) });
}

/** Changes a value, and waits for the pod that the upgrade puts in the place of the former one: who migrates looks at the release as it runs. */
async function upgradeTo(value: string): Promise<void> {
  await upgrade('--set', value);
  await cluster.run(['rollout', 'status', `statefulset/${stage.release.fullName}`, '--namespace', stage.release.namespace, '--timeout', '180s']);
  await stage.release.waitForServer();
}

/** The kind that the Gateway API's HTTPRoute is, as far as Helm has to know it. */
const httpRoutes = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'httproutes.gateway.networking.k8s.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in' } },
  spec: {
    group: 'gateway.networking.k8s.io',
    scope: 'Namespaced',
    names: { kind: 'HTTPRoute', plural: 'httproutes' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
  },
};

test('under the documented role everything can be done and undone, with both Helms, and every right of it is used', async () => {
  requireExit(await stage.plexlift(...migrate), 0);
  requireExit(await stage.plexlift('rollback'), 0);
  const withHelm3 = await configuredAs(stage, 'helm3', (configuration) => Object.assign(configuration.target.kubernetes, { helm: cluster.helm3 }));
  // A script of the user's own, in the place of which the gate's comes and goes.
  await upgradeTo('initContainer.script=#!/bin/sh');
  // Over SPDY, as kubectl did before it knew WebSocket, and plexlift has it do where streams break.
  vi.stubEnv('KUBECTL_REMOTE_COMMAND_WEBSOCKETS', 'false');
  vi.stubEnv('KUBECTL_PORT_FORWARD_WEBSOCKETS', 'false');
  requireExit(await withHelm3.run(...migrate, '--until', 'open-target'), 0);
  requireExit(await withHelm3.run('rollback'), 0);
  vi.unstubAllEnvs();
  // Where there is no script, Helm 3 has to make the ConfigMap, which Helm 4 does with the same "patch" as everything.
  await upgradeTo('initContainer.script=');
  requireExit(await withHelm3.run(...migrate), 0);
  requireExit(await withHelm3.run('finish', '--yes', 'finish'), 0);

  expect(await rightsAskedFor(cluster, stage.release.namespace)).toEqual({ allowed: rightsIn(rightsRules).toSorted(), denied: [] });
});
