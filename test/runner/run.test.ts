import { describe, expect, test } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import type { Finding } from '../../src/runner/check.ts';
import type { PassingEvent, RecordedEvent, RunEvent } from '../../src/runner/events.ts';
import type { Journal } from '../../src/runner/journal.ts';
import type { RunOptions } from '../../src/runner/run.ts';
import { discardFrom, rollBack, runPlan } from '../../src/runner/run.ts';
import type { Step } from '../../src/runner/step.ts';

interface Context {
  /** What was really done, in order. */
  readonly done: string[];
}

/** A journal in memory. */
function memoryJournal(): Journal & { readonly passed: readonly PassingEvent[] } {
  const events: RecordedEvent[] = [];
  const passed: PassingEvent[] = [];
  return { file: 'memory', events, passed, record: (event: RunEvent) => void events.push({ at: 'now', ...event }), pass: (event) => void passed.push(event), close: () => undefined };
}

function step(name: string, changes: Partial<Step<Context>> = {}): Step<Context> {
  return {
    name,
    title: name,
    touches: 'nothing',
    async run({ done }) {
      done.push(name);
      return { by: name };
    },
    ...changes,
  };
}

function undoable(name: string, changes: Partial<Step<Context>> = {}): Step<Context> {
  return step(name, {
    touches: 'target',
    async undo({ done }) {
      done.push(`undo ${name}`);
    },
    ...changes,
  });
}

const holds = (finding: Finding): Pick<Step<Context>, 'stillHolds'> => ({ stillHolds: async () => finding });

function scene(plan: readonly Step<Context>[]) {
  const journal = memoryJournal();
  const done: string[] = [];
  const stop = new AbortController();
  const options: RunOptions<Context> = { plan, context: { done }, journal, signal: stop.signal };
  const told = (): readonly string[] => journal.events.map((event) => `${event.type}${'step' in event ? ` ${event.step}` : ''}${event.type === 'results-discarded' ? ` ${event.steps.join(' ')}` : ''}`);
  return { journal, done, stop, options, told };
}

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error('Nothing was thrown');
    },
    (error: unknown) => error,
  );
}

test('runs every step in order, effect first and record second', async () => {
  const { options, done, told, journal } = scene([step('a', { run: async ({ done: effects }) => (effects.push(`a with ${journal.events.length} events`), { by: 'a' }) }), step('b')]);
  await runPlan(options);
  expect(done).toEqual(['a with 1 events', 'b']);
  expect(told()).toEqual(['step-begun a', 'step-finished a', 'step-begun b', 'step-finished b']);
});

test('a step reads earlier results, tells progress that is not kept and notes that are', async () => {
  const first = step('a') as Step<Context, { by: string }>;
  const { options, journal } = scene([
    first,
    step('b', {
      async run({ resultOf, progress, note }) {
        progress({ what: 'half', done: 1, total: 2, unit: 'files' });
        note('worth knowing');
        return { after: resultOf(first).by };
      },
    }),
  ]);
  await runPlan(options);
  expect(journal.events.at(-1)).toMatchObject({ type: 'step-finished', step: 'b', result: { after: 'a' } });
  expect(journal.events).toContainEqual({ at: 'now', type: 'noted', step: 'b', text: 'worth knowing' });
  expect(journal.passed).toEqual([{ type: 'progress', step: 'b', progress: { what: 'half', done: 1, total: 2, unit: 'files' } }]);
});

test('asking for the result of a step that has not finished is a bug', async () => {
  const later = step('b');
  const { options } = scene([step('a', { run: async ({ resultOf }) => resultOf(later) }), later]);
  expect(await thrownBy(runPlan(options))).toMatchObject({ name: 'Error', message: 'step "a" asked for the result of "b", which has not finished' });
});

test('continues at the step that failed, and does nothing twice', async () => {
  let broken = true;
  const { options, done, told } = scene([
    step('a'),
    step('b', {
      async run({ done: effects }) {
        if (broken) throw new PlexliftError('failed', 'Cannot do b', { remedy: 'Mend it', facts: ['it is broken'] });
        effects.push('b');
        return null;
      },
    }),
    step('c'),
  ]);
  expect(await thrownBy(runPlan(options))).toMatchObject({ kind: 'failed', message: 'Cannot do b' });
  expect(options.journal.events.at(-1)).toMatchObject({ type: 'step-failed', step: 'b', kind: 'failed', facts: ['it is broken'], remedy: 'Mend it' });
  expect(done).toEqual(['a']);
  broken = false;
  await runPlan(options);
  expect(done).toEqual(['a', 'b', 'c']);
  await runPlan(options);
  expect(done).toEqual(['a', 'b', 'c']);
  expect(told().filter((event) => event === 'step-begun b')).toHaveLength(2);
});

