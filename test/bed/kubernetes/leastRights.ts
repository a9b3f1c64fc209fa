import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RightsRule } from '../../../src/targets/kubernetes/rights.ts';
import type { Cluster } from './cluster.ts';

/** The role that is documented as the least that plexlift needs. */
const roleFile = join(import.meta.dirname, '..', '..', '..', 'docs', 'rbac.yaml');
/** The service account's name there. */
const account = 'plexlift';

/** Applies docs/rbac.yaml to a namespace, and gives back a kubeconfig of its service account. */
export async function leastRightsIn(cluster: Cluster, namespace: string): Promise<string> {
  const role = (await readFile(roleFile, 'utf8')).replaceAll('namespace: plex', `namespace: ${namespace}`);
  await cluster.run(['apply', '--filename=-'], { input: role });
  const token = (await cluster.run(['create', 'token', account, '--namespace', namespace, '--duration', '24h'])).trim();
  const own = JSON.parse(await readFile(cluster.kubeconfig, 'utf8')) as { readonly users: readonly { readonly name: string }[] };
  const kubeconfig = join(cluster.directory, `${namespace}.kubeconfig`);
  await writeFile(kubeconfig, JSON.stringify({ ...own, users: own.users.map(({ name }) => ({ name, user: { token } })) }), { mode: 0o600 });
  return kubeconfig;
}

/** The rights of some rules, each as `VERB RESOURCE[/SUBRESOURCE][.GROUP]`. */
export function rightsIn(rules: readonly RightsRule[]): readonly string[] {
  return rules.flatMap(({ group, resource, verbs }) => verbs.map((verb) => `${verb} ${resource}${group === '' ? '' : `.${group}`}`));
}

/** What the service account of a namespace asked the API server for. */
export interface RightsAskedFor {
  /** As `rightsIn` gives them, each once, in order. */
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

/** Reads from the API server's audit log what plexlift asked for in a namespace; what every user may ask for lies in none. */
export async function rightsAskedFor(cluster: Cluster, namespace: string): Promise<RightsAskedFor> {
  const lines = (await readFile(join(cluster.logs, 'audit.log'), 'utf8')).split('\n').filter((line) => line !== '');
  const events = lines.map((line) => JSON.parse(line) as AuditEvent).filter(({ user, objectRef }) => user.username === `system:serviceaccount:${namespace}:${account}` && objectRef?.namespace !== undefined);
  const asked = (decision: string): readonly string[] => [...new Set(events.filter(({ annotations }) => annotations?.['authorization.k8s.io/decision'] === decision).map(rightOf))].toSorted();
  return { allowed: asked('allow'), denied: asked('forbid') };
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly subresource?: string; readonly apiGroup?: string; readonly namespace?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

function rightOf({ verb, objectRef }: AuditEvent): string {
  const { resource = '', subresource, apiGroup } = objectRef ?? {};
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${apiGroup === undefined ? '' : `.${apiGroup}`}`;
}
