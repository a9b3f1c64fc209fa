import type { RecordedEvent } from '../runner/events.ts';
import { historyOf } from '../runner/history.ts';
import type { Target } from '../targets/target.ts';
import { publish } from './steps/publish.ts';

/** How far `finish` is with the library that a run published. `agreed`: somebody consented, and that it ended is not on record. */
export type Finishing = 'no' | 'agreed' | 'ended';

/** Adds up the events of one run. */
export function finishingOf(events: readonly RecordedEvent[]): Finishing {
  if (historyOf(events).stateOf(publish.name).status !== 'finished') return 'no';
  const since = events.slice(events.findLastIndex((event) => event.type === 'step-finished' && event.step === publish.name));
  if (since.some((event) => event.type === 'finished')) return 'ended';
  return since.some((event) => event.type === 'question-answered' && event.id === 'finish' && event.answer === 'finish') ? 'agreed' : 'no';
}

/** True where the way back may be gone. That somebody consented is not enough where the volume says that nothing was taken from it yet. */
export async function isPastReturn(events: readonly RecordedEvent[], target: Pick<Target, 'state'>): Promise<boolean> {
  const finishing = finishingOf(events);
  return finishing === 'ended' || (finishing === 'agreed' && (await target.state()).phase !== 'published');
}