test('a step that began and never ended is done again', async () => {
  const { options, done, journal } = scene([step('a'), step('b')]);
  journal.record({ type: 'step-begun', step: 'a' });
  await runPlan(options);
  expect(done).toEqual(['a', 'b']);
});

test('what nobody foresaw is recorded as a bug', async () => {
  const { options, journal } = scene([step('a', { run: () => Promise.reject(new TypeError('undefined is not a function')) })]);
  expect(await thrownBy(runPlan(options))).toBeInstanceOf(TypeError);
  expect(journal.events.at(-1)).toMatchObject({ type: 'step-failed', kind: 'bug', message: 'undefined is not a function' });
});

test.each<{ readonly finding: Finding; readonly again: boolean; readonly reason?: string }>([
  { finding: { status: 'pass', detail: 'as it was' }, again: false },
  { finding: { status: 'fail', detail: 'it is gone', remedy: 'r' }, again: true, reason: 'it is gone' },
  { finding: { status: 'warn', detail: 'it is odd', remedy: 'r' }, again: true, reason: 'it is odd' },
  { finding: { status: 'skip', reason: 'too old' }, again: true, reason: 'too old' },
])('a recorded result that is found to be $finding.status: discarded with all after it: $again', async ({ finding, again, reason }) => {
  const { options, done, journal } = scene([step('a'), step('b', holds(finding)), step('c')]);
  await runPlan({ ...options, until: 'c' });
  done.length = 0;
  await runPlan(options);
  expect(done).toEqual(again ? ['b', 'c'] : []);
  expect(journal.events.filter((event) => event.type === 'results-discarded')).toEqual(again ? [{ at: 'now', type: 'results-discarded', steps: ['b', 'c'], reason }] : []);
});

test('where nothing is wrong with a result that is made again, and nothing after it is lost, the record says so', async () => {
  const { options, journal } = scene([step('a', holds({ status: 'skip', reason: 'done each time' })), step('b'), step('c', holds({ status: 'fail', detail: 'gone', remedy: 'r' }))]);
  const discarded = () => journal.events.filter((event) => event.type === 'results-discarded').map(({ steps, expected }) => ({ steps, expected }));
  await runPlan({ ...options, until: 'a' });
  await runPlan({ ...options, until: 'a' });
  expect(discarded()).toEqual([{ steps: ['a'], expected: true }]);
  await runPlan({ ...options, until: 'b' });
  await runPlan(options);
  expect(discarded().slice(1)).toEqual([{ steps: ['a'], expected: true }, { steps: ['a', 'b'], expected: undefined }]);
});

test('a look at a result that throws cannot tell, and that is a reason to do it again', async () => {
  const { options, done, journal } = scene([step('a', { stillHolds: () => Promise.reject(new Error('no answer')) }), step('b')]);
  await runPlan(options);
  await runPlan(options);
  expect(done).toEqual(['a', 'b', 'a', 'b']);
  expect(journal.events).toContainEqual({ at: 'now', type: 'results-discarded', steps: ['a', 'b'], reason: 'could not be checked again: no answer' });
});

test('once a step that seals has finished, what led there is not questioned, what comes after is', async () => {
  const doubtful = holds({ status: 'fail', detail: 'changed', remedy: 'r' });
  const { options, done } = scene([step('a', doubtful), step('seal', { seals: true, ...doubtful }), step('z', doubtful)]);
  await runPlan({ ...options, until: 'a' });
  await runPlan({ ...options, until: 'seal' });
  expect(done).toEqual(['a', 'a', 'seal']);
  await runPlan(options);
  done.length = 0;
  await runPlan(options);
  expect(done).toEqual(['z']);
});

test('a step that failed on what an earlier one found has that found anew', async () => {
  let good = false;
  const { options, done } = scene([
    step('look'),
    step('between'),
    step('judge', {
      judges: 'look',
      async run({ done: effects }) {
        if (!good) throw new PlexliftError('refused', 'Cannot go on', { remedy: 'r' });
        effects.push('judge');
        return null;
      },
    }),
    undoable('change'),
    step('look-back', { judges: 'look', run: () => Promise.reject(new Error('never good')) }),
  ]);
  await thrownBy(runPlan(options));
  good = true;
  await thrownBy(runPlan(options));
  expect(done).toEqual(['look', 'between', 'look', 'between', 'judge', 'change']);
  // Now something was changed: looking anew would take the changed state for the former one.
  await thrownBy(runPlan(options));
  expect(done).toEqual(['look', 'between', 'look', 'between', 'judge', 'change']);
});

