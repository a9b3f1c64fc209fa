import { PlexliftError } from '../../errors.ts';
import { shellLine } from '../../machines/command.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Check, Finding } from '../../runner/check.ts';
import { plexServer } from '../../server/plexServer.ts';
import type { Gate } from '../gate/gate.ts';
import { leftoversAt } from '../leftovers.ts';
import { othersLibrary } from '../othersLibrary.ts';
import type { Leftover, OpenRequest, Target, WayBack } from '../target.ts';
import { kubernetesChecks } from './checks.ts';
import type { ClusterOptions } from './cluster.ts';
import { clusterOn } from './cluster.ts';
import { controllerOf } from './controller.ts';
import type { Committer } from './controllerKeeper.ts';
import { controllerKeeper } from './controllerKeeper.ts';
import { execProtocolCheck, execProtocols } from './execProtocol.ts';
import { describeTarget } from './describe.ts';
import { directLane, directLaneCheck } from './directLane.ts';
import { dropInPod } from './dropInPod.ts';
import { hasGate } from './gateParts.ts';
import { gateContainerName, runAnnotation } from './gateValues.ts';
import { helmKeeper } from './helmKeeper.ts';
import { ownAddresses } from './ownAddresses.ts';
import { gateTimeoutMs, podAccess } from './podAccess.ts';
import { gateChecks, podChecks } from './podChecks.ts';
import { podMachine } from './podMachine.ts';
import { releaseBefore } from './releaseKeeper.ts';
import type { ReleaseKeeper } from './releaseKeeper.ts';
import { tellingMissingRights } from './rightsCheck.ts';
import { servingIdentity } from './serving.ts';
import { findStatefulSet, isRunning, plexContainer, podOf } from './workload.ts';

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

/** Whom a target speaks to beside what its calls give back. */
export interface Listeners {
  readonly tell?: Tell;
  /** Needed to change a release that a controller owns. */
  readonly committer?: Committer;
}

