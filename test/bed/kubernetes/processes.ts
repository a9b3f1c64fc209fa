import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process beyond doubt: a pid alone may be another process later. */
export interface ProcessId {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks after boot. */
  readonly startTicks: string;
}

/** How long an ended process may take to leave the process table. */
const endTimeoutMs = 10_000;

/** Identifies the process with this pid, or undefined when there is none (a zombie counts as none). */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const fields = await statFields(pid);
  return fields === undefined || fields.state === 'Z' ? undefined : { pid, startTicks: fields.startTicks };
}

/** True while exactly this process lives. */
export async function lives(process: ProcessId): Promise<boolean> {
  return (await identify(process.pid))?.startTicks === process.startTicks;
}

/** Sends `signal` to those of the processes that live and waits until all are gone; SIGKILL follows after ten seconds. */
export async function end(processes: readonly ProcessId[], signal: NodeJS.Signals): Promise<void> {
  const remaining = await living(processes);
  send(remaining, signal);
  const deadline = Date.now() + endTimeoutMs;
  for (let left = remaining; left.length > 0; left = await living(left)) {
    if (Date.now() > deadline) {
      if (signal === 'SIGKILL') {
        throw new Error(`Cannot end the processes ${left.map((process) => process.pid).join(', ')}: still there after SIGKILL`);
      }
      return end(left, 'SIGKILL');
    }
    await sleep(50);
  }
}

/** Processes whose command line holds `text`, with all their descendants, parents first. */
export async function processTree(text: string): Promise<readonly ProcessId[]> {
  const children = new Map<number, number[]>();
  const roots: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    const fields = Number.isInteger(pid) ? await statFields(pid) : undefined;
    if (fields === undefined) {
      continue;
    }
    children.set(fields.parent, [...(children.get(fields.parent) ?? []), pid]);
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (pid !== process.pid && commandLine.split('\0').includes(text)) {
      roots.push(pid);
    }
  }
  const tree = new Set<number>();
  for (const queue = [...roots]; queue.length > 0; ) {
    const pid = queue.shift();
    if (pid !== undefined && !tree.has(pid)) {
      tree.add(pid);
      queue.push(...(children.get(pid) ?? []));
    }
  }
  const found = await Promise.all([...tree].map(identify));
  return found.filter((process) => process !== undefined);
}

async function living(processes: readonly ProcessId[]): Promise<readonly ProcessId[]> {
  const alive = await Promise.all(processes.map(lives));
  return processes.filter((_, position) => alive[position]);
}

function send(processes: readonly ProcessId[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
        throw error;
      }
    }
  }
}

async function statFields(pid: number) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields ?? [];
  const startTicks = fields?.[19];
  return state === undefined || startTicks === undefined ? undefined : { state, parent: Number(parent), startTicks };
}
