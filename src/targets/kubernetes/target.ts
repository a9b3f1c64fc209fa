import { z } from 'zod';
import { PlexliftError } from '../../errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Check, Finding } from '../../runner/check.ts';
import type { JsonObject } from '../../runner/json.ts';
import { plexServer } from '../../server/plexServer.ts';
import type { Gate } from '../gate/gate.ts';
import { readGateScript } from '../gate/gateScript.ts';
import type { OpenRequest, Target, TargetFacts } from '../target.ts';
import { kubernetesChecks } from './checks.ts';
import type { ClusterOptions } from './cluster.ts';
import { clusterOn } from './cluster.ts';
import { execProtocolCheck, execProtocols } from './execProtocol.ts';
import { describeTarget } from './describe.ts';
import { directLane, directLaneCheck } from './directLane.ts';
import { dropInPod } from './dropInPod.ts';
import { gateValues, pinnedValues, runAnnotation, runOf, scriptAnnotation, scriptDigest } from './gateValues.ts';
import { ownAddresses } from './ownAddresses.ts';
import { gateTimeoutMs, podAccess } from './podAccess.ts';
import type { Release } from './release.ts';
import { readRelease, upgradeRelease } from './release.ts';
import { findStatefulSet, plexContainer } from './workload.ts';

/** A Helm release of the official chart. */
export interface KubernetesTargetOptions extends ClusterOptions {
  readonly release: string;
  /** Another chart than the one in the release record: a directory or an archive. */
  readonly chart?: string | undefined;
  /** Whether the pod fetches from this computer where it can. Default: yes. */
  readonly direct?: boolean | undefined;
}

/** What is told while a stream is under way, beside what the calls give back. */
export type Tell = (check: Pick<Check, 'name' | 'claim'>, finding: Finding) => void;

/** Whatever restoring needs; values stay in Helm's own record, because they may hold secrets. */
export const beforeShape = z.object({ revision: z.number(), podWasReady: z.boolean(), identity: z.string().nullable() });

