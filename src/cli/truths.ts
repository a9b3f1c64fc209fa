import { messageOf } from '../errors.ts';
import { finishingOf, isPastReturn, wasCleared } from '../migration/finishing.ts';
import type { Migration } from '../migration/migration.ts';
import type { Inspection } from '../migration/steps/inspect.ts';
import { twoServers } from '../migration/twoServers.ts';
import type { RecordedEvent } from '../runner/events.ts';
import { eventsOfRun, historyOf } from '../runner/history.ts';
import type { GateState } from '../targets/target.ts';

/** What both sides say of themselves at this moment. */
export interface Truths {
  readonly lines: readonly string[];
  /** True where both answer with the same identity. */
  readonly areTwoServers: boolean;
  /** True where "finish" has taken the way back away; false where nobody could be asked. */
  readonly isPastReturn: boolean;
}

/** What the sentences are told from beside the answers of both sides; `error` is what the person has just read. */
interface Told {
  readonly events: readonly RecordedEvent[];
  readonly error: unknown;
}

/** Asks both sides how they are. Never throws: what cannot be told is said so. */
export async function truthsOf(migration: Pick<Migration, 'source' | 'target' | 'run'>, told: Told): Promise<Truths> {
  const [source, target] = await Promise.all([sourceTruth(migration, told), targetTruth(migration, told)]);
  const areTwoServers = source.isRunning && target.serving !== null && target.serving === identityIn(told.events);
  return { lines: [source.sentence, target.sentence, ...(areTwoServers ? danger(migration, target.serving) : [])], areTwoServers, isPastReturn: target.isPastReturn };
}

/** Said so that nobody misses it. */
function danger({ source, target }: Pick<Migration, 'source' | 'target'>, identity: string | null): readonly string[] {
  const { detail, remedy } = twoServers({ source: source.name, target: target.name, identity });
  return ['', `DANGER: ${detail}`, ...remedy.split(/(?<=\.) |; |: (?=")/).map((part) => `  ${part}`), ''];
}

async function sourceTruth({ source }: Pick<Migration, 'source'>, told: Told): Promise<{ readonly sentence: string; readonly isRunning: boolean }> {
  try {
    const isRunning = await source.isRunning();
    const isKept = source.kind === 'systemd' && !isRunning && (await source.isKeptStopped());
    return { sentence: `${source.name}: Plex ${isRunning ? 'is running' : isKept ? 'is not running, and is kept from starting' : 'is not running'}`, isRunning };
  } catch (error) {
    return { sentence: `${source.name}: could not be asked ${reasonFor(error, told)}${historyOf(told.events).wasAttempted('stop-source') ? '' : '; this run did nothing to it'}`, isRunning: false };
  }
}

async function targetTruth({ target, run }: Pick<Migration, 'target' | 'run'>, told: Told): Promise<{ readonly sentence: string; readonly serving: string | null; readonly isPastReturn: boolean }> {
  const history = historyOf(told.events);
  if (!history.wasAttempted('open-target')) {
    // Of all runs: a new one that has begun nothing says nothing of what an earlier one left.
    const wasUndone = (step: string): boolean => told.events.some((event) => event.type === 'undo-finished' && event.step === step);
    const left = `what was copied stays in ".plexlift" on its volume${wasUndone('publish') ? ', and the withdrawn library beside it' : ''}`;
    const sentence = wasUndone('open-target') ? `${target.name}: as it was${wasCleared(told.events) ? '' : `; ${left}`}` : `${target.name}: nothing of this run is on it`;
    return { sentence, serving: wasUndone('publish') ? await target.serving().catch(() => null) : null, isPastReturn: false };
  }
  try {
    const state = await target.state();
    const serving = history.wasAttempted('publish') ? await target.serving() : null;
    return { sentence: `${target.name}: ${phaseSentence({ state, run }, told)}${serving === null ? '' : `; its server answers as ${serving}`}`, serving, isPastReturn: isPastReturn(eventsOfRun(told.events), { state, run }) };
  } catch (error) {
    return { sentence: `${target.name}: could not be asked ${reasonFor(error, told)}${history.wasAttempted('publish') ? '' : '; no library on it was changed'}`, serving: null, isPastReturn: false };
  }
}

function phaseSentence({ state, run }: { readonly state: GateState; readonly run: string }, told: Told): string {
  const finishing = finishingOf(eventsOfRun(told.events));
  const nothing = 'nothing of this run is on it, and no library was changed';
  switch (state.phase) {
    case 'none':
      if (finishing === 'ended') return 'the library is in use, and plexlift has left the release';
      if (finishing === 'agreed') return 'the library is in use, and the gate is not in the release any more; "plexlift finish" was begun and has still to end';
      if (historyOf(told.events).stateOf('publish').status === 'finished') return 'the library was published, and the gate is not in the release any more: somebody upgraded it since, so nothing keeps Plex from an empty mount';
      return nothing;
    case 'landing':
      return `Plex is held back there and serves nobody; the landing area of run ${state.run ?? run} is beside the library, and no library was changed`;
    case 'publishing':
      return 'publishing was begun; the same command completes it';
    case 'published':
      return 'the library is published';
    case 'finished':
      // An earlier migration into the same volume, where this one has not begun to land.
      if (state.run !== run) return nothing;
      return finishing === 'ended' ? 'the library is in use, and the migration is over' : 'the library is in use, and there is no way back any more; "plexlift finish" was begun and has still to end';
    case 'withdrawn':
      return 'the library was withdrawn; it is kept under another name';
    default:
      return state.phase satisfies never;
  }
}

/** The identity that was moved. */
function identityIn(events: readonly RecordedEvent[]): string | null {
  const inspected = events.findLast((event) => event.type === 'step-finished' && event.step === 'inspect');
  return inspected?.type === 'step-finished' ? (inspected.result as unknown as Inspection).source.processedMachineIdentifier : null;
}

/** A reason the person has just read is not told twice. */
function reasonFor(error: unknown, { error: ending }: Told): string {
  return ending !== null && messageOf(ending) === messageOf(error) ? 'for the reason above' : `(${messageOf(error)})`;
}
