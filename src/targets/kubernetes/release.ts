import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { messageOf, PlexliftError } from '../../errors.ts';
import type { JsonObject } from '../../runner/json.ts';
import type { Cluster } from './cluster.ts';
import { parsed } from './cluster.ts';

/** The official chart's name, as its Chart.yaml has it. */
export const plexChartName = 'plex-media-server';

/** A release as Helm records it. `values` are the user's own; they may hold secrets and never leave this folder. */
export interface Release {
  readonly revision: number;
  /** `deployed`, `pending-upgrade`, `failed` … */
  readonly status: string;
  /** When it came to be so, as Helm wrote it. */
  readonly since: string;
  readonly chart: RecordedChart;
  readonly values: JsonObject;
  /** What Helm made of both. */
  readonly manifest: string;
}

/** The error for a release that Helm has no record of; `facts` are what was found in its place. */
export function noSuchRelease(cluster: Cluster, release: string, facts: readonly string[] = []): PlexliftError {
  return new PlexliftError('refused', `Cannot find the Helm release "${release}" in namespace "${cluster.namespace}"`, {
    facts,
    remedy: 'Look with "helm list --all-namespaces" and correct target.kubernetes (release, namespace, context) in the configuration; install the chart first if there is none',
  });
}

/** The command by which a person puts a release back, to be copied as it is. */
export function rollbackCommand(cluster: Cluster, release: string, revision: number): string {
  return `helm rollback ${release} ${revision} --namespace ${cluster.namespace}`;
}

const file = z.object({ name: z.string(), data: z.string().nullable() });
const recordShape = z.object({
  version: z.number(),
  info: z.object({ status: z.string(), last_deployed: z.string().default('a time that is not on record') }),
  config: z.record(z.string(), z.unknown()).nullish(),
  manifest: z.string().default(''),
  chart: z.object({
    metadata: z.looseObject({ name: z.string(), version: z.string() }),
    templates: z.array(file).nullish(),
    files: z.array(file).nullish(),
    values: z.record(z.string(), z.unknown()).nullish(),
    schema: z.string().nullish(),
  }),
});

/** The whole chart as Helm keeps it in the release record. */
export type RecordedChart = z.infer<typeof recordShape>['chart'];

const secretShape = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }), data: z.object({ release: z.string() }) });

/** Reads the newest record of a release, or that of one revision. Null where there is no such release. */
export async function readRelease(cluster: Cluster, name: string, revision?: number): Promise<Release | null> {
  const selector = `owner=helm,name=${name}${revision === undefined ? '' : `,version=${revision}`}`;
  const records = await cluster.list('secrets', selector, secretShape);
  const newest = records.toSorted((left, right) => Number(left.metadata.labels['version']) - Number(right.metadata.labels['version'])).at(-1);
  if (newest === undefined) return null;
  const record = parsed(decodeRecord(newest.data.release), recordShape, `the record of release "${name}"`);
  return { revision: record.version, status: record.info.status, since: record.info.last_deployed, chart: record.chart, values: (record.config ?? {}) as JsonObject, manifest: record.manifest };
}

const revisionShape = z.object({ metadata: z.object({ labels: z.object({ version: z.string(), status: z.string() }) }) });

/** The newest revision that stands, or stood, for what was in the cluster; null where no revision ever got there. */
export async function lastGoodRevision(cluster: Cluster, name: string): Promise<number | null> {
  const records = await cluster.list('secrets', `owner=helm,name=${name}`, revisionShape);
  const newest = (status: string): number | undefined => records.filter(({ metadata }) => metadata.labels.status === status).map(({ metadata }) => Number(metadata.labels.version)).toSorted((left, right) => left - right).at(-1);
  return newest('deployed') ?? newest('superseded') ?? null;
}

/** The name of a chart in a directory, an archive or a repository, as its Chart.yaml has it. */
export async function nameOfChart(cluster: Cluster, chart: string): Promise<string> {
  const { stdout } = await cluster.helm(['show', 'chart', chart], { timeoutMs: 120_000 });
  return z.object({ name: z.string() }).parse(parse(stdout)).name;
}

/** Kubernetes encodes a secret in base64 once, Helm its record once more, around gzip. */
function decodeRecord(data: string): string {
  try {
    return gunzipSync(Buffer.from(Buffer.from(data, 'base64').toString('latin1'), 'base64')).toString('utf8');
  } catch (error) {
    throw new PlexliftError('refused', `Cannot read Helm's record of the release: ${messageOf(error)}`, { remedy: 'Look at it with "helm history"; a release kept by another storage driver than secrets is not supported', cause: error });
  }
}

/** Upgrades the release with its own chart, as recorded (or another one), and exactly these values. Does not wait: the pod is held for hours. Drops no older revision: rolling back needs one of them. */
export async function upgradeRelease(cluster: Cluster, options: { readonly release: string; readonly chart: RecordedChart | string; readonly values: JsonObject; readonly description: string }): Promise<void> {
  const { release, description } = options;
  await withChart(options.chart, cluster, (chart) =>
    cluster.helm(['upgrade', release, chart, '--reset-values', ...valuesOnInput, '--description', description, '--history-max', '0'], { input: JSON.stringify(options.values), timeoutMs: 300_000 }),
  );
}

/** What Helm makes of a release's chart and values now, as YAML; changes nothing. */
export async function renderRelease(cluster: Cluster, name: string, release: Release): Promise<string> {
  const { stdout } = await withChart(release.chart, cluster, (chart) =>
    cluster.helm(['template', name, chart, ...valuesOnInput, '--is-upgrade', '--no-hooks'], { input: JSON.stringify(release.values), timeoutMs: 120_000 }),
  );
  return stdout;
}

/** Values may hold secrets: every process sees arguments, and a file stays where plexlift is killed. */
const valuesOnInput = ['--values', '-'] as const;

/** Lays a recorded chart down as files for one call of Helm. */
async function withChart<Result>(chart: RecordedChart | string, { scratchDirectory }: Cluster, use: (chart: string) => Promise<Result>): Promise<Result> {
  if (typeof chart === 'string') return use(chart);
  const scratch = mkdtempSync(join(scratchDirectory, 'plexlift-chart-'));
  try {
    return await use(writeChart(chart, join(scratch, 'chart')));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function writeChart(chart: RecordedChart, directory: string): string {
  const write = (name: string, content: string | Buffer): void => {
    const place = normalize(join(directory, name));
    if (!place.startsWith(`${directory}/`)) throw new Error(`the recorded chart names a file outside itself: "${name}"`);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  };
  write('Chart.yaml', stringify(chart.metadata));
  write('values.yaml', stringify(chart.values ?? {}));
  if (chart.schema !== null && chart.schema !== undefined && chart.schema !== '') write('values.schema.json', Buffer.from(chart.schema, 'base64'));
  for (const { name, data } of [...(chart.templates ?? []), ...(chart.files ?? [])]) write(name, Buffer.from(data ?? '', 'base64'));
  return directory;
}
