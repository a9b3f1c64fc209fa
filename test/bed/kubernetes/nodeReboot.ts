import { readlinkSync } from 'node:fs';
import { processesThatSee, runningProcesses } from '../runningProcesses.ts';
import type { Cluster } from './cluster.ts';
import { end, identify } from './processes.ts';

/**
 * Switches the node off, as the pod that has `volume` at /config sees it: the kubelet and every process of the pod end at once. Its
 * sandbox is among them, so that the pod begins with its init containers when the node boots.
 */
export async function switchOff(cluster: Cluster, volume: string): Promise<{ boot(): Promise<void> }> {
  await cluster.kill('kubelet');
  const networks = new Set(processesThatSee({ outside: volume, inside: '/config' }).map(({ pid }) => networkOf(pid)));
  const ofPod = await Promise.all(runningProcesses().filter((pid) => networks.has(networkOf(pid))).map((pid) => identify(pid)));
  await end(ofPod.filter((process_) => process_ !== undefined), 'SIGKILL');
  return { boot: () => cluster.revive('kubelet') };
}

/** Containers of one pod share their network, and no other process has it. */
function networkOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    // It ended between the listing and the look.
    return `that of ${pid}`;
  }
}
