import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that cannot be mistaken for a later one with the same number: `startedAtTicks` is field 22 of /proc/PID/stat. */
export interface HostProcess {
  readonly pid: number;
  readonly startedAtTicks: string;
}

/** The process with this number as it is now, or undefined when there is none or it has ended. */
export function identifyProcess(pid: number): HostProcess | undefined {
  const stat = readStat(pid);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  return { pid, startedAtTicks: stat.startedAtTicks };
}

/** Whether exactly this process still runs. */
export function isAlive(process: HostProcess): boolean {
  return identifyProcess(process.pid)?.startedAtTicks === process.startedAtTicks;
}

/** Sends a signal (a name, or a number for those without one) to exactly this process; does nothing when it has ended. */
export function sendSignal(target: HostProcess, signal: NodeJS.Signals | number): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    // It ended between the look and the signal, which is what the signal was to bring about.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Waits until the process has ended; false when it still runs after `timeoutMs`. */
export async function waitForEnd(target: HostProcess, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(target)) {
    if (Date.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}

/** The init of the machine that `supervisorPid` runs through a systemd-nspawn child, once it is systemd; undefined while there is none. */
export async function findContainerInit(supervisorPid: number): Promise<HostProcess | undefined> {
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    // Before it becomes systemd, this process still has the host's file system, and commands run there would ask the host.
    if (stat?.name !== 'systemd' || readStat(stat.parentPid)?.parentPid !== supervisorPid) continue;
    // A process may end while it is being looked at, then it is not the init.
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    if (/^NSpid:\s+\d+\s+1$/m.test(status)) return identifyProcess(pid);
  }
  return undefined;
}

function readStat(pid: number): { name: string; state: string; parentPid: number; startedAtTicks: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // No such process: the one answer this file system has for that.
  }
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parentPid] = fields;
  const startedAtTicks = fields[19];
  if (state === undefined || parentPid === undefined || startedAtTicks === undefined) return undefined;
  return { name, state, parentPid: Number(parentPid), startedAtTicks };
}