test('stops after --until; a step it does not reach is not begun', async () => {
  const { options, done } = scene([step('a'), step('b'), step('c')]);
  await runPlan({ ...options, until: 'b' });
  expect(done).toEqual(['a', 'b']);
});

test('the record is kept elsewhere once a step that changes a side has begun, and after each result; what that throws fails the run', async () => {
  const { options, told } = scene([step('a'), undoable('b')]);
  const turns: string[] = [];
  await runPlan({ ...options, keepRecord: async () => void turns.push(told().at(-1) ?? '') });
  expect(turns).toEqual(['step-finished a', 'step-begun b', 'step-finished b']);
  const other = scene([undoable('a'), step('b')]);
  await thrownBy(runPlan({ ...other.options, keepRecord: () => Promise.reject(new Error('volume full')) }));
  expect(other.done).toEqual([]);
  expect(other.told()).toEqual(['step-begun a', 'step-failed a']);
});

test('an undo that finds nothing to take back says so', async () => {
  const { options, journal } = scene([undoable('a', { undo: async () => ({ nothingToUndo: 'it had not begun' }) })]);
  await runPlan(options);
  expect(await rollBack(options)).toEqual({ undone: [], nothingToUndo: ['a'] });
  expect(journal.events.at(-1)).toMatchObject({ type: 'nothing-to-undo', step: 'a', reason: 'it had not begun' });
});

test('a signal ends the run between steps, and turns what a step throws because of it into an interruption', async () => {
  const between = scene([step('a', { run: async () => (between.stop.abort(), null) }), step('b')]);
  expect(await thrownBy(runPlan(between.options))).toMatchObject({ kind: 'interrupted' });
  expect(between.told()).toEqual(['step-begun a', 'step-finished a']);

  const within = scene([
    step('a', {
      async run({ signal }) {
        within.stop.abort();
        signal.throwIfAborted();
        return null;
      },
    }),
  ]);
  expect(await thrownBy(runPlan(within.options))).toMatchObject({ kind: 'interrupted', remedy: 'Run the same command again to continue' });
  expect(within.journal.events.at(-1)).toMatchObject({ type: 'step-failed', kind: 'interrupted' });
});

test('rolls back every attempted step, last first, also one that only began; says which have nothing to undo', async () => {
  const { options, done, journal, told } = scene([step('a'), undoable('b'), undoable('c'), undoable('d')]);
  await runPlan({ ...options, until: 'b' });
  journal.record({ type: 'step-begun', step: 'c' });
  done.length = 0;
  expect(await rollBack(options)).toEqual({ undone: ['c', 'b'], nothingToUndo: ['a'] });
  expect(done).toEqual(['undo c', 'undo b']);
  expect(told().slice(-5)).toEqual(['undo-begun c', 'undo-finished c', 'undo-begun b', 'undo-finished b', 'nothing-to-undo a']);
  expect(await rollBack(options)).toEqual({ undone: [], nothingToUndo: [] });
});

test('undoes a step whose result was discarded, and can still read what was observed before it', async () => {
  const look = step('look') as Step<Context, { by: string }>;
  const { options, done } = scene([
    look,
    undoable('change', {
      async undo({ done: effects, resultOf }) {
        effects.push(`undo with ${resultOf(look).by}`);
      },
    }),
  ]);
  await runPlan(options);
  discardFrom('look', { ...options, reason: 'r' });
  await rollBack(options);
  expect(done.at(-1)).toBe('undo with look');
});

test('rolling back stops at the first step that cannot be undone, and goes on there the next time', async () => {
  let stuck = true;
  const { options, done, journal } = scene([
    undoable('a'),
    undoable('b', {
      async undo({ done: effects }) {
        if (stuck) throw new PlexliftError('failed', 'Cannot undo b', { remedy: 'Free it' });
        effects.push('undo b');
      },
    }),
    undoable('c'),
  ]);
  await runPlan(options);
  done.length = 0;
  expect(await thrownBy(rollBack(options))).toMatchObject({ message: 'Cannot undo b' });
  expect(done).toEqual(['undo c']);
  expect(journal.events.at(-1)).toMatchObject({ type: 'undo-failed', step: 'b', remedy: 'Free it' });
  stuck = false;
  expect(await rollBack(options)).toEqual({ undone: ['b', 'a'], nothingToUndo: [] });
});

test('rolling back ends between two steps when asked to stop', async () => {
  const { options, stop, done } = scene([
    undoable('a'),
    undoable('b', {
      async undo() {
        stop.abort();
      },
    }),
  ]);
  await runPlan(options);
  expect(await thrownBy(rollBack(options))).toMatchObject({ kind: 'interrupted' });
  expect(done).toEqual(['a', 'b']);
  await rollBack({ ...options, signal: new AbortController().signal });
  expect(done).toEqual(['a', 'b', 'undo a']);
});

