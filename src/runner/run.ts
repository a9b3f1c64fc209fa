import { foreseen, messageOf, PlexliftError } from '../errors.ts';
import { historyOf } from './history.ts';
import type { Journal } from './journal.ts';
import type { Json } from './json.ts';
import type { NothingToUndo, Step, StepTools } from './step.ts';

/** What a run needs: the plan, what its steps work on, and where it is recorded. */
export interface RunOptions<Context> {
  readonly plan: readonly Step<Context>[];
  readonly context: Context;
  readonly journal: Journal;
  readonly signal: AbortSignal;
  /** Stop after this step. */
  readonly until?: string;
  /** Called when a step that changes a side was recorded as begun, and after each step's result: keeps the record elsewhere. A failure of it fails the run. */
  readonly keepRecord?: () => Promise<void>;
}

/**
 * Runs the plan from where the journal says it stands. A recorded result that no longer holds is discarded together with everything
 * after it, unless a later step that seals (`publish`) has finished: what led there is then history, but for steps that outlive it. Throws what the failing step threw.
 */
export async function runPlan<Context>(options: RunOptions<Context>): Promise<void> {
  const { plan, journal } = options;
  await recordDone(options);
  discardJudged(options);
  const sealedAt = plan.findLastIndex((step) => step.seals === true && historyOf(journal.events).stateOf(step.name).status === 'finished');
  for (const [position, step] of plan.entries()) {
    if (options.signal.aborted) throw interrupted(step.name);
    if (!(await isDone(step, position, { ...options, sealedAt }))) await runStep(step, options);
    if (step.name === options.until) return;
  }
}

/** Puts on record what seals the plan and was done already when a process ended: no doubt about what led there may undo it any more. */
async function recordDone<Context>(options: RunOptions<Context>): Promise<void> {
  const { plan, journal } = options;
  for (const step of plan) {
    const history = historyOf(journal.events);
    if (step.alreadyDone === undefined || !history.wasAttempted(step.name) || history.stateOf(step.name).status === 'finished') continue;
    const result = await step.alreadyDone(withTools(step, options));
    if (result !== null) journal.record({ type: 'step-finished', step: step.name, result, durationMs: 0 });
  }
}

/** What a failed step judged is found anew, but never once source or target were touched: what undo needs was observed before that. */
function discardJudged<Context>({ plan, journal }: RunOptions<Context>): void {
  const history = historyOf(journal.events);
  if (plan.some((step) => (step.touches === 'source' || step.touches === 'target') && history.wasAttempted(step.name))) return;
  for (const { name, judges } of plan) {
    if (judges !== undefined && history.stateOf(name).status === 'failed') discardFrom(judges, { plan, journal, reason: `"${name}" failed on what it found then` });
  }
}

async function isDone<Context>(step: Step<Context>, position: number, options: RunOptions<Context> & { readonly sealedAt: number }): Promise<boolean> {
  const { plan, journal } = options;
  const state = historyOf(journal.events).stateOf(step.name);
  const isSealed = position <= options.sealedAt;
  // Also one that is not finished: what it worked on has become what the seal closed.
  if (isSealed && step.outlivesSeal !== true) return true;
  if (state.status !== 'finished') return false;
  if (step.stillHolds === undefined) return true;
  const doubt = await lookAgain(step, state.result, options);
  if (doubt === null) return true;
  if (isSealed) {
    journal.record({ type: 'results-discarded', steps: [step.name], reason: doubt.reason });
    return false;
  }
  discardFrom(step.name, { plan, journal, ...doubt });
  return false;
}

/** Why a recorded result cannot be relied on any more, or null when it still holds. Not being able to tell is a reason. */
async function lookAgain<Context>(step: Step<Context>, result: Json, options: RunOptions<Context>): Promise<{ readonly reason: string; readonly expected?: true } | null> {
  try {
    const finding = await step.stillHolds?.(withTools(step, options), result);
    if (finding === undefined || finding.status === 'pass') return null;
    return finding.status === 'skip' ? { reason: finding.reason, expected: true } : { reason: finding.detail };
  } catch (error) {
    return { reason: `could not be checked again: ${messageOf(error)}` };
  }
}

