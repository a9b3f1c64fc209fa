import type { RecordedEvent } from '../runner/events.ts';
import type { Load } from '../transfer/copyCosts.ts';
import type { PastDurations } from './prediction.ts';
import { copyAhead } from './steps/copyBulk.ts';
import { stopSource } from './steps/stopSource.ts';

/** What the journal tells of how long things took here. */
export interface PastFigures {
  readonly durations: PastDurations;
  /** The most that any night after the first found changed. */
  readonly changedBefore: Load | null;
  readonly databaseBytes: number | null;
  /** The name of the run whose landing area the next copy goes on with; null where the next begins a new one. */
  readonly run: string | null;
}

/** Reads them from the events of a run directory. Results are read by shape: a journal may be older than the code. */
export function pastFigures(events: readonly RecordedEvent[]): PastFigures {
  const durations: Record<string, number> = {};
  const nights: Load[] = [];
  let run: string | null = null;
  let databaseBytes: number | null = null;
  for (const event of events) {
    if (event.type === 'run-created') {
      run = event.run;
      nights.length = 0;
    }
    // A withdrawn library was the landing area: the next run begins with an empty one.
    if (event.type === 'undo-finished' && event.step === 'publish') run = null;
    if (event.type !== 'step-finished') continue;
    durations[event.step] = event.durationMs;
    const { result } = event;
    // The step itself also waits for a person's answer.
    const stopMs = event.step === stopSource.name ? numberAt(result, 'durationMs') : null;
    if (stopMs !== null) durations['stop'] = stopMs;
    if (event.step === 'inspect') databaseBytes = numberAt(fieldOf(result, 'source'), 'databaseBytes') ?? databaseBytes;
    const [entries, bytes] = [numberAt(result, 'entries'), numberAt(result, 'bytes')];
    if (event.step === copyAhead.name && entries !== null && bytes !== null) nights.push({ entries, bytes });
  }
  const later = nights.slice(1);
  const changedBefore = later.length === 0 ? null : { entries: Math.max(...later.map(({ entries }) => entries)), bytes: Math.max(...later.map(({ bytes }) => bytes)) };
  return { durations, changedBefore, databaseBytes, run };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function numberAt(value: unknown, name: string): number | null {
  const field = fieldOf(value, name);
  return typeof field === 'number' ? field : null;
}
