import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A process, and its command line with spaces between the words. */
export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/** The number of every process on this computer, those in containers and machines of the beds among them. */
export function runningProcesses(): readonly number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/** A process's command line; empty for one of the kernel's, and for one that has ended. */
export function commandOf(pid: number): string {
  return textOf(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/** The socket of the shared connection that an ssh uses, as its command line tells; null for any other program. */
export function sshSocketIn(command: string): string | null {
  return /\bssh .*?-S (\S+)/.exec(command)?.[1] ?? null;
}

/** The processes that know this computer's directory `outside` by the name `inside`: those of one container, or of one machine. */
export function processesThatSee({ outside, inside }: { readonly outside: string; readonly inside: string }): readonly RunningProcess[] {
  const { dev, ino } = statSync(outside);
  return runningProcesses().flatMap((pid) => {
    const seen = entryOf(join(`/proc/${pid}/root`, inside));
    const command = seen?.dev === dev && seen.ino === ino ? commandOf(pid) : '';
    return command === '' ? [] : [{ pid, command }];
  });
}

/** Sends a signal to those of some processes that have not ended meanwhile; gives back how many those are. */
export function signalProcesses(processes: readonly { readonly pid: number }[], signal: NodeJS.Signals): number {
  let reached = 0;
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
      reached += 1;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
  return reached;
}

/** How many bytes a process has read so far, from wherever; none for one that has ended. */
export function bytesReadBy(pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(textOf(pid, 'io'))?.[1] ?? 0);
}

/** The control groups a process is in, as the kernel lists them. */
export function controlGroupsOf(pid: number): string {
  return textOf(pid, 'cgroup');
}

function textOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    // It ended between the listing and the look.
    return '';
  }
}

function entryOf(path: string) {
  try {
    return statSync(path);
  } catch {
    // No such directory where that process is, or it has ended.
    return undefined;
  }
}
