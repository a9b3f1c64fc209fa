import { readFileSync } from 'node:fs';

/** What the whole machine did since it was switched on, in seconds of one core. */
export interface MachineTime {
  readonly busySeconds: number;
  /** What this machine wanted and others on the same hardware had. */
  readonly stolenSeconds: number;
}

/** What something took. */
export interface Took {
  readonly seconds: number;
  /** Of the whole machine: everything that is at work is on it, both ends, ssh, Kubernetes and what writes to the disk. */
  readonly cpuSeconds: number;
  readonly stolenSeconds: number;
}

/** Ticks a second in /proc: USER_HZ, which Linux never changed. */
export const ticksPerSecond = 100;

/** Reads the first line of /proc/stat. Waiting for disks is idleness, and guests are counted as user already. */
export function parseMachineTime(text: string): MachineTime {
  const fields = text.split('\n')[0]?.trim().split(/\s+/) ?? [];
  const [user, nice, system, , , irq, softirq, steal] = fields.slice(1).map(Number);
  const busy = [user, nice, system, irq, softirq].reduce<number>((sum, ticks) => sum + (ticks ?? Number.NaN), 0);
  if (fields[0] !== 'cpu' || Number.isNaN(busy)) throw new Error(`Cannot read /proc/stat: it begins with "${text.slice(0, 60)}"`);
  return { busySeconds: busy / ticksPerSecond, stolenSeconds: (steal ?? 0) / ticksPerSecond };
}

/** Begins to measure; what it gives back ends it. */
export function startClock(): () => Took {
  const [startedAtMs, before] = [performance.now(), parseMachineTime(readFileSync('/proc/stat', 'utf8'))];
  return () => {
    const after = parseMachineTime(readFileSync('/proc/stat', 'utf8'));
    return { seconds: (performance.now() - startedAtMs) / 1000, cpuSeconds: after.busySeconds - before.busySeconds, stolenSeconds: after.stolenSeconds - before.stolenSeconds };
  };
}
