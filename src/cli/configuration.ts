import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { messageOf, PlexliftError } from '../errors.ts';
import { parseMapping } from '../plex/pathMapping.ts';
import { parseVersion } from '../plex/versions.ts';
import type { Fingerprint } from '../runner/events.ts';
import { limitForm, parseLimit } from '../transfer/limit.ts';

const path = z.string().min(1);
const version = z.string().refine((text) => parseVersion(text) !== null, { error: 'must be an exact version such as 1.43.0.10492-121068a07' });

const sshSource = z.strictObject({
  ssh: z.string().regex(/^[^\s-][^\s]*$/, { error: 'must be USER@HOST or a Host of your ssh configuration' }),
  /** An ssh configuration file to use instead of the user's own. */
  sshConfig: path.optional(),
  unit: z.string().min(1).default('plexmediaserver.service'),
});
const directorySource = z.strictObject({ directory: path, version: version.optional() });

const kubernetesTarget = z.strictObject({
  kubernetes: z.strictObject({
    context: z.string().min(1).optional(),
    kubeconfig: path.optional(),
    namespace: z.string().min(1),
    release: z.string().min(1),
    /** Another chart than the one the release record holds. */
    chart: z.string().min(1).optional(),
    kubectl: z.string().min(1).default('kubectl'),
    helm: z.string().min(1).default('helm'),
    /** Whether the pod fetches what is copied from this computer, where it can. */
    direct: z.boolean().default(true),
  }),
});
const directoryTarget = z.strictObject({ directory: path });

/** Read as bytes a second. */
const limit = z.unknown().transform((value, context) => {
  const bytesPerSecond = typeof value === 'string' ? parseLimit(value) : null;
  if (bytesPerSecond !== null) return bytesPerSecond;
  context.addIssue({ code: 'custom', message: `must be ${limitForm}` });
  return z.NEVER;
});

const shape = z.strictObject({
  source: z.union([sshSource, directorySource], { error: 'must be { ssh: USER@HOST } or { directory: PATH }' }),
  target: z.union([kubernetesTarget, directoryTarget], { error: 'must be { kubernetes: { namespace, release } } or { directory: PATH }' }),
  paths: z.array(z.strictObject({ from: z.string(), to: z.string() })).min(1, { error: 'must name at least one { from, to }' }),
  /** Whether `file://` identifiers are mapped like the paths they hold. */
  fileGuids: z.enum(['leave', 'rewrite'], { error: 'must be "leave" or "rewrite"' }).default('leave'),
  /** The most that is copied a second while the source serves. */
  limit: limit.optional(),
  run: path.optional(),
});

/** The configuration as used: validated, relative paths resolved against the file it came from. */
export type Configuration = z.infer<typeof shape>;

/** The file name looked for in the current directory. */
export const configurationFileName = 'plexlift.yaml';

/** Reads and validates a configuration file. Throws `usage` with every problem it has. */
export function readConfiguration(file: string): Configuration {
  if (!existsSync(file)) {
    throw new PlexliftError('usage', `Cannot find the configuration "${file}"`, { remedy: 'Make one with "plexlift init", or name another with --config FILE' });
  }
  return parseConfiguration(contentOf(file), file);
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new PlexliftError('usage', `Cannot read the configuration "${file}": ${messageOf(error)}`, { remedy: 'Make it a file that you can read, or name another with --config FILE', cause: error });
  }
}

/** Validates the text of a configuration; `file` is for messages and for resolving relative paths. */
export function parseConfiguration(content: string, file: string): Configuration {
  const checked = shape.safeParse(parseYaml(content, file));
  if (!checked.success) {
    throw new PlexliftError('usage', `Cannot use the configuration "${file}"`, { facts: checked.error.issues.flatMap(issueLines), remedy: 'Correct what is named above; "plexlift init" writes a new one that is right' });
  }
  parseMapping(checked.data.paths);
  // Without final slashes, in the order given: everything below compares whole segments.
  const paths = checked.data.paths.flatMap((pair) => parseMapping([pair]).rules.map(({ from, to }) => ({ from, to })));
  return resolvePaths({ ...checked.data, paths }, dirname(resolve(file)));
}

function parseYaml(content: string, file: string): unknown {
  try {
    return parse(content);
  } catch (error) {
    const where = error instanceof YAMLParseError ? error.message.split('\n')[0] ?? '' : messageOf(error);
    throw new PlexliftError('usage', `Cannot read the configuration "${file}": ${where}`, { remedy: 'Correct the YAML at the place named', cause: error });
  }
}

/** One line a problem. Of a union, the member that shares a key with what was written is the one that was meant. */
function issueLines(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.filter((issues) => !issues.some((inner) => inner.code === 'invalid_type' && (inner.path.length === 0 || (inner.path.length === 1 && ['ssh', 'directory', 'kubernetes'].includes(String(inner.path[0]))))));
    const inner = meant[0];
    if (inner !== undefined) return inner.flatMap((problem) => issueLines({ ...problem, path: [...issue.path, ...problem.path] }));
  }
  const place = issue.path.map(String).join('.');
  const text = issue.code === 'unrecognized_keys' ? `unknown ${issue.keys.map((key) => `"${key}"`).join(', ')}` : issue.message;
  return [`${place === '' ? 'the file' : place}: ${text}`];
}

function resolvePaths(configuration: Configuration, base: string): Configuration {
  const absolute = (given: string): string => (isAbsolute(given) ? given : resolve(base, given));
  const { source, target, run } = configuration;
  return {
    ...configuration,
    source: 'ssh' in source ? { ...source, ...(source.sshConfig === undefined ? {} : { sshConfig: absolute(source.sshConfig) }) } : { ...source, directory: absolute(source.directory) },
    target: 'kubernetes' in target ? { kubernetes: { ...target.kubernetes, ...optional('kubeconfig', target.kubernetes.kubeconfig, absolute), ...optional('chart', target.kubernetes.chart, (chart) => chartFrom(base, chart)) } } : { directory: absolute(target.directory) },
    ...(run === undefined ? {} : { run: absolute(run) }),
  };
}

function optional<Key extends string>(key: Key, value: string | undefined, change: (value: string) => string): Partial<Record<Key, string>> {
  return value === undefined ? {} : ({ [key]: change(value) } as Record<Key, string>);
}

/** A chart as helm is to be told of it: "./chart" is a path, counted from `base`; "repository/chart" and "oci://…" are names that helm knows. */
export function chartFrom(base: string, chart: string): string {
  return /^\.{0,2}\//.test(chart) ? resolve(base, chart) : chart;
}

/** Which migration this is: what a run directory belongs to. */
export function fingerprintOf(configuration: Configuration): Fingerprint {
  const { source, target } = configuration;
  return {
    source: 'ssh' in source ? `ssh ${source.ssh}` : `directory ${source.directory}`,
    target: 'kubernetes' in target ? `kubernetes ${target.kubernetes.context ?? 'current context'} ${target.kubernetes.namespace}/${target.kubernetes.release}` : `directory ${target.directory}`,
  };
}

/** The run directory where none is named: one for each pair of source and target, below the user's state directory. */
export function defaultRunDirectory(fingerprint: Fingerprint, stateHome: string): string {
  const name = `${fingerprint.source}-to-${fingerprint.target}`.replace(/[^A-Za-z0-9.@-]+/g, '_').slice(-150);
  return resolve(stateHome, 'plexlift', name);
}