async function runStep<Context>(step: Step<Context>, options: RunOptions<Context>): Promise<void> {
  const { journal } = options;
  const startedAtMs = performance.now();
  journal.record({ type: 'step-begun', step: step.name });
  let result: Json;
  try {
    if (step.touches === 'source' || step.touches === 'target') await options.keepRecord?.();
    result = await step.run(withTools(step, options));
  } catch (thrown) {
    const error = options.signal.aborted && !(thrown instanceof PlexliftError && thrown.kind === 'interrupted') ? interrupted(step.name, thrown) : foreseen(thrown);
    journal.record({
      type: 'step-failed',
      step: step.name,
      kind: error instanceof PlexliftError ? error.kind : 'bug',
      message: messageOf(error),
      facts: error instanceof PlexliftError ? error.facts : [],
      remedy: error instanceof PlexliftError ? error.remedy : 'This is a bug in plexlift; nothing you did caused it',
    });
    throw error;
  }
  journal.record({ type: 'step-finished', step: step.name, result, durationMs: Math.round(performance.now() - startedAtMs) });
  await options.keepRecord?.();
}

/** What rolling back came to. */
export interface RollbackOutcome {
  readonly undone: readonly string[];
  /** Steps that were attempted and have nothing to take back. */
  readonly nothingToUndo: readonly string[];
}

/** Undoes every attempted step, last first. Stops at the first that cannot be undone, because earlier ones rely on it. */
export async function rollBack<Context>(options: Omit<RunOptions<Context>, 'until'>): Promise<RollbackOutcome> {
  const { plan, journal } = options;
  const undone: string[] = [];
  const nothingToUndo: string[] = [];
  for (const step of plan.toReversed()) {
    if (!historyOf(journal.events).wasAttempted(step.name)) continue;
    if (options.signal.aborted) throw interrupted(step.name);
    if (step.undo === undefined) {
      journal.record({ type: 'nothing-to-undo', step: step.name, reason: `it touched ${step.touches} only` });
      nothingToUndo.push(step.name);
      continue;
    }
    journal.record({ type: 'undo-begun', step: step.name });
    let nothing: NothingToUndo | void;
    try {
      nothing = await step.undo(withTools(step, options));
    } catch (error) {
      const remedy = error instanceof PlexliftError ? error.remedy : 'This is a bug in plexlift; the journal tells what was undone so far';
      journal.record({ type: 'undo-failed', step: step.name, message: messageOf(error), remedy });
      throw error;
    }
    if (nothing === undefined) {
      journal.record({ type: 'undo-finished', step: step.name });
      undone.push(step.name);
    } else {
      journal.record({ type: 'nothing-to-undo', step: step.name, reason: nothing.nothingToUndo });
      nothingToUndo.push(step.name);
    }
  }
  return { undone, nothingToUndo };
}

/** Discards the results from a step on, for `--again`, for a changed configuration, and for a result that no longer holds. Returns what was discarded. */
export function discardFrom<Context>(stepName: string, options: { readonly plan: readonly Step<Context>[]; readonly journal: Journal; readonly reason: string; readonly expected?: true }): readonly string[] {
  const { plan, journal, reason } = options;
  const from = plan.findIndex((step) => step.name === stepName);
  if (from < 0) throw unknownStep(stepName, plan);
  const history = historyOf(journal.events);
  const steps = plan.slice(from).map((step) => step.name).filter((name) => !['pending', 'undone'].includes(history.stateOf(name).status));
  const isExpected = options.expected === true && steps.length === 1;
  if (steps.length > 0) journal.record({ type: 'results-discarded', steps, reason, ...(isExpected ? { expected: true } : {}) });
  return steps;
}

/** The error for a step name that the plan does not have. */
export function unknownStep<Context>(name: string, plan: readonly Step<Context>[]): PlexliftError {
  return new PlexliftError('usage', `Cannot find a step "${name}" in the plan`, { remedy: `Use one of: ${plan.map((step) => step.name).join(', ')}` });
}

function withTools<Context>(step: Step<Context>, options: RunOptions<Context>): Context & StepTools {
  const { journal, signal } = options;
  const tools: StepTools = {
    signal,
    progress: (progress) => journal.pass({ type: 'progress', step: step.name, progress }),
    note: (text) => journal.record({ type: 'noted', step: step.name, text }),
    resultOf<Result extends Json>(earlier: Step<never, Result>): Result {
      const result = lastResultOf(earlier.name, journal);
      if (result === undefined) throw new Error(`step "${step.name}" asked for the result of "${earlier.name}", which has not finished`);
      return result as Result;
    },
  };
  return { ...options.context, ...tools };
}

/** The last recorded result of a step, also one that was discarded since: what undo puts back was recorded before it was touched. */
function lastResultOf(step: string, journal: Journal): Json | undefined {
  const event = journal.events.findLast((candidate) => candidate.type === 'step-finished' && candidate.step === step);
  return event?.type === 'step-finished' ? event.result : undefined;
}

function interrupted(step: string, cause?: unknown): PlexliftError {
  return new PlexliftError('interrupted', `Stopped during "${step}", as asked`, { remedy: 'Run the same command again to continue', cause });
}
