import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from './cluster.ts';
import type { PlexRelease } from './plexRelease.ts';
import { chartDirectory, helmEnvironment } from './plexRelease.ts';

/** What is committed for a release: its values, and whether Helm may go on before every pod is Ready (only Flux asks). */
export interface Committed {
  readonly values: object;
  readonly disableWait?: boolean;
}

/** A stand-in for a GitOps controller: makes a release what is committed, again and again, under its own marks, and undoes what anybody else changes. */
export interface GitOpsController {
  commit(committed: Committed): void;
  /** How often it found the release changed by somebody else. */
  reverted(): number;
  /** Stops it; with Argo CD, which leaves no record that Helm could uninstall by, takes the objects with it. */
  stop(): Promise<void>;
}

/** Far quicker than a real one, and still a while after a commit. */
const periodMs = 2000;

/** Starts it on a release that Helm installed, and which it takes over, as people do. */
export async function startGitOpsController(cluster: Cluster, options: { readonly kind: 'Argo CD' | 'Flux'; readonly release: PlexRelease; readonly helm: 'helm3' | 'helm4'; readonly committed: Committed }): Promise<GitOpsController> {
  const { release } = options;
  const directory = await mkdtemp(join(tmpdir(), 'plexlift-gitops-'));
  const valuesFile = join(directory, 'values.json');
  const helm = async (...words: readonly string[]): Promise<string> => (await execa(cluster[options.helm], [...words, '--namespace', release.namespace], { env: helmEnvironment(cluster) })).stdout;
  const own = { namespace: release.namespace, name: release.release, fullName: release.fullName };
  let committed = options.committed;
  let reverted = 0;
  const stopping = new AbortController();

  const sync = options.kind === 'Flux' ? fluxSync() : argoSync();
  await sync();
  const looping = loop();

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sync();
      await sleep(periodMs);
    }
  }

  /** Flux runs Helm itself, with records, puts its labels on everything, and waits for readiness unless told not to. */
  function fluxSync(): () => Promise<void> {
    let applied: { readonly committed: Committed; readonly revision: number } | null = null;
    return async () => {
      const history = JSON.parse(await helm('history', own.name, '--output', 'json')) as readonly { readonly revision: number }[];
      const newest = Math.max(...history.map(({ revision }) => revision));
      if (applied?.committed === committed && applied.revision === newest) return;
      if (applied !== null && applied.revision !== newest) reverted += 1;
      const wanted = committed;
      await writeFile(valuesFile, JSON.stringify(wanted.values));
      const waits = wanted.disableWait === true ? [] : ['--wait', '--timeout', '90s'];
      await helm('upgrade', own.name, chartDirectory, '--reset-values', '--values', valuesFile, ...waits);
      await cluster.run(['label', 'statefulset', own.fullName, '-n', own.namespace, '--overwrite', '--field-manager=helm-controller', `helm.toolkit.fluxcd.io/name=${own.name}`, 'helm.toolkit.fluxcd.io/namespace=flux-system']);
      applied = { committed: wanted, revision: newest + 1 };
    };
  }

  /** Argo CD has Helm render, applies that under its own name, and keeps no record of Helm. */
  function argoSync(): () => Promise<void> {
    let isFirst = true;
    return async () => {
      if (isFirst) await cluster.run(['delete', 'secrets', '-n', own.namespace, '--selector', `owner=helm,name=${own.name}`]);
      else reverted += (await cluster.run(['get', 'secrets', '-n', own.namespace, '--selector', `owner=helm,name=${own.name}`, '-o', 'name'])).split('\n').filter((line) => line !== '').length;
      isFirst = false;
      await writeFile(valuesFile, JSON.stringify(committed.values));
      const rendered = parseAllDocuments(await helm('template', own.name, chartDirectory, '--values', valuesFile), { version: '1.1' }).map((document) => document.toJS() as { readonly kind: string; readonly metadata: { readonly name: string; readonly annotations?: object } } | null).filter((object) => object !== null);
      const tracked = rendered.map((object) => ({ ...object, metadata: { ...object.metadata, namespace: own.namespace, annotations: { ...object.metadata.annotations, 'argocd.argoproj.io/tracking-id': `${own.name}:${object.kind}:${own.namespace}/${object.metadata.name}` } } }));
      await cluster.run(['apply', '--server-side', '--force-conflicts', '--field-manager=argocd-controller', '--filename=-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: tracked }) });
      // What is no longer rendered is pruned.
      if (!tracked.some(({ kind }) => kind === 'ConfigMap')) await cluster.run(['delete', 'configmap', `${own.fullName}-init-script`, '-n', own.namespace, '--ignore-not-found']);
    };
  }

  return {
    commit(next) {
      committed = next;
    },
    reverted: () => reverted,
    async stop() {
      stopping.abort();
      await looping;
      if (options.kind === 'Argo CD') await cluster.run(['delete', 'statefulset,service,configmap,serviceaccount', '-n', own.namespace, '--selector', `app.kubernetes.io/instance=${own.name}`, '--wait']);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