test('after rolling back, the plan begins anew', async () => {
  const { options, done } = scene([step('a'), undoable('b')]);
  await runPlan(options);
  await rollBack(options);
  await runPlan(options);
  expect(done).toEqual(['a', 'b', 'undo b', 'a', 'b']);
});

test('discards from a step on what has a state, records nothing where there is nothing, and refuses a name it does not know', async () => {
  const { options, journal } = scene([step('a'), step('b'), step('c')]);
  expect(discardFrom('a', { ...options, reason: 'r' })).toEqual([]);
  expect(journal.events).toEqual([]);
  await runPlan({ ...options, until: 'b' });
  expect(discardFrom('b', { ...options, reason: 'asked for' })).toEqual(['b']);
  expect(journal.events.at(-1)).toEqual({ at: 'now', type: 'results-discarded', steps: ['b'], reason: 'asked for' });
  expect(() => discardFrom('z', { ...options, reason: 'r' })).toThrow(/Cannot find a step "z"/);
});

test('a step that began and turns out to have done nothing counts as not undone, and is not asked again', async () => {
  const { options, told } = scene([undoable('a', { undo: async () => ({ nothingToUndo: 'it was stopped before' }) }), undoable('b')]);
  await runPlan(options);
  expect(await rollBack(options)).toEqual({ undone: ['b'], nothingToUndo: ['a'] });
  expect(await rollBack(options)).toEqual({ undone: [], nothingToUndo: [] });
  expect(told().slice(-4)).toEqual(['undo-begun b', 'undo-finished b', 'undo-begun a', 'nothing-to-undo a']);
});

test('a step that outlives the seal is questioned after it, and done again alone', async () => {
  let holds = true;
  const guard = undoable('guard', { outlivesSeal: true, stillHolds: async () => (holds ? { status: 'pass', detail: '' } : { status: 'fail', detail: 'it came back', remedy: '' }) });
  const doubtful = step('doubtful', { stillHolds: async () => ({ status: 'fail', detail: 'history', remedy: '' }) });
  const plan = [guard, doubtful, undoable('seal', { seals: true }), step('last')];
  const context: Context = { done: [] };
  const journal = memoryJournal();
  const again = () => runPlan({ plan, context, journal, signal: new AbortController().signal });
  await again();
  await again();
  expect(context.done).toEqual(['guard', 'doubtful', 'seal', 'last']);
  holds = false;
  await again();
  expect(context.done).toEqual(['guard', 'doubtful', 'seal', 'last', 'guard']);
  expect(journal.events.filter((event) => event.type === 'results-discarded')).toMatchObject([{ steps: ['guard'], reason: 'it came back' }]);
});

describe('a step that seals, whose end is not on record', () => {
  const doubted = () => step('before', holds({ status: 'fail', detail: 'not any more', remedy: 'do' }));
  const cutOff: readonly RunEvent[] = [{ type: 'step-begun', step: 'before' }, { type: 'step-finished', step: 'before', result: {}, durationMs: 1 }, { type: 'step-begun', step: 'seal' }];
  const sealing = (isDone: boolean) => undoable('seal', { seals: true, alreadyDone: async () => (isDone ? { by: 'volume' } : null) });

  test('is put on record first where it is done already, and no doubt about what led there undoes it', async () => {
    const { journal, done, options, told } = scene([doubted(), sealing(true), step('after')]);
    for (const event of cutOff) journal.record(event);
    await runPlan(options);
    expect(done).toEqual(['after']);
    expect(told().slice(3)).toEqual(['step-finished seal', 'step-begun after', 'step-finished after']);
  });

  test('nor does what led there have to be done again, where it was discarded before', async () => {
    const { journal, done, options } = scene([step('before'), sealing(true), step('after')]);
    for (const event of [{ type: 'step-begun', step: 'before' }, { type: 'step-begun', step: 'seal' }] as const) journal.record(event);
    await runPlan(options);
    expect(done).toEqual(['after']);
  });

  test('is done again where it is not, and what led there is questioned', async () => {
    const { journal, done, options } = scene([doubted(), sealing(false)]);
    for (const event of cutOff) journal.record(event);
    await runPlan(options);
    expect(done).toEqual(['before', 'seal']);
  });

  test('is not asked about before it was begun', async () => {
    const { done, options } = scene([sealing(true)]);
    await runPlan(options);
    expect(done).toEqual(['seal']);
  });
});
