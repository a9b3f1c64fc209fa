import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { processesThatSee, signalProcesses } from '../runningProcesses.ts';
import type { RunningProcess } from '../runningProcesses.ts';
import type { Cluster } from './cluster.ts';
import { end, identify } from './processes.ts';
import { imageOfVolume } from './volumes.ts';

/** A node without power: nothing of it runs, and its volume holds what had reached the disk. */
export interface DarkNode {
  /** The node boots: its kubelet starts the containers again, under another boot id. Resolves when the container that sees the volume runs. */
  boot(): Promise<void>;
}

/** How long the kubelet may take from its start to that of the container. */
const bootTimeoutMs = 120_000;
const pollMs = 50;

/**
 * Takes the power from the node, as the volume sees it. The volume has to be a file system of its own (`sizeMb` or `inodes`): it lies in
 * a file, and what is in that file while it is mounted is what a disk would hold at that moment. What the node keeps in memory, to be
 * written later, is not among it, whoever was told that it is there. So every process that uses the volume is stopped first, so that
 * nobody is told anything after the moment of the copy; then the file is copied, and the processes are killed.
 */
export async function losePower(cluster: Cluster, volume: string): Promise<DarkNode> {
  const image = imageOfVolume(volume);
  const onDisk = `${image}.on-disk`;
  const users = () => processesThatSee({ outside: volume, inside: '/config' });
  signalProcesses(users(), 'SIGSTOP');
  await execa('cp', ['--sparse=always', '--reflink=auto', image, onDisk]);
  await cluster.kill('kubelet');
  for (let left = users(); left.length > 0; left = users()) await end(await identified(left), 'SIGKILL');
  await untilUnmounted(volume);
  await rename(onDisk, image);
  // As at a boot: 1 is "errors were corrected".
  const check = await execa('e2fsck', ['-y', image], { reject: false });
  if (check.exitCode !== 0 && check.exitCode !== 1) throw new Error(`Cannot repair the volume after its loss of power: ${check.stdout}${check.stderr}`);
  await execa('mount', ['-o', 'loop', image, volume]);
  return {
    async boot() {
      await cluster.revive('kubelet');
      const deadlineMs = performance.now() + bootTimeoutMs;
      for (let first = users()[0]; ; first = users()[0]) {
        if (first !== undefined) return bootedAnew(first);
        if (performance.now() > deadlineMs) throw new Error('The container that uses the volume did not come back after the loss of power');
        await sleep(pollMs);
      }
    },
  };
}

async function identified(processes: readonly RunningProcess[]) {
  const found = await Promise.all(processes.map(({ pid }) => identify(pid)));
  return found.filter((process_) => process_ !== undefined);
}

async function untilUnmounted(volume: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { exitCode, stderr } = await execa('umount', [volume], { reject: false });
    if (exitCode === 0) return;
    if (attempt === 100) throw new Error(`Cannot unmount the volume of a node without power: ${stderr}`);
    await sleep(100);
  }
}

/** The kernel below goes on, so its boot id does not change: within the container another is put over it. */
async function bootedAnew({ pid }: RunningProcess): Promise<void> {
  const file = '/tmp/boot-id';
  await writeFile(`/proc/${pid}/root${file}`, `${randomUUID()}\n`);
  await execa('nsenter', ['--target', String(pid), '--mount', '--', 'mount', '--bind', file, '/proc/sys/kernel/random/boot_id']);
}
