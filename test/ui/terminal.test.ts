import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import type { PassingEvent, RunEvent } from '../../src/runner/events.ts';
import { jsonReporter, terminalReporter } from '../../src/ui/terminal.ts';

function told(events: Iterable<RunEvent | PassingEvent>, changes: { readonly live?: boolean; readonly colour?: boolean; readonly columns?: number; readonly now?: () => number } = {}): string {
  let text = '';
  const output = new Writable({ write: (chunk: Buffer, _encoding, done) => ((text += chunk.toString('utf8')), done()) });
  const { colour = false, live = false, columns, ...clock } = changes;
  const report = terminalReporter({ output: columns === undefined ? output : Object.assign(output, { columns }), colour, live, unicode: true, ...clock, steps: [{ name: 'a', title: 'Do a' }, { name: 'b', title: 'Do b' }] });
  for (const event of events) report(event.type === 'progress' ? event : { at: 'now', ...event });
  return text;
}

const check = (status: 'pass' | 'warn' | 'fail', accepted = false): RunEvent => ({ type: 'check-finished', step: 'a', name: 'room', claim: 'There is room', finding: status === 'pass' ? { status, detail: 'much' } : { status, detail: 'little', remedy: 'make some' }, accepted });

test('a step is one line as it begins, numbered by the plan, and one as it ends', () => {
  expect(told([{ type: 'step-begun', step: 'b' }, { type: 'step-finished', step: 'b', result: null, durationMs: 65_000 }])).toBe(' 2/2  Do b\n       done 1 min 5 s\n');
  for (const kind of ['refused', 'interrupted'] as const) expect(told([{ type: 'step-failed', step: 'a', kind, message: 'm', facts: [], remedy: 'r' }])).toBe('       stopped\n');
  expect(told([{ type: 'step-failed', step: 'a', kind: 'failed', message: 'm', facts: [], remedy: 'r' }])).toBe('       failed\n');
});

test('of checks only what is worth reading is told, with its remedy', () => {
  expect(told([check('pass')])).toBe('');
  expect(told([check('warn')])).toBe('       note: room: little\n         make some\n');
  expect(told([check('fail')])).toBe('       failed: room: little\n         make some\n');
  expect(told([check('fail', true)])).toContain('accepted: room');
});

test('what is longer than the terminal is wide is broken between words, below the title', () => {
  expect(told([{ type: 'noted', step: 'a', text: 'worth knowing, and longer than the line' }], { columns: 30 })).toBe('       worth knowing, and\n       longer than the line\n');
  expect(told([{ ...check('warn'), finding: { status: 'warn', detail: 'little', remedy: 'make some more of it there' } } as RunEvent], { columns: 30 })).toBe('       note: room: little\n         make some more of it\n         there\n');
});

test('what is to be copied out of a remedy stays as it is, however narrow the terminal', () => {
  const remedy = 'apply this role:\nitems:\n  - kind: Role and much more on the line';
  expect(told([{ ...check('fail'), finding: { status: 'fail', detail: 'little', remedy } } as RunEvent], { columns: 30 })).toBe('       failed: room: little\n         apply this role:\n         items:\n           - kind: Role and much more on the line\n');
});

test('notes, answers, discarded results and undoing are told', () => {
  const text = told([
    { type: 'noted', step: 'a', text: 'worth knowing' },
    { type: 'question-answered', id: 'q', title: 't', answer: 'yes', by: 'flag' },
    { type: 'results-discarded', steps: ['a', 'b'], reason: 'the mapping changed' },
    { type: 'undo-begun', step: 'a' },
    { type: 'undo-finished', step: 'a' },
    { type: 'undo-failed', step: 'a', message: 'm', remedy: 'r' },
  ]);
  for (const part of ['worth knowing', 'q: yes (answered ahead)', 'To be done again (a, b): the mapping changed', 'undo   Do a', 'undone', 'not undone']) expect(text).toContain(part);
});

test('a step that is done each time is no alarm', () => {
  const event: RunEvent = { type: 'results-discarded', steps: ['a'], reason: 'a proof is as old as the interruption', expected: true };
  expect(told([event])).toBe('       A proof is as old as the interruption\n');
  expect(told([event], { colour: true })).not.toContain('\u001B[33m');
});

const progress: PassingEvent = { type: 'progress', step: 'a', progress: { what: 'sending', done: 1, total: 4, unit: 'files' } };

test('progress is shown where a line can be written over, within its width, and taken away before the next line', () => {
  expect(told([progress])).toBe('');
  expect(told([progress, { type: 'noted', step: 'a', text: 'n' }], { live: true, columns: 42 })).toBe('       sending  █░░░░░ 25 %  1 of 4 files\u001B[K\r\u001B[K       n\n');
  expect(told([progress], { live: true, columns: 20 })).toBe('       █░░░░░░ 25 %\u001B[K');
  expect(told([progress], { live: true })).toContain('sending  ██████░░░░░░░░░░░░░░░░░░ 25 %  1 of 4 files');
});

test('elsewhere a line stays for every tenth of the work, a minute apart, and after ten minutes in any case', () => {
  const kept = (amounts: readonly number[]): readonly string[] => {
    let nowMs = 0;
    function* events(): Generator<RunEvent | PassingEvent> {
      yield { type: 'step-begun', step: 'a' };
      for (const done of amounts) {
        nowMs += 10_000;
        yield { type: 'progress', step: 'a', progress: { what: 'sending', done, total: 200, unit: 'files' } };
      }
    }
    return told(events(), { now: () => nowMs }).trimEnd().split('\n').slice(1);
  };
  const line = (done: number): string => `       sending: ${Math.floor(done / 2)} %, ${done} of 200 files`;
  expect(kept([10, 20, 30, 40, 50])).toEqual([]);
  expect(kept(Array.from({ length: 20 }, (_, position) => 10 * position))).toEqual([line(50), line(110), line(170)]);
  expect(kept(Array.from({ length: 45 }, (_, position) => position))).toEqual([line(20), line(40)]);
  expect(kept([...Array.from({ length: 21 }, (_, position) => position), ...Array.from({ length: 100 }, () => 25)])).toEqual([line(20), line(25)]);
});

test('what came of a step that took its time is one line before its end', () => {
  expect(told([{ type: 'step-finished', step: 'a', result: { lookedUp: 3, present: 3, comparedFiles: 1 }, durationMs: 2_000 }])).toBe('       all 3 media files are there\n       done 2 s\n');
});

test('colour only where it is wanted', () => {
  expect(told([{ type: 'step-begun', step: 'a' }])).not.toContain('\u001B');
  expect(told([{ type: 'step-begun', step: 'a' }], { colour: true })).toContain('\u001B[1m');
});

test('the JSON reporter writes every event as one line', () => {
  let text = '';
  const report = jsonReporter(new Writable({ write: (chunk: Buffer, _encoding, done) => ((text += chunk.toString('utf8')), done()) }));
  report({ at: 'now', type: 'noted', step: 'a', text: 'two\nlines' });
  report(progress);
  expect(text.split('\n')).toHaveLength(3);
  expect(JSON.parse(text.split('\n')[0] ?? '')).toEqual({ at: 'now', type: 'noted', step: 'a', text: 'two\nlines' });
});
