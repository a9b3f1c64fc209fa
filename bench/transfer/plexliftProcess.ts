import { existsSync, readFileSync } from 'node:fs';
import type { PassingEvent, RecordedEvent } from '../../src/runner/events.ts';
import type { Stage } from '../../test/e2e/stage.ts';
import { startClock, ticksPerSecond, type Took } from './machineTime.ts';

/** A run of the real program, from its own events. */
export interface PlexliftRun {
  /** Steps that finished, by name, with what the journal says they took. */
  readonly stepSeconds: ReadonlyMap<string, number>;
  readonly events: readonly RecordedEvent[];
  /** The most memory its process ever held. */
  readonly peakMemoryMb: number;
  /** The time from the beginning to the end of the step that was watched, of the whole machine and of the process alone; null where that did not run. */
  readonly watched: (Took & { readonly ownCpuSeconds: number }) | null;
}

const pollMs = 50;

/** Runs `plexlift` on a stage to its end, which has to be a good one. */
export async function runPlexlift(stage: Stage, words: readonly string[], options: { readonly signal: AbortSignal; readonly watch?: string; readonly onEvent?: (event: RecordedEvent) => void }): Promise<PlexliftRun> {
  options.signal.throwIfAborted();
  const child = stage.begin(...words, '--json');
  // Not through execa, which would kill it before it has ended its own connections.
  const end = (): void => {
    if (child.pid !== undefined && existsSync(`/proc/${child.pid}`)) process.kill(child.pid, 'SIGTERM');
  };
  options.signal.addEventListener('abort', end, { once: true });
  let peakMemoryMb = 0;
  const poll = setInterval(() => (peakMemoryMb = Math.max(peakMemoryMb, peakOf(child.pid))), pollMs);
  const events: RecordedEvent[] = [];
  let stop: (() => Took & { readonly ownCpuSeconds: number }) | undefined;
  let watched: PlexliftRun['watched'] = null;
  try {
    for await (const line of child) {
      const event = JSON.parse(line) as RecordedEvent | PassingEvent;
      if (event.type === 'progress') continue;
      if (event.type === 'step-begun' && event.step === options.watch) stop = startBoth(child.pid);
      if (event.type === 'step-finished' && event.step === options.watch) watched = stop?.() ?? null;
      events.push(event);
      options.onEvent?.(event);
    }
    const { exitCode, stderr } = await child;
    options.signal.throwIfAborted();
    if (exitCode !== 0) throw new Error(`Cannot measure "plexlift ${words.join(' ')}": it ended with ${exitCode}\n${stderr.split('\n').slice(-25).join('\n')}`);
  } finally {
    clearInterval(poll);
    options.signal.removeEventListener('abort', end);
  }
  const stepSeconds = new Map(events.flatMap((event) => (event.type === 'step-finished' ? [[event.step, event.durationMs / 1000] as const] : [])));
  return { stepSeconds, events, peakMemoryMb, watched };
}

function startBoth(pid: number | undefined): () => Took & { readonly ownCpuSeconds: number } {
  const [stop, before] = [startClock(), ownCpuSeconds(pid)];
  return () => ({ ...stop(), ownCpuSeconds: ownCpuSeconds(pid) - before });
}

function ownCpuSeconds(pid: number | undefined): number {
  // Fields 14 and 15 of what follows; the second is the program's name in parentheses, which may hold anything.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** "VmHWM" of a process in MiB, which only ever grows; 0 once it has ended. */
function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch (error) {
    // It ended since: what was read last stands.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return 0;
    throw error;
  }
}
