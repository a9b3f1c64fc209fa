import { expect, test } from 'vitest';
import type { RecordedEvent, RunEvent } from '../../src/runner/events.ts';
import { markdownReport } from '../../src/ui/report/markdown.ts';

const steps = [{ name: 'inspect', title: 'Look' }, { name: 'examine', title: 'Examine' }];
const report = (...events: readonly RunEvent[]): string => markdownReport(events.map((event): RecordedEvent => ({ at: '2026-11-23T18:00:00.000Z', ...event })), steps);

test('tells which run it was, how far it came, and how its last command ended', () => {
  const text = report(
    { type: 'run-created', run: 'run-1', fingerprint: { source: 'ssh alex@old', target: 'kubernetes home plex/plex' }, plexlift: '0.1.0' },
    { type: 'command-begun', command: 'migrate', plexlift: '0.1.0', paths: [{ from: '/mnt/a', to: '/media/a' }] },
    { type: 'step-begun', step: 'inspect' },
    { type: 'step-finished', step: 'inspect', result: null, durationMs: 1500 },
    { type: 'command-ended', command: 'migrate', outcome: 'refused', message: 'Cannot go on' },
  );
  for (const part of ['Run run-1, from ssh alex@old to kubernetes home plex/plex', '`/mnt/a` becomes `/media/a`', '1 of 2 steps are done', 'refused, Cannot go on', '| 1 | `inspect` | Look | finished | 2 s |', '| 2 | `examine` | Examine | pending |  |']) expect(text).toContain(part);
});

test('tells what went wrong with its facts and remedy', () => {
  const text = report({ type: 'step-begun', step: 'examine' }, { type: 'step-failed', step: 'examine', kind: 'refused', message: 'Cannot go on: damage', facts: ['library.db, table media_parts: page 3'], remedy: 'Repair it' }, { type: 'undo-failed', step: 'inspect', message: 'stuck', remedy: 'Free it' });
  for (const part of ['## What went wrong', '`examine` (refused): Cannot go on: damage', '  - library.db, table media_parts: page 3', 'Remedy: Repair it', 'undoing `inspect`: stuck']) expect(text).toContain(part);
});

test('a check is told as it was found last, also what was not verified, and what would end a cell is escaped', () => {
  const finished = (name: string, finding: Extract<RunEvent, { type: 'check-finished' }>['finding'], accepted = false): RunEvent => ({ type: 'check-finished', step: 'inspect', name, claim: 'a | b', finding, accepted });
  const text = report(finished('room', { status: 'fail', detail: 'little', remedy: 'More' }), finished('room', { status: 'pass', detail: 'much' }), finished('clock', { status: 'skip', reason: 'no clock' }), finished('old', { status: 'fail', detail: 'd', remedy: 'r' }, true));
  expect(text).toContain(String.raw`| inspect | ${'`room`'} | a \| b | pass | much |`);
  expect(text).not.toContain('little');
  expect(text).toContain('not checked: no clock');
  expect(text).toContain('fail, accepted');
});

test('a result that another version recorded is told as such, not guessed', () => {
  const text = report({ type: 'step-finished', step: 'examine', result: { counts: 'of another shape' }, durationMs: 1 });
  expect(text).toContain('The result of `examine` was recorded by another version of plexlift');
});

test('questions, notes, what was done again, what was undone and how many commands ran are told', () => {
  const text = report(
    { type: 'question-answered', id: 'stop-source', title: 'Stop Plex?', answer: 'now', by: 'flag' },
    { type: 'noted', step: 'inspect', text: 'worth knowing' },
    { type: 'results-discarded', steps: ['inspect', 'examine'], reason: 'the mapping changed' },
    { type: 'undo-finished', step: 'examine' },
    { type: 'nothing-to-undo', step: 'inspect', reason: 'it touched nothing only' },
    ...[0, 0, 1].map((exitCode): RunEvent => ({ type: 'command-run', machine: 'this computer', command: 'true', exitCode, durationMs: 1, asRoot: false })),
  );
  for (const part of ['Stop Plex? **now** (answered ahead with a flag)', 'worth knowing', 'Done again: `inspect`, `examine`, because the mapping changed', '`examine` undone', 'nothing to undo', '| this computer | 3']) expect(text).toContain(part);
});

test('no events, no sections but the steps', () => {
  expect(report().match(/^## .*/gm)).toEqual(['## In short', '## Steps']);
});
