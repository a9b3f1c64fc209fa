import { setTimeout as sleep } from 'node:timers/promises';
import { removeTree } from '../removeTree.ts';
import { tryOnHost } from './hostCommand.ts';
import { isAlive } from './hostProcess.ts';
import { processesOf, removeCgroups } from './machineCgroup.ts';
import { removeBridge } from './machineNetwork.ts';
import { listSlots, releaseSlot, type MachineSlot } from './machineRecord.ts';
import { unmountBelow } from './unmount.ts';

const END_TIMEOUT_MS = 15_000;

const POLL_MS = 100;

/** Takes away whatever is left of a machine: processes, mount, bridge, control groups, files, its subnet. May be repeated, and run by two processes at once. */
export async function endMachine(slot: MachineSlot): Promise<void> {
  const { id, workDirectory } = slot.record;
  await killProcesses(id);
  await unmountBelow(workDirectory);
  await removeBridge(id);
  await removeCgroups(id);
  await removeTree(workDirectory);
  await releaseSlot(slot);
}

/** Ends the machines whose starting process is gone, which is how a crashed test run leaves them. */
export async function cleanUp(): Promise<void> {
  for (const slot of await listSlots()) if (!isAlive(slot.record.owner)) await endMachine(slot);
}

async function killProcesses(machineId: string): Promise<void> {
  const deadline = Date.now() + END_TIMEOUT_MS;
  for (;;) {
    const pids = await processesOf(machineId);
    if (pids.size === 0) return;
    if (Date.now() > deadline) throw new Error(`Cannot end source machine "${machineId}": processes ${[...pids].join(', ')} survive SIGKILL`);
    // Most of them end with the machine's init, before it is their turn; a number that is free again is no failure.
    await tryOnHost(['kill', '-s', 'KILL', ...[...pids].map(String)]);
    await sleep(POLL_MS);
  }
}
