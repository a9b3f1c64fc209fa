import type { Finding } from './check.ts';
import type { Json } from './json.ts';

/** What a step may change; the plan and the documents say it of each. */
export type Touches = 'nothing' | 'run directory' | 'source' | 'landing area' | 'target';

/** One advance of something that takes a while. `done` and `total` count the same unit; `total` is absent while unknown. */
export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total?: number;
  readonly unit: 'bytes' | 'entries' | 'files' | 'rows' | 'seconds';
  /** Beside bytes: the entries that carry them, directories and links among them. */
  readonly entries?: { readonly done: number; readonly total: number };
  /** How much of the work lies behind, from 0 to 1, where `done` of `total` would not say: never falls, and 1 only when all is proven. */
  readonly share?: number;
  /** As it went of late. */
  readonly bytesPerSecond?: number;
  readonly entriesPerSecond?: number;
  /** Does not jump; absent while nobody can tell. */
  readonly secondsLeft?: number;
}

/** What the runner lends every step. */
export interface StepTools {
  /** The recorded result of an earlier step; throws (a bug) when that step has not finished. */
  resultOf<Result extends Json>(step: Step<never, Result>): Result;
  progress(progress: Progress): void;
  /** A sentence for the person and the journal: something true and worth knowing that is no failure. */
  note(text: string): void;
  readonly signal: AbortSignal;
}

/** Why a step that began has nothing to take back. */
export interface NothingToUndo {
  readonly nothingToUndo: string;
}

/**
 * One step of a plan: an object whose behaviour is a function. Every `run` begins *or continues*: it has its effect first and its
 * result is recorded second, so it may be called again at any time. `undo` takes no result and is also called for a step that began
 * and never finished.
 */
export interface Step<Context, Result extends Json = Json> {
  readonly name: string;
  readonly title: string;
  readonly touches: Touches;
  /** Once this step has finished, the results before it are history and are not questioned when a run is continued. */
  readonly seals?: true;
  /** Its result is questioned for as long as a run is continued, also when a later step sealed; then it alone is done again. */
  readonly outlivesSeal?: true;
  /** The earlier step whose result this one judges: when this one failed, that is found anew, or nobody could ever put it right. */
  readonly judges?: string;
  run(context: Context & StepTools): Promise<Result>;
  /** Asked where this step began and its end is not on record: its result, where all that it does is done; null where it is not. */
  alreadyDone?(context: Context & StepTools): Promise<Result | null>;
  /** Asked when a run is continued: is the recorded result still true? Anything but `pass` makes the step run again; `skip` where nothing is wrong with it. */
  stillHolds?(context: Context & StepTools, result: Result): Promise<Finding>;
  /** Takes back what this step did; gives back why where it turns out to have done nothing yet. */
  undo?(context: Context & StepTools): Promise<NothingToUndo | void>;
}
