import { expect, test } from 'vitest';
import type { RecordedEvent, RunEvent } from '../../src/runner/events.ts';
import { historyOf } from '../../src/runner/history.ts';

const history = (...events: readonly RunEvent[]) => historyOf(events.map((event): RecordedEvent => ({ at: 'now', ...event })));
const begun: RunEvent = { type: 'step-begun', step: 'a' };
const finished: RunEvent = { type: 'step-finished', step: 'a', result: { n: 1 }, durationMs: 5 };
const failed: RunEvent = { type: 'step-failed', step: 'a', kind: 'refused', message: 'no', facts: [], remedy: 'yes' };
const discarded: RunEvent = { type: 'results-discarded', steps: ['a'], reason: 'r' };
const undone: RunEvent = { type: 'undo-finished', step: 'a' };
const nothing: RunEvent = { type: 'nothing-to-undo', step: 'a', reason: 'r' };

test.each<{ readonly events: readonly RunEvent[]; readonly status: string; readonly attempted: boolean }>([
  { events: [], status: 'pending', attempted: false },
  { events: [{ type: 'step-begun', step: 'b' }], status: 'pending', attempted: false },
  { events: [begun], status: 'begun', attempted: true },
  { events: [begun, finished], status: 'finished', attempted: true },
  { events: [begun, failed], status: 'failed', attempted: true },
  { events: [begun, finished, begun], status: 'begun', attempted: true },
  { events: [begun, finished, discarded], status: 'pending', attempted: true },
  { events: [begun, finished, { type: 'undo-begun', step: 'a' }], status: 'finished', attempted: true },
  { events: [begun, finished, { type: 'undo-failed', step: 'a', message: 'm', remedy: 'r' }], status: 'finished', attempted: true },
  { events: [begun, finished, undone], status: 'undone', attempted: false },
  { events: [begun, failed, nothing], status: 'undone', attempted: false },
  { events: [begun, finished, undone, begun], status: 'begun', attempted: true },
  { events: [begun, finished, discarded, begun, finished], status: 'finished', attempted: true },
])('$events.length events add up to $status, attempted: $attempted', ({ events, status, attempted }) => {
  const { stateOf, wasAttempted } = history(...events);
  expect(stateOf('a').status).toBe(status);
  expect(wasAttempted('a')).toBe(attempted);
});

test('a finished step carries its result and duration, a failed one its message', () => {
  expect(history(begun, finished).stateOf('a')).toEqual({ status: 'finished', result: { n: 1 }, durationMs: 5 });
  expect(history(begun, failed).stateOf('a')).toEqual({ status: 'failed', message: 'no' });
});
