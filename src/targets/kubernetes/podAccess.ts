import { setTimeout as delay } from 'node:timers/promises';
import { PlexliftError } from '../../errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { ServerConnection } from '../../server/connection.ts';
import type { Gate } from '../gate/gate.ts';
import { gateClient } from '../gate/gate.ts';
import type { Cluster } from './cluster.ts';
import { ownerOf } from './describe.ts';
import { gateContainerName, gateScriptInPod } from './gateValues.ts';
import { isContainerGone, podMachine } from './podMachine.ts';
import { answersIdentity, forwardToPod } from './portForward.ts';
import { currentPod, deletePod, findStatefulSet, isRunning, plexContainer, podOf, troubleOf, waitUntil } from './workload.ts';

/** The pod of a release, through all its changes: the gate where it can be asked, the server where it serves. */
export interface PodAccess {
  /** Calls the gate; again, when its container ended before it was asked and the next one is about to run. */
  withGate<Result>(use: (gate: Gate) => Promise<Result>): Promise<Result>;
  /** The same for what cannot be begun twice, such as a stream. */
  withGateOnce<Result>(use: (gate: Gate) => Promise<Result>): Promise<Result>;
  /** The container that was asked last is ending: the next call looks for its successor. */
  forgetGate(): void;
  waitForGate(): Promise<void>;
  /** Waits until the pod is the one that the newest template makes. */
  waitForCurrentPod(): Promise<void>;
  /** Stops the server by holding the gate and replacing the pod; the gate container then waits, with the library at rest. */
  holdPlex(run: string): Promise<void>;
  /** Waits until either of them runs. */
  waitForGateOrServer(timeoutMs: number): Promise<void>;
  /** Waits until the container of the server runs, which is not yet that it answers. */
  waitForServerContainer(): Promise<void>;
  /** The address of the node that the pod is on; null where that is not known. */
  nodeAddress(): Promise<string | null>;
  /** A way to the server, once it answers. */
  connect(timeoutMs: number): Promise<ServerConnection>;
}

/** How long a pod may take to come up with the gate: an image may have to be pulled. */
export const gateTimeoutMs = 10 * 60_000;
/** How long a container may take to change over: the gate ends, the server's container starts. */
const changeOverTimeoutMs = 150_000;