/** The official chart's release as a target: whoever keeps the release puts the gate into it, the gate does the work on the volume. */
export function kubernetesTarget(here: Machine, options: KubernetesTargetOptions & Listeners): Target {
  const cluster = clusterOn(here, options);
  const { release } = options;
  const name = `release ${options.namespace}/${release}`;
  const protocols = execProtocols((finding) => options.tell?.(execProtocolCheck, finding));
  const { withGate, withGateOnce, forgetGate, waitForGate, waitForCurrentPod, holdPlex, waitForGateOrServer, waitForServerContainer, nodeAddress, connect } = podAccess(here, cluster, { release, name, kubectlEnvironment: protocols.environment });
  const lane = directLane({
    wanted: options.direct ?? true,
    reach: (way, places) => withGate((gate) => gate.reach(way, places)),
    tell: (finding) => options.tell?.(directLaneCheck, finding),
    addresses: async () => ownAddresses(await nodeAddress()),
  });

  const pod = { here, cluster, release, withGate };

  async function* streamFromGate<Item>(use: (gate: Gate) => AsyncIterable<Item>): AsyncIterable<Item> {
    yield* await withGate(async (gate) => use(gate));
  }

  /** Whoever can change the release as it is owned now. */
  async function keeper(): Promise<ReleaseKeeper> {
    const controller = controllerOf(await findStatefulSet(cluster, release), cluster.namespace);
    if (controller === null) return helmKeeper(cluster, { release, chart: options.chart });
    if (options.committer === undefined) throw new Error('nobody is there to commit what the owner of the release is to apply');
    return controllerKeeper(cluster, { release, controller, committer: options.committer });
  }

  async function isGateThere(): Promise<boolean> {
    return hasGate(await findStatefulSet(cluster, release));
  }

  /** Waits for a gate that was just put in. Where its pod can never start, what was done is taken back: the former server need not be down for it. */
  async function waitForNewGate({ before }: OpenRequest, { goBack }: ReleaseKeeper): Promise<void> {
    try {
      await waitForGate();
    } catch (error) {
      if (goBack === null || !(error instanceof PlexliftError && error.kind === 'refused')) throw error;
      const sentence = await goBack(before);
      await waitForCurrentPod();
      throw new PlexliftError('refused', error.message, { facts: [...error.facts, sentence], remedy: 'Make the image available to the node (or correct what is named above), then run the same command again', cause: error });
    }
  }

  /** True when the volume says that this run is beyond its landing area. */
  async function isPublishing(run: string): Promise<boolean> {
    const set = await findStatefulSet(cluster, release);
    if (!hasGate(set) || set.spec.template.metadata.annotations[runAnnotation] !== run) return false;
    // A pod from before the gate, left by a plexlift that was killed, cannot answer.
    await waitForCurrentPod();
    const state = await withGate((gate) => gate.state());
    return state.run === run && ['publishing', 'published', 'finished'].includes(state.phase);
  }

  async function withdraw({ runs, before }: WayBack): Promise<readonly string[]> {
    const { phase, run } = await withGate((gate) => gate.state());
    if (run === null || phase === 'none' || phase === 'landing') return [];
    if (!runs.includes(run)) return othersLibrary({ phase, run }, name);
    if (phase !== 'withdrawn') {
      // Somebody's own "helm upgrade" may have taken the gate away from a library that was published: nothing would hold Plex back.
      if (!(await isGateThere())) {
        await withGate((gate) => gate.hold(run));
        await (await keeper()).putGate({ run, version: null, before }, { acceptsChanges: true });
        await waitForGate();
      }
      await holdPlex(run);
    }
    return withGate((gate) => gate.withdraw(run));
  }

  /** Opens a gate that was left held: where giving back the settings was cut off, nobody else would, and its server be waited for in vain. */
  async function letServe({ timeoutMs, runs }: { readonly timeoutMs: number; readonly runs: readonly string[] }): Promise<void> {
    if (!(await isGateThere())) return;
    await waitForGateOrServer(timeoutMs);
    const { phase, run } = await withGate((gate) => gate.state());
    if (run === null || !runs.includes(run)) return;
    if (phase === 'withdrawn') throw new PlexliftError('refused', `Cannot reach the server of ${name}: a rollback was begun, which withdraws its library`, { remedy: '"plexlift rollback" completes that; "plexlift migrate" then begins anew' });
    if (phase === 'published') await withGate((gate) => gate.release(run));
  }

  async function leftovers(): Promise<readonly Leftover[]> {
    const set = await findStatefulSet(cluster, release);
    const pod = `${set.metadata.name}-0`;
    const container = isRunning(await podOf(cluster, set), gateContainerName) ? gateContainerName : plexContainer(set).name;
    return leftoversAt(podMachine(here, cluster, { pod, container }), { root: '/config', removal: (path) => shellLine(cluster.kubectlCommand('exec', pod, '--container', container, '--', 'rm', '-rf', path)) });
  }

  return {
    kind: 'kubernetes',
    name,
    checks: [...kubernetesChecks({ ...options, cluster }), ...podChecks(pod)],
    checksWhenHeld: gateChecks(pod),

    describe: () => tellingMissingRights({ cluster, release }, () => describeTarget({ here, cluster, release, name })),

    drop: (bytes) => dropInPod({ here, cluster, release }, bytes),

    async open(request) {
      // A library that is published, or about to be, is not held back again: not even by a newer script of the same run.
      if (await isPublishing(request.run)) return [];
      const now = await keeper();
      const done = await now.putGate(request);
      if (done.length > 0) await waitForNewGate(request, now);
      else await waitForGate();
      await request.whenHeld?.();
      await withGate((gate) => gate.open(request.run));
      return done;
    },

    async state() {
      // Without the gate in the pod template nothing of a run governs this release, and no script is there to be asked.
      if (!(await isGateThere())) return { phase: 'none', run: null };
      return withGate((gate) => gate.state());
    },
    room: () => withGate((gate) => gate.room()),
    mounts: (paths) => withGate((gate) => gate.mounts(paths)),
    bootId: () => withGate((gate) => gate.bootId()),
    // A stream cannot be read twice: whoever sends it begins again.
    async receive(segment, tar) {
      const offer = await lane.offer(tar);
      try {
        const receipt = await withGateOnce((gate) => (offer === null ? gate.receive(segment, tar) : gate.fetch(segment, offer)));
        if (!tar.readableEnded) protocols.endedEarly();
        return receipt;
      } catch (error) {
        if (offer === null || !lane.judge(error)) protocols.judge(error);
        throw error;
      }
    },
    receiptOf: (segment) => withGate((gate) => gate.receiptOf(segment)),
    remove: (paths) => withGate((gate) => gate.remove(paths)),
    landed: (directories) => streamFromGate((gate) => gate.landed(directories)),
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

    async connect({ timeoutMs, runs }) {
      await letServe({ timeoutMs, runs });
      return connect(timeoutMs);
    },
    serving: () => servingIdentity({ here, cluster, release, name }),
    leftovers,

    async editPreferences(edit) {
      const { run } = await withGate((gate) => gate.state());
      if (run === null) throw new Error('preferences are edited before anything was published');
      const bytes = await withGate((gate) => gate.readPreferences());
      if (!edit(bytes).equals(bytes)) {
        if (!(await isGateThere())) {
          throw new PlexliftError('refused', `Cannot give back the settings of ${name}: the gate is not in the release any more, and its server cannot be stopped for that without it`, { remedy: 'Set them in the server as they were on the source, or "helm rollback" the release to the revision that had the gate ("helm history" lists them); then run the same command again' });
        }
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
      const former = releaseBefore(before);
      const done = await (await keeper()).putBack(before);
      await waitForCurrentPod();
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

    async finish({ runs, before }) {
      const cleared = await withGate((gate) => gate.clear(runs));
      const set = await findStatefulSet(cluster, release);
      // After a rollback, and after somebody's own "helm upgrade", the values of the release are theirs already.
      if (!hasGate(set)) return [...cleared, `Release "${release}" was left as it is: the gate is not in it`];
      const gateRun = set.spec.template.metadata.annotations[runAnnotation];
      if (gateRun !== undefined && !runs.includes(gateRun)) return [...cleared, `Release "${release}" was left as it is: the gate in it is that of run "${gateRun}"`];
      const done = await (await keeper()).takeGateAway(before);
      await waitForCurrentPod();
      await (await connect(gateTimeoutMs)).close();
      return [...cleared, `The gate left release "${release}"`, ...done];
    },

    close: () => lane.close(),
  };
}
