import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Makes control groups of the machine's own and returns their directories.
 * Needed because systemd-nspawn with --keep-unit works in the caller's group: two machines would share one tree,
 * and stopping a unit in one would kill the processes of the unit with the same name in the other.
 */
export async function makeCgroups(machineId: string): Promise<readonly string[]> {
  const directories = (await systemdHierarchies()).map((mountPoint) => cgroupDirectory(mountPoint, machineId));
  for (const directory of directories) await mkdir(directory, { recursive: true });
  return directories;
}

/** The numbers of all processes in the machine's control groups: systemd-nspawn itself and everything inside the machine. */
export async function processesOf(machineId: string): Promise<ReadonlySet<number>> {
  const pids = new Set<number>();
  for (const mountPoint of await systemdHierarchies()) await collectProcesses(cgroupDirectory(mountPoint, machineId), pids);
  return pids;
}

/** Removes the machine's control groups; the kernel refuses while a process is left in one, which throws after 5 s. */
export async function removeCgroups(machineId: string): Promise<void> {
  for (const mountPoint of await systemdHierarchies()) {
    const directory = cgroupDirectory(mountPoint, machineId);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await removeTree(directory);
        break;
      } catch (error) {
        if (attempt === 50 || !hasCode(error, 'EBUSY')) throw error;
        await sleep(100);
      }
    }
  }
}

function cgroupDirectory(mountPoint: string, machineId: string): string {
  return path.join(mountPoint, `plexlift-bed-${machineId}`);
}

/** Where systemd keeps its groups: the version 2 tree, and on older kernels also the named version 1 tree. */
async function systemdHierarchies(): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return mounts.flatMap((line) => {
    const [before, after] = line.split(' - ');
    const mountPoint = before?.split(' ')[4];
    if (mountPoint === undefined || after === undefined) return [];
    const isSystemds = after.startsWith('cgroup2 ') || (after.startsWith('cgroup ') && /(^|,| )name=systemd(,|$)/.test(after));
    return isSystemds ? [mountPoint] : [];
  });
}

async function collectProcesses(directory: string, pids: Set<number>): Promise<void> {
  const children = await childGroups(directory);
  if (children === undefined) return;
  const listed = await unlessGone(readFile(path.join(directory, 'cgroup.procs'), 'utf8'));
  for (const line of (listed ?? '').split('\n')) if (line !== '') pids.add(Number(line));
  for (const child of children) await collectProcesses(child, pids);
}

async function removeTree(directory: string): Promise<void> {
  const children = await childGroups(directory);
  if (children === undefined) return;
  for (const child of children) await removeTree(child);
  await unlessGone(rmdir(directory));
}

/** The groups directly below, or undefined when the group itself does not exist. */
async function childGroups(directory: string): Promise<readonly string[] | undefined> {
  const entries = await unlessGone(readdir(directory, { withFileTypes: true }));
  return entries?.filter((entry) => entry.isDirectory()).map((entry) => path.join(directory, entry.name));
}

async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    // A group's last process may end while it is being read; reading on then fails with ENODEV.
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENODEV')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
