import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import type { PassingEvent, RunEvent } from '../../src/runner/events.ts';
import { jsonReporter, progressText, terminalReporter } from '../../src/ui/terminal.ts';

function told(events: readonly (RunEvent | PassingEvent)[], changes: { readonly live?: boolean; readonly colour?: boolean } = {}): string {
  let text = '';
  const output = new Writable({ write: (chunk: Buffer, _encoding, done) => ((text += chunk.toString('utf8')), done()) });
  const report = terminalReporter({ output, colour: changes.colour ?? false, live: changes.live ?? false, steps: [{ name: 'a', title: 'Do a' }, { name: 'b', title: 'Do b' }] });
  for (const event of events) report(event.type === 'progress' ? event : { at: 'now', ...event });
  return text;
}

const check = (status: 'pass' | 'warn' | 'fail', accepted = false): RunEvent => ({ type: 'check-finished', step: 'a', name: 'room', claim: 'There is room', finding: status === 'pass' ? { status, detail: 'much' } : { status, detail: 'little', remedy: 'make some' }, accepted });

test('a step is one line as it begins, numbered by the plan, and one as it ends', () => {
  expect(told([{ type: 'step-begun', step: 'b' }, { type: 'step-finished', step: 'b', result: null, durationMs: 65_000 }])).toBe(' 2/2  Do b\n       done 1 min 5 s\n');
  expect(told([{ type: 'step-failed', step: 'a', kind: 'refused', message: 'm', facts: [], remedy: 'r' }])).toBe('       stopped\n');
  expect(told([{ type: 'step-failed', step: 'a', kind: 'failed', message: 'm', facts: [], remedy: 'r' }])).toBe('       failed\n');
});

test('of checks only what is worth reading is told, with its remedy', () => {
  expect(told([check('pass')])).toBe('');
  expect(told([check('warn')])).toBe('       note: room: little\n         make some\n');
  expect(told([check('fail')])).toBe('       failed: room: little\n         make some\n');
  expect(told([check('fail', true)])).toContain('accepted: room');
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

test('progress is shown where a line can be written over, and cleared before the next line', () => {
  expect(told([progress])).toBe('');
  const text = told([progress, { type: 'noted', step: 'a', text: 'n' }], { live: true });
  expect(text).toMatch(/^ {7}sending {2}1 files of 4 files \(25 %\)\r +\r {7}n\n$/);
});

test('colour only where it is wanted', () => {
  expect(told([{ type: 'step-begun', step: 'a' }])).not.toContain('\u001B');
  expect(told([{ type: 'step-begun', step: 'a' }], { colour: true })).toContain('\u001B[1m');
});

test.each([
  { progress: { what: 'sending', done: 1024 ** 3, total: 4 * 1024 ** 3, unit: 'bytes' }, text: 'sending  1.00 GiB of 4.00 GiB (25 %)' },
  { progress: { what: 'looking', done: 12_345, unit: 'files' }, text: 'looking  12,345 files' },
  { progress: { what: 'waiting', done: 90, unit: 'seconds' }, text: 'waiting  1 min 30 s' },
  { progress: { what: 'none', done: 0, total: 0, unit: 'rows' }, text: 'none  0 rows' },
] as const)('$text', ({ progress: given, text }) => {
  expect(progressText(given)).toBe(text);
});

test('the JSON reporter writes every event as one line', () => {
  let text = '';
  const report = jsonReporter(new Writable({ write: (chunk: Buffer, _encoding, done) => ((text += chunk.toString('utf8')), done()) }));
  report({ at: 'now', type: 'noted', step: 'a', text: 'two\nlines' });
  report(progress);
  expect(text.split('\n')).toHaveLength(3);
  expect(JSON.parse(text.split('\n')[0] ?? '')).toEqual({ at: 'now', type: 'noted', step: 'a', text: 'two\nlines' });
});
