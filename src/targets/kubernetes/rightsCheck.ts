import { z } from 'zod';
import { PlexliftError } from '../../errors.ts';
import type { Check, Finding } from '../../runner/check.ts';
import type { Cluster } from './cluster.ts';
import { parsed } from './cluster.ts';
import { controllersOf } from './controller.ts';
import { readRelease } from './release.ts';
import type { ChartPart, RightsRule, RightsSubject } from './rights.ts';
import { rightsRules, rightsWithoutHelm, roleWith } from './rights.ts';
import { isForbidden } from './unusableProgram.ts';
import { findStatefulSet } from './workload.ts';

/** Whose rights, on which release. */
interface RightsAsked {
  readonly cluster: Cluster;
  readonly release: string;
}

/** The claim that everything is allowed that has to be done, asked verb by verb. */
export function rightsCheck(asked: RightsAsked): Check {
  return {
    name: 'cluster-rights',
    claim: 'You may do in the namespace what has to be done',
    run: () => rightsFinding(asked),
  };
}

/** Does what needs rights; where one is missing, the error names all that are missing and not only the first. */
export async function tellingMissingRights<Result>(asked: RightsAsked, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const finding = await rightsFinding(asked);
    if (finding.status !== 'fail') throw error;
    throw new PlexliftError('refused', `Cannot do what has to be done in namespace "${asked.cluster.namespace}": ${finding.detail}`, { remedy: finding.remedy, cause: error });
  }
}

async function rightsFinding({ cluster, release }: RightsAsked): Promise<Finding> {
  const parts = await partsOf({ cluster, release });
  const rules = (await isOwned({ cluster, release })) ? rightsWithoutHelm : rightsRules;
  const needed = rules.filter(({ part }) => part === undefined || parts.includes(part));
  const missing: RightsRule[] = [];
  for (const rule of needed) {
    const verbs = await deniedVerbs(cluster, rule);
    if (verbs.length > 0) missing.push({ ...rule, verbs });
  }
  if (missing.length === 0) return { status: 'pass', detail: `${needed.reduce((sum, { verbs }) => sum + verbs.length, 0)} rights on ${needed.length} kinds of objects` };
  return {
    status: 'fail',
    detail: `not allowed: ${missing.map(({ verbs, resource, group }) => `${verbs.join(', ')} ${resource}${group === '' ? '' : `.${group}`}`).join('; ')}`,
    remedy: ['Let somebody who may grant rights apply this ("kubectl apply --filename -"):', roleWith(missing, { namespace: cluster.namespace, subject: await whoAmI(cluster) })].join('\n'),
  };
}

async function deniedVerbs(cluster: Cluster, { verbs, resource, group }: RightsRule): Promise<readonly string[]> {
  const [kind = '', subresource] = resource.split('/');
  const words = [`${kind}${group === '' ? '' : `.${group}`}`, ...(subresource === undefined ? [] : [`--subresource=${subresource}`])];
  const allowed = await Promise.all(verbs.map(async (verb) => (await cluster.kubectl(['auth', 'can-i', verb, ...words, '--quiet'], { answers: [0, 1], timeoutMs: 30_000 })).exitCode === 0));
  return verbs.filter((_, position) => allowed[position] !== true);
}

const switchShape = z.object({ enabled: z.boolean().optional() }).optional();
const partsShape = z.object({ ingress: switchShape, httpRoute: switchShape });

/** The optional parts of the chart that a release has. Where its values cannot be read, that is what is missing, and the parts are told next. */
async function partsOf({ cluster, release }: RightsAsked): Promise<readonly ChartPart[]> {
  try {
    const values = partsShape.safeParse((await readRelease(cluster, release))?.values ?? {}).data;
    return (['ingress', 'httpRoute'] as const).filter((part) => values?.[part]?.enabled === true);
  } catch (error) {
    if (isForbidden(error)) return [];
    throw error;
  }
}

/** Whether Argo CD or Flux owns the release (or both seem to), so that Helm is not run here. Where nobody may look, what Helm needs is asked for as well. */
async function isOwned({ cluster, release }: RightsAsked): Promise<boolean> {
  try {
    return controllersOf(await findStatefulSet(cluster, release)).length > 0;
  } catch (error) {
    if (isForbidden(error) || (error instanceof PlexliftError && error.kind === 'refused')) return false;
    throw error;
  }
}

const selfShape = z.object({ status: z.object({ userInfo: z.object({ username: z.string() }) }) });

/** Whom the cluster takes us for; servers before 1.28 do not tell, and then somebody has to fill it in. */
async function whoAmI(cluster: Cluster): Promise<RightsSubject> {
  const { exitCode, stdout } = await cluster.kubectl(['auth', 'whoami', '--output', 'json'], { answers: [0, 1], timeoutMs: 30_000 });
  if (exitCode !== 0) return { kind: 'User', name: 'PUT YOUR NAME HERE' };
  const { username } = parsed(stdout, selfShape, 'kubectl auth whoami').status.userInfo;
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
  return namespace === undefined || name === undefined ? { kind: 'User', name: username } : { kind: 'ServiceAccount', name, namespace };
}
