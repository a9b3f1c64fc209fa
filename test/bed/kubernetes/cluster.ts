import { spawn } from 'node:child_process';
import { appendFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { addressesOf } from './addresses.ts';
import type { BedAddresses } from './addresses.ts';
import { bedDirectory, claimBed, removeBed, writeRecord } from './bedRecord.ts';
import type { BedRecord } from './bedRecord.ts';
import { buildPrograms } from './build.ts';
import type { ClusterPrograms } from './build.ts';
import { componentArguments, pathsOf, writeConfiguration } from './components.ts';
import type { BedPaths } from './components.ts';
import { pauseImage } from './images.ts';
import { installPackages } from './install.ts';
import { shareMountsOf } from './mounts.ts';
import { makeNetwork } from './network.ts';
import { end, identify } from './processes.ts';
import type { ProcessId } from './processes.ts';
import { makeVolumeFiles, removeVolumeFiles, volumeManifest } from './volumes.ts';
import type { VolumeOptions } from './volumes.ts';

/** A running one-node Kubernetes of real components in a network namespace of its own. */
export interface Cluster extends Omit<ClusterPrograms, 'cluster'> {
  /** Path of an administrator's kubeconfig; usable from the host, and from anywhere that routes to the node. */
  readonly kubeconfig: string;
  /** The bed's own directory; removed by `stop`. */
  readonly directory: string;
  /** Component logs, one file each. */
  readonly logs: string;
  readonly nodeName: string;
  /** The node's address, on which the API server listens (port 6443). */
  readonly nodeAddress: string;
  /** The host's address as the node and its pods see it. */
  readonly hostAddress: string;
  /** File of the network namespace that is the node, for `nsenter --net=`. */
  readonly networkNamespace: string;
  /** Runs kubectl with these arguments, and `input` on its standard input, and returns its output; throws with its error output. */
  run(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
  /** Creates or changes one object. */
  apply(manifest: object): Promise<void>;
  /** Makes an image archive known to the node; a second time does nothing. */
  importImage(tarPath: string): Promise<void>;
  /** Gives an image that the node has another name as well, in place of whatever has that name. */
  tagImage(name: string, as: string): Promise<void>;
  /** Makes a static volume and returns its directory on this machine. */
  makeVolume(options: VolumeOptions): Promise<string>;
  /** Removes a volume made by `makeVolume` with the files it made; nothing may use it any more. */
  removeVolume(name: string): Promise<void>;
  /** Kills a component with SIGKILL; the containers go on without it. One that ends by itself is started again, as a node does. */
  kill(component: string): Promise<void>;
  /** Starts a component again after `kill`; returns as soon as its process runs. */
  revive(component: string): Promise<void>;
  /** Waits until the API server answers that it is ready. */
  answers(): Promise<void>;
  /** Ends everything and removes every trace. */
  stop(): Promise<void>;
}

/** How long the node may take from nothing to Ready. */
const startTimeoutMs = 120_000;
const pollMs = 200;
/** What a node's service manager waits before it starts something again that has ended. */
const restartAfterMs = 1000;

/**
 * Starts a cluster, building and fetching what it needs on the first time; leftovers of crashed ones go first. Needs root.
 * `name` becomes the name of the node and of the kubeconfig's context.
 */
export async function startCluster(options: { readonly name?: string } = {}): Promise<Cluster> {
  await installPackages();
  const programs = await buildPrograms();
  const pause = await pauseImage();
  const record = await claimBed();
  const bed = createBed(record, { programs, addresses: addressesOf(record.number, options.name) });
  try {
    await bed.start();
    await bed.cluster.importImage(pause);
    await bed.ready();
    return bed.cluster;
  } catch (error) {
    await bed.cluster.stop();
    throw error;
  }
}

function createBed(first: BedRecord, { programs, addresses }: { programs: ClusterPrograms; addresses: BedAddresses }) {
  const paths = pathsOf(bedDirectory(first.number));
  let record = first;
  const imported = new Set<string>();
  const components = new Map<string, Component>();
  const restarts = new Set<Promise<void>>();
  let isStopping = false;

  async function launch(name: string, command: readonly string[]): Promise<void> {
    const child = await launchInNode(command, { name, paths, addresses });
    const identity = await identify(child.pid);
    if (identity === undefined) {
      throw new Error(`Cannot start ${name}: it ended at once; see "${join(paths.logs, `${name}.log`)}"`);
    }
    const component: Component = { command, identity, isMeantToRun: true };
    components.set(name, component);
    record = { ...record, processes: [...record.processes, identity] };
    await writeRecord(record);
    // An API server whose start takes longer than it allows itself ends, and counts on being started again.
    void child.ended.then(() => followEnd(name, component));
  }

  function followEnd(name: string, component: Component): void {
    if (!component.isMeantToRun || isStopping) return;
    const restart = startAgain(name, component).finally(() => restarts.delete(restart));
    restarts.add(restart);
  }

  async function startAgain(name: string, component: Component): Promise<void> {
    await sleep(restartAfterMs);
    if (isStopping || !component.isMeantToRun) return;
    await appendFile(join(paths.logs, `${name}.log`), 'It ended by itself, and is started again\n');
    await launch(name, component.command);
  }

  function componentCalled(name: string) {
    const component = components.get(name);
    if (component === undefined) throw new Error(`Cannot find the component "${name}": there are ${[...components.keys()].join(', ')}`);
    return component;
  }

  async function ctr(args: readonly string[]): Promise<string> {
    const { stdout } = await execa('ctr', ['--address', paths.containerdSocket, '--namespace', 'k8s.io', ...args]);
    return stdout;
  }

  const kubectl = (args: readonly string[], input?: string) =>
    execa(programs.kubectl, args, { env: { KUBECONFIG: paths.kubeconfig }, ...(input === undefined ? {} : { input }) });

  async function apply(manifest: object): Promise<void> {
    await kubectl(['apply', '--filename=-'], JSON.stringify(manifest));
  }

  const cluster: Cluster = {
    kubectl: programs.kubectl,
    helm3: programs.helm3,
    helm4: programs.helm4,
    kubeconfig: paths.kubeconfig,
    directory: paths.directory,
    logs: paths.logs,
    nodeName: addresses.nodeName,
    nodeAddress: addresses.nodeAddress,
    hostAddress: addresses.hostAddress,
    networkNamespace: `/run/netns/${addresses.namespace}`,
    apply,
    async run(args, { input } = {}) {
      return (await kubectl(args, input)).stdout;
    },
    async importImage(tarPath) {
      if (!imported.has(tarPath)) {
        await ctr(['images', 'import', tarPath]);
        imported.add(tarPath);
      }
    },
    async tagImage(name, as) {
      await ctr(['images', 'tag', '--force', name, as]);
    },
    async makeVolume(options) {
      const path = await makeVolumeFiles(paths.volumes, options);
      await apply(volumeManifest(path, options));
      return path;
    },
    async removeVolume(name) {
      await kubectl(['delete', 'persistentvolume', name, '--ignore-not-found']);
      await removeVolumeFiles(paths.volumes, name);
    },
    async kill(name) {
      const component = componentCalled(name);
      component.isMeantToRun = false;
      await end([component.identity], 'SIGKILL');
    },
    revive: (component) => launch(component, componentCalled(component).command),
    answers: () => waitUntil('the API server is ready', async () => (await kubectl(['get', '--raw=/readyz'])).stdout === 'ok'),
    async stop() {
      isStopping = true;
      await Promise.all(restarts);
      await removeBed(record);
    },
  };

  return {
    cluster,
    async start() {
      await shareMountsOf(paths.directory);
      await writeConfiguration(paths, addresses);
      await makeNetwork(addresses);
      const { etcd, 'kube-apiserver': apiServer, ...rest } = componentArguments(paths, addresses);
      const component = (name: string, args: readonly string[]) => launch(name, [programs.cluster, name, ...args]);
      await launch('containerd', ['containerd', '--config', paths.containerdConfig]);
      await component('etcd', etcd);
      await component('kube-apiserver', apiServer);
      await cluster.answers();
      for (const [name, args] of Object.entries(rest)) {
        await component(name, args);
      }
      await waitUntil('containerd answers', async () => (await ctr(['version'])) !== '');
    },
    async ready() {
      await waitUntil('the node is Ready', async () => {
        const status = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
        return (await kubectl(['get', 'node', addresses.nodeName, '-o', status])).stdout === 'True';
      });
      // No pod can be made in a namespace before its service account exists.
      await waitUntil('the default service account exists', async () => {
        await kubectl(['get', 'serviceaccount', 'default']);
        return true;
      });
    },
  };
}

interface Component {
  readonly command: readonly string[];
  readonly identity: ProcessId;
  isMeantToRun: boolean;
}

/** Starts a program in the node's network, in a process group of its own. */
async function launchInNode(
  command: readonly string[],
  { name, paths, addresses }: { name: string; paths: BedPaths; addresses: BedAddresses },
): Promise<{ readonly pid: number; readonly ended: Promise<unknown> }> {
  await mkdir(paths.logs, { recursive: true });
  const log = await open(join(paths.logs, `${name}.log`), 'a');
  try {
    // nsenter replaces itself by the program; `ip netns exec` would give it a mount namespace of its own, and
    // the kubelet's mounts would then not reach containerd.
    const child = spawn('nsenter', [`--net=/run/netns/${addresses.namespace}`, ...command], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    const ended = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    child.unref();
    if (child.pid === undefined) {
      throw new Error(`Cannot start ${name}: it has no process id`);
    }
    return { pid: child.pid, ended };
  } finally {
    await log.close();
  }
}

/** Polls until `condition` is true; a throw counts as not yet, and is the cause of the error at the end. */
async function waitUntil(claim: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  let cause: unknown;
  while (Date.now() < deadline) {
    try {
      if (await condition()) {
        return;
      }
    } catch (error) {
      cause = error;
    }
    await sleep(pollMs);
  }
  throw new Error(`The cluster does not run: it is not true after ${startTimeoutMs / 1000} s that ${claim}`, { cause });
}
