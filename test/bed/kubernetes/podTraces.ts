import { readFile, readdir, readlink, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Results of the CNI library, one file a pod and network; its place is not ours to choose. */
const networkResults = '/var/lib/cni/results';
/** The kubelet's links to container logs; their place is not ours to choose. */
const logLinks = '/var/log/containers';

/** Where the control group file systems are: one a controller, or a single one. */
const cgroups = '/sys/fs/cgroup';

/**
 * Removes what the bed's pods have outside `directory` when they end without their kubelet and containerd: network
 * results (`network` is the name of the pod network), log links, control groups, and the sockets of containerd's shims.
 */
export async function removePodTraces(directory: string, network: string): Promise<void> {
  const tasks = join(directory, 'containerd-state', 'io.containerd.runtime.v2.task', 'k8s.io');
  const ids = await names(tasks);
  for (const id of ids) {
    const address = await readFile(join(tasks, id, 'address'), 'utf8').catch(() => '');
    if (address.startsWith('unix://')) {
      await rm(address.slice('unix://'.length), { force: true });
    }
    // Without one cgroup per quality of service the kubelet names no parent, and containerd uses its own namespace's.
    for (const hierarchy of ['', ...(await names(cgroups))]) {
      await removeCgroup(join(cgroups, hierarchy, 'k8s.io', id));
    }
  }
  for (const name of await names(networkResults)) {
    if (name.startsWith(`${network}-`) || ids.some((id) => name === `cni-loopback-${id}-lo`)) {
      await rm(join(networkResults, name), { force: true });
    }
  }
  for (const name of await names(logLinks)) {
    const target = await readlink(join(logLinks, name)).catch(() => '');
    if (target.startsWith(`${directory}/`)) {
      await rm(join(logLinks, name), { force: true });
    }
  }
}

/** Removes a control group without processes, and those below it, if it exists. */
async function removeCgroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  for (const entry of entries ?? []) {
    if (entry.isDirectory()) {
      await removeCgroup(join(path, entry.name));
    }
  }
  if (entries !== undefined) {
    await rmdir(path);
  }
}

async function names(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}
