import type { RecordedEvent } from './events.ts';
import type { Json } from './json.ts';

/** How far one step is: never stored, always what the journal's events add up to. */
export type StepState =
  | { readonly status: 'pending' }
  | { readonly status: 'begun' }
  | { readonly status: 'finished'; readonly result: Json; readonly durationMs: number }
  | { readonly status: 'failed'; readonly message: string }
  | { readonly status: 'undone' };

/** The state of every step the journal speaks of; a step it does not mention is pending. */
export interface History {
  stateOf(step: string): StepState;
  /** True from the moment a step began until its undo finished, whether or not its result was discarded: undo walks over these. */
  wasAttempted(step: string): boolean;
}

/** The events from the beginning of the latest run on: a run directory sees more than one when a library was withdrawn. */
export function eventsOfRun(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  return events.slice(Math.max(0, events.findLastIndex((event) => event.type === 'run-created')));
}

/** Adds the events up. */
export function historyOf(events: readonly RecordedEvent[]): History {
  const states = new Map<string, StepState>();
  const attempted = new Set<string>();
  for (const event of events) {
    switch (event.type) {
      case 'step-begun':
        states.set(event.step, { status: 'begun' });
        attempted.add(event.step);
        break;
      case 'step-finished':
        states.set(event.step, { status: 'finished', result: event.result, durationMs: event.durationMs });
        break;
      case 'step-failed':
        states.set(event.step, { status: 'failed', message: event.message });
        break;
      case 'results-discarded':
        for (const step of event.steps) states.set(step, { status: 'pending' });
        break;
      case 'undo-finished':
      case 'nothing-to-undo':
        states.set(event.step, { status: 'undone' });
        attempted.delete(event.step);
        break;
      default:
        break;
    }
  }
  return {
    stateOf: (step) => states.get(step) ?? { status: 'pending' },
    wasAttempted: (step) => attempted.has(step),
  };
}