/** The official chart's release as a target: Helm holds Plex back with the gate, the gate does the work on the volume. */
export function kubernetesTarget(here: Machine, options: KubernetesTargetOptions & { readonly tell?: Tell }): Target {
  const cluster = clusterOn(here, options);
  const { release } = options;
  const name = `release ${options.namespace}/${release}`;
  const protocols = execProtocols((finding) => options.tell?.(execProtocolCheck, finding));
  const { withGate, withGateOnce, forgetGate, waitForGate, waitForCurrentPod, holdPlex, waitForServerContainer, nodeAddress, connect } = podAccess(here, cluster, { release, name, kubectlEnvironment: protocols.environment });
  const lane = directLane({
    wanted: options.direct ?? true,
    reach: (way, places) => withGate((gate) => gate.reach(way, places)),
    tell: (finding) => options.tell?.(directLaneCheck, finding),
    addresses: async () => ownAddresses(await nodeAddress()),
  });

  async function* streamFromGate<Item>(use: (gate: Gate) => AsyncIterable<Item>): AsyncIterable<Item> {
    yield* await withGate(async (gate) => use(gate));
  }

  async function requireRelease(): Promise<Release> {
    const found = await readRelease(cluster, release);
    if (found !== null) return found;
    throw new PlexliftError('refused', `Cannot find the Helm release "${release}" in namespace "${options.namespace}"`, {
      remedy: 'Look with "helm list --all-namespaces" and correct target.kubernetes (release, namespace, context) in the configuration; install the chart first if there is none',
    });
  }

  /** Puts the gate into the release unless it is there already for this run and with this script. */
  async function installGate(request: OpenRequest): Promise<readonly string[]> {
    const script = await readGateScript();
    const set = await findStatefulSet(cluster, release);
    const { annotations } = set.spec.template.metadata;
    const isThere = annotations[runAnnotation] === request.run && annotations[scriptAnnotation] === scriptDigest(script);
    const found = await requireRelease();
    if (isThere && found.status === 'deployed') return [];
    await unlockRelease(found, request);
    const plex = plexContainer(set);
    const values = gateValues({ values: await formerValues(request.before, found), run: request.run, script, plex, version: request.version, owner: request.before.owner });
    await upgradeRelease(cluster, { release, chart: options.chart ?? found.chart, values, description: `plexlift ${request.run}: gate` });
    return [`Release "${release}" was upgraded with its own chart ${found.chart.metadata.version}: the gate holds Plex back${request.version === null ? '' : `, and image.tag is ${request.version}`}`];
  }

  /** Helm refuses every upgrade while a revision is pending. One that this run's Helm left when it was killed is rolled back. */
  async function unlockRelease(found: Release, { run, before }: OpenRequest): Promise<void> {
    if (!found.status.startsWith('pending-')) return;
    const former = await formerValues(before, found);
    const isOurs = runOf(found.values) === run || JSON.stringify(found.values) === JSON.stringify(former);
    if (!isOurs) throw new PlexliftError('failed', `Cannot upgrade release "${release}": its revision ${found.revision} is ${found.status}`, { remedy: 'Another helm is at work on it, or was killed. When you are certain that none runs, "helm rollback" to the last deployed revision, then run the same command again' });
    await rollBackTo(beforeShape.parse(before.before).revision);
  }

  async function rollBackTo(revision: number): Promise<void> {
    await cluster.helm(['rollback', release, String(revision)], { timeoutMs: 300_000 });
  }

  /** True while the pod template carries the gate of some run. */
  async function hasGate(): Promise<boolean> {
    return (await findStatefulSet(cluster, release)).spec.template.metadata.annotations[runAnnotation] !== undefined;
  }

  /** Makes the newest revision with the gate, between these two, the newest of all. */
  async function returnToGate({ from, to }: { readonly from: number; readonly to: number }): Promise<void> {
    for (let revision = to - 1; revision > from; revision -= 1) {
      const candidate = await readRelease(cluster, release, revision);
      if (candidate !== null && runOf(candidate.values) !== null) return rollBackTo(revision);
    }
    return undefined;
  }

  /** The user's own values: those of the revision that was there before anything was changed. */
  async function formerValues(before: TargetFacts, now: Release): Promise<JsonObject> {
    return (await formerRelease(before, now)).values;
  }

  /** The release as it was before anything was changed. */
  async function formerRelease(before: TargetFacts, now: Release): Promise<Release> {
    const { revision } = beforeShape.parse(before.before);
    const former = revision === now.revision ? now : await readRelease(cluster, release, revision);
    if (former !== null) return former;
    throw new PlexliftError('failed', `Cannot find revision ${revision} of release "${release}", which holds your own values`, { remedy: 'Helm keeps ten revisions by default and drops older ones. Restore your values with "helm upgrade" and your own values file' });
  }

  /** True when the volume says that this run is beyond its landing area. */
  async function isPublishing(run: string): Promise<boolean> {
    const set = await findStatefulSet(cluster, release);
    if (set.spec.template.metadata.annotations[runAnnotation] !== run) return false;
    // A pod from before the gate, left by a plexlift that was killed, cannot answer.
    await waitForCurrentPod();
    const state = await withGate((gate) => gate.state());
    return state.run === run && (state.phase === 'publishing' || state.phase === 'published');
  }

  async function withdraw(): Promise<readonly string[]> {
    // Without the gate in the pod template, this run has published nothing through it.
    if (!(await hasGate())) return [];
    const { phase, run } = await withGate((gate) => gate.state());
    if (run === null || phase === 'none' || phase === 'landing') return [];
    if (phase !== 'withdrawn') await holdPlex(run);
    return withGate((gate) => gate.withdraw(run));
  }

  return {
    kind: 'kubernetes',
    name,
    checks: kubernetesChecks({ cluster, release, helm: options.helm, kubectl: options.kubectl }),

    async describe() {
      await requireRelease();
      return describeTarget({ here, cluster, release, name });
    },

    drop: (bytes) => dropInPod({ here, cluster, release }, bytes),

    async open(request) {
      // A library that is published, or about to be, is not held back again: not even by a newer script of the same run.
      if (await isPublishing(request.run)) return [];
      const done = await installGate(request);
      await waitForGate();
      await withGate((gate) => gate.open(request.run));
      return done;
    },

    async state() {
      // Without the gate in the pod template nothing of a run governs this release, and no script is there to be asked.
      if (!(await hasGate())) return { phase: 'none', run: null };
      return withGate((gate) => gate.state());
    },
    room: () => withGate((gate) => gate.room()),
    mounts: (paths) => withGate((gate) => gate.mounts(paths)),
    bootId: () => withGate((gate) => gate.bootId()),
    // A stream cannot be read twice: whoever sends it begins again.
    async receive(segment, tar) {
      const offer = await lane.offer(tar);
      try {
        await withGateOnce((gate) => (offer === null ? gate.receive(segment, tar) : gate.fetch(segment, offer)));
      } catch (error) {
        if (offer === null || !lane.judge(error)) protocols.judge(error);
        throw error;
      }
      if (!tar.readableEnded) protocols.endedEarly();
    },
    receiptOf: (segment) => withGate((gate) => gate.receiptOf(segment)),
    remove: (paths) => withGate((gate) => gate.remove(paths)),
    landed: () => streamFromGate((gate) => gate.landed()),
    landedDigest: (withoutTime) => withGate((gate) => gate.landedDigest(withoutTime)),
    digestsOf: (paths) => withGate((gate) => gate.digestsOf(paths)),
    lookUp: (paths) => streamFromGate((gate) => gate.lookUp(paths)),
    sampleMedia: (path, firstBytes) => withGate((gate) => gate.sampleMedia(path, firstBytes)),
    checkDatabases: (paths) => withGate((gate) => gate.checkDatabases(paths)),
    keepJournal: (journal) => withGate((gate) => gate.keepJournal(journal)),

    async publish(seal) {
      await withGate((gate) => gate.publish(seal));
      // The gate container ends now and the server's starts: the next question goes to that one, and to nobody in between.
      forgetGate();
      await waitForServerContainer();
    },

    connect: ({ timeoutMs }) => connect(timeoutMs),

    async editPreferences(edit) {
      const { run } = await withGate((gate) => gate.state());
      if (run === null) throw new Error('preferences are edited before anything was published');
      const bytes = await withGate((gate) => gate.readPreferences());
      if (!edit(bytes).equals(bytes)) {
        await holdPlex(run);
        await withGate(async (gate) => gate.writePreferences(edit(await gate.readPreferences())));
      }
      // Also where nothing was left to edit: an earlier try may have been killed between the two.
      await withGate((gate) => gate.release(run));
      forgetGate();
      await (await connect(gateTimeoutMs)).close();
    },

    withdraw,

    async restore(before) {
      const former = beforeShape.parse(before.before);
      const now = await requireRelease();
      const then = await formerRelease(before, now);
      const isAsBefore = now.status === 'deployed' && JSON.stringify(now.values) === JSON.stringify(then.values) && JSON.stringify(now.chart) === JSON.stringify(then.chart);
      const isGateLeft = await hasGate();
      // A rollback that was killed left its revision on record, and not in the cluster: Helm takes away only what its newest record holds.
      if (isGateLeft && runOf(now.values) === null) await returnToGate({ from: former.revision, to: now.revision });
      if (!isAsBefore || isGateLeft) await rollBackTo(former.revision);
      if (await hasGate()) throw new PlexliftError('failed', `Cannot put release "${release}" back: the gate is still in its StatefulSet`, { remedy: 'Look at "helm history"; "helm upgrade" it with your own values file, then run the same command again' });
      await waitForCurrentPod();
      const done = [isAsBefore && !isGateLeft ? `Release "${release}" is at its former values` : `Release "${release}" was put back to revision ${former.revision}`];
      if (!former.podWasReady) return done;
      const connection = await connect(gateTimeoutMs);
      try {
        const { machineIdentifier: identity } = await plexServer({ baseUrl: connection.baseUrl, token: null }).identity();
        if (former.identity !== null && identity !== former.identity) throw new PlexliftError('failed', `The server of ${name} came back as ${identity}, it was ${former.identity}`, { remedy: 'Look at /config on its volume: a Library that was set aside may have to be renamed back' });
        return [...done, `Its server answers again as ${identity}`];
      } finally {
        await connection.close();
      }
    },

    async finish(before) {
      const { run } = await withGate((gate) => gate.state());
      if (run !== null) await withGate((gate) => gate.finish(run));
      const now = await requireRelease();
      const version = (await hasGate()) ? pinnedTag(now) : null;
      await upgradeRelease(cluster, { release, chart: options.chart ?? now.chart, values: pinnedValues(await formerValues(before, now), version), description: 'plexlift: finished' });
      await waitForCurrentPod();
      await (await connect(gateTimeoutMs)).close();
      return [`The gate left release "${release}"; the landing area was removed`, ...(version === null ? [] : [`Put this into your values file, or your next upgrade changes the server's version: image.tag: ${version}`])];
    },

    close: () => lane.close(),
  };
}

/** The tag that is pinned in a release's values now, or null where none is. */
function pinnedTag(release: Release): string | null {
  return z.object({ image: z.object({ tag: z.string() }) }).safeParse(release.values).data?.image.tag ?? null;
}
