import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { addressesOf } from './addresses.ts';
import type { Cluster } from './cluster.ts';

/** Everything on this machine that belongs to the bed: processes, mounts, network, control groups, files. */
export async function tracesOf({ directory, nodeAddress }: Pick<Cluster, 'directory' | 'nodeAddress'>): Promise<string[]> {
  const bed = addressesOf(Number(directory.split('/').at(-1)));
  const lines = async (file: string, ...args: string[]) => (await execa(file, args)).stdout.split('\n');
  const texts = [
    ...(await processes(directory)),
    ...(await readFile('/proc/self/mountinfo', 'utf8')).split('\n'),
    ...(await lines('losetup', '--list', '--noheadings', '--output', 'BACK-FILE')),
    ...(await lines('ip', '-oneline', 'link')),
    ...(await lines('ip', 'route')),
    ...(await lines('find', '/run/netns', '/run/containerd/s', '/var/lib/cni', '/var/log/containers', '-mindepth', '1', '-printf', '%p %l\n')),
    ...(await lines('find', dirname(directory), '-maxdepth', '1', '-name', basename(directory))),
  ];
  const marks = [`${directory}/`, bed.namespace, bed.hostInterface, nodeAddress, directory];
  return texts.filter((text) => marks.some((mark) => text.includes(mark)));
}

/** Ids of the bed's running containers and sandboxes. */
export async function containersOf(directory: string): Promise<string[]> {
  return readdir(join(directory, 'containerd-state/io.containerd.runtime.v2.task/k8s.io'));
}

/** Control groups of these containers. */
export async function cgroupsOf(containers: readonly string[]): Promise<string[]> {
  const { stdout } = await execa('find', ['/sys/fs/cgroup', '-maxdepth', '3', '-type', 'd', '-path', '*/k8s.io/*']);
  return stdout.split('\n').filter((path) => containers.includes(basename(path)));
}

/** Command lines of the bed's processes: its own, and those of its containers, which see a root below the directory. */
async function processes(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const texts = pids.map(async (pid) => {
    const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    const ownRoot = mounts.split('\n').some((line) => line.includes(' / / ') && line.includes(`${directory}/`));
    return ownRoot ? `container process of ${directory}/: ${commandLine}` : commandLine;
  });
  return Promise.all(texts);
}
