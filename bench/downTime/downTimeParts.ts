import type { RecordedEvent } from '../../src/runner/events.ts';

/** A stretch of time; milliseconds since 1970. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When the source was told to stop: the command that does it, as recorded at its end. */
export function toldToStopAtMs(events: readonly RecordedEvent[]): number {
  for (const event of events) {
    if (event.type === 'command-run' && /\bsystemctl\b.*\bstop\b/.test(event.command)) return Date.parse(event.at) - event.durationMs;
  }
  throw new Error('Cannot tell when the source was stopped: the journal has no such command');
}

/** How much of a stretch each step took, in order, in seconds; what lies between steps is called "between steps". */
export function partsOf(events: readonly RecordedEvent[], { fromMs, toMs }: Stretch): Readonly<Record<string, number>> {
  const parts: Record<string, number> = {};
  let begunAtMs = fromMs;
  let left = toMs - fromMs;
  for (const event of events) {
    if (event.type === 'step-begun') begunAtMs = Date.parse(event.at);
    if (event.type !== 'step-finished') continue;
    const withinMs = Math.min(toMs, Date.parse(event.at)) - Math.max(fromMs, begunAtMs);
    if (withinMs <= 0) continue;
    parts[event.step] = withinMs / 1000;
    left -= withinMs;
  }
  return { ...parts, 'between steps': left / 1000 };
}
