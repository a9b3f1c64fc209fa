import type { RecordedEvent } from '../runner/events.ts';
import { historyOf } from '../runner/history.ts';
import type { GateState } from '../targets/target.ts';
import type { Migration } from './migration.ts';
import { publish } from './steps/publish.ts';

/** How far `finish` is with the library that a run published. `agreed`: somebody consented, that it ended is not on record, and nothing since takes the consent back. */
export type Finishing = 'no' | 'agreed' | 'ended';

/** Adds up the events of one run. */
export function finishingOf(events: readonly RecordedEvent[]): Finishing {
  const since = sincePublished(events);
  if (since === null) return 'no';
  if (since.some((event) => event.type === 'finished')) return 'ended';
  // A no takes an earlier yes back, and so does a rollback that was begun: it was let pass because nothing had come of the yes.
  const last = since.findLast((event) => event.type === 'undo-begun' || isAnswer(event));
  return last !== undefined && isAnswer(last) && last.answer === 'finish' ? 'agreed' : 'no';
}

/** True where removing what a run copied and never published was consented to, and neither its end is on record nor anything begun since. */
export function isBeingRemoved(events: readonly RecordedEvent[]): boolean {
  if (sincePublished(events) !== null) return false;
  const last = events.findLast((event) => event.type === 'step-begun' || event.type === 'undo-begun' || event.type === 'finished' || isAnswer(event));
  return last !== undefined && isAnswer(last) && last.answer === 'finish';
}

/** True where what was copied and taken back was removed, and nothing was taken back since. */
export function wasCleared(events: readonly RecordedEvent[]): boolean {
  return events.findLastIndex((event) => event.type === 'finished') > events.findLastIndex((event) => event.type === 'undo-finished');
}

/** Whether a step was finished since the library was published, whatever became of its result: a server that is used changes, and a rollback that stopped before the withdrawal changed nothing. */
export function wasFinishedSincePublishing(events: readonly RecordedEvent[], step: string): boolean {
  return sincePublished(events)?.some((event) => event.type === 'step-finished' && event.step === step) === true;
}

/** True where the way back of a run is gone, or may be: `state` is what the volume says. */
export function isPastReturn(events: readonly RecordedEvent[], { state, run }: { readonly state: GateState; readonly run: string }): boolean {
  if (sincePublished(events) === null) return false;
  // Also without a consent on record: a journal that was kept on the volume ends before it.
  if (state.phase === 'finished' && state.run === run) return true;
  const finishing = finishingOf(events);
  // A consent is not enough where the volume says that nothing was taken from it yet.
  return finishing === 'ended' || (finishing === 'agreed' && !(state.phase === 'published' && state.run === run));
}

/** What the volume says, where a way back can be gone at all; null where nothing is published. */
export async function stateOncePublished(events: readonly RecordedEvent[], { target }: Pick<Migration, 'target'>): Promise<GateState | null> {
  return sincePublished(events) === null ? null : target.state();
}

function isAnswer(event: RecordedEvent): event is Extract<RecordedEvent, { readonly type: 'question-answered' }> {
  return event.type === 'question-answered' && event.id === 'finish';
}

/** The events from the publishing on; null where nothing is published, or not any more. */
function sincePublished(events: readonly RecordedEvent[]): readonly RecordedEvent[] | null {
  if (historyOf(events).stateOf(publish.name).status !== 'finished') return null;
  return events.slice(events.findLastIndex((event) => event.type === 'step-finished' && event.step === publish.name));
}