/** Access to the pod of a release; `name` is what people call it. */
export function podAccess(here: Machine, cluster: Cluster, { release, name, kubectlEnvironment }: { readonly release: string; readonly name: string; readonly kubectlEnvironment: () => Readonly<Record<string, string>> }): PodAccess {
  let known: Promise<Gate> | undefined;

  /** The gate's script in whichever container can run it: the waiting gate, or Plex's own once that runs. */
  async function findGate(): Promise<Gate> {
    const { set, plex, container, script } = await findContainer(changeOverTimeoutMs);
    return gateClient({ machine: podMachine(here, cluster, { pod: `${set.metadata.name}-0`, container, kubectlEnvironment }), script: ['sh', script], root: '/config', owner: ownerOf(plex) });
  }

  /** The container that can run the script, once it runs, and where the script is in it. */
  async function findContainer(timeoutMs: number) {
    const set = await findStatefulSet(cluster, release);
    const plex = plexContainer(set);
    let found: { readonly container: string; readonly script: string } | null = null;
    await waitUntil({ timeoutMs, what: `the gate or the server of ${name} to run` }, async () => {
      const pod = await podOf(cluster, set);
      if (isRunning(pod, gateContainerName)) found = { container: gateContainerName, script: gateScriptInPod };
      else if (isRunning(pod, plex.name)) found = { container: plex.name, script: '/config/.plexlift/gate.sh' };
      else if (pod !== null) refuseStuck(troubleOf(pod));
      return found !== null;
    });
    return { set, plex, ...(found as unknown as { readonly container: string; readonly script: string }) };
  }

  /** Calls the gate once; what failed may have failed because the pod was replaced, so the next call looks for it anew. */
  async function withGateOnce<Result>(use: (gate: Gate) => Promise<Result>): Promise<Result> {
    known ??= findGate();
    try {
      return await use(await known);
    } catch (error) {
      known = undefined;
      throw error;
    }
  }

  /** Calls the gate; again, when its container ended before it was asked and the next one is about to run. */
  async function withGate<Result>(use: (gate: Gate) => Promise<Result>): Promise<Result> {
    const endMs = performance.now() + changeOverTimeoutMs;
    for (;;) {
      try {
        return await withGateOnce(use);
      } catch (error) {
        if (!isContainerGone(error) || performance.now() > endMs) throw error;
        await delay(1000);
      }
    }
  }

  async function waitForGate(): Promise<void> {
    await waitUntil({ timeoutMs: gateTimeoutMs, what: `the gate of ${name} to run` }, async () => {
      const pod = await currentPod(cluster, release);
      if (pod !== null) refuseStuck(troubleOf(pod));
      return isRunning(pod, gateContainerName);
    });
    known = undefined;
  }

  async function waitForCurrentPod(): Promise<void> {
    await waitUntil({ timeoutMs: gateTimeoutMs, what: `the pod of ${name} to be made from its newest template` }, async () => (await currentPod(cluster, release)) !== null);
    known = undefined;
  }

  function refuseStuck(trouble: string | null): void {
    if (trouble === null) return;
    throw new PlexliftError('refused', `The pod of ${name} cannot start: ${trouble}`, { remedy: 'Make the image available to the node (or correct what is named above), then run the same command again; "plexlift rollback" puts the release and its server back as they were' });
  }

  /** Stops the server by holding the gate and replacing the pod; the gate container then waits, with the library at rest. */
  async function holdPlex(run: string): Promise<void> {
    await withGate((gate) => gate.hold(run));
    const set = await findStatefulSet(cluster, release);
    const pod = await podOf(cluster, set);
    if (pod !== null && !isRunning(pod, gateContainerName)) await deletePod(cluster, pod);
    known = undefined;
    await waitForGate();
  }

  /** Waits until the container of the server runs, which is not yet that it answers; gives back the pod's name. */
  async function waitForServerContainer(timeoutMs: number): Promise<string> {
    const set = await findStatefulSet(cluster, release);
    const plex = plexContainer(set);
    await waitUntil({ timeoutMs, what: `the server of ${name} to start` }, async () => {
      const pod = await podOf(cluster, set);
      if (pod !== null) refuseStuck(troubleOf(pod));
      return isRunning(pod, plex.name);
    });
    return `${set.metadata.name}-0`;
  }

  async function connect(timeoutMs: number): Promise<ServerConnection> {
    const endMs = performance.now() + timeoutMs;
    const pod = await waitForServerContainer(timeoutMs);
    for (;;) {
      const connection = await forwardToPod(here, cluster, pod);
      const remainingMs = endMs - performance.now();
      if (await answersIdentity(connection.baseUrl, Math.min(remainingMs, 30_000))) return connection;
      await connection.close();
      if (performance.now() >= endMs) throw new PlexliftError('failed', `The server of ${name} does not answer`, { remedy: 'Look at its log with "kubectl logs", then run the same command again' });
      await delay(1000);
    }
  }

  return {
    withGate,
    withGateOnce,
    forgetGate: () => {
      known = undefined;
    },
    waitForGate,
    waitForCurrentPod,
    holdPlex,
    waitForGateOrServer: async (timeoutMs) => {
      await findContainer(timeoutMs);
    },
    waitForServerContainer: async () => {
      await waitForServerContainer(changeOverTimeoutMs);
    },
    async nodeAddress() {
      return (await podOf(cluster, await findStatefulSet(cluster, release)))?.status.hostIP ?? null;
    },
    connect,
  };
}
