import { expect, test } from 'vitest';
import type { RecordedEvent, RunEvent } from '../../src/runner/events.ts';
import type { SendSummary } from '../../src/transfer/engine.ts';
import { markdownReport } from '../../src/ui/report/markdown.ts';

const nothing = { count: 0, first: [] };

function reportOf(found: Partial<Pick<SendSummary, 'skippedOther' | 'leavingLinks'>>): string {
  const result: SendSummary = {
    listed: { entries: 9, bytes: 0, leftBehind: [], leavingLinks: nothing, skippedOther: nothing },
    entries: 9, bytes: 0, segments: 1, retries: 0, removed: 0, readAgain: { files: 0, lost: 0 }, notSent: nothing, leavingLinks: nothing, skippedOther: nothing, durationMs: 1, ...found,
  };
  const finished: RunEvent = { type: 'step-finished', step: 'copy-ahead', result, durationMs: 1 };
  const event: RecordedEvent = { at: '2026-11-23T18:00:00.000Z', ...finished };
  return markdownReport([event], [{ name: 'copy-ahead', title: 'Copy' }]);
}

test('names what was not copied, and links that lead out, and says how many more there are', () => {
  const text = reportOf({
    skippedOther: { count: 2, first: ['Metadata/socket', String.raw`Metadata/pi\x0ape`] },
    leavingLinks: { count: 101, first: ['Metadata/x: leads to /etc/hostname'] },
  });
  for (const line of ['- `Metadata/socket`', String.raw`- ${'`'}Metadata/pi\x0ape${'`'}`, '- `Metadata/x: leads to /etc/hostname`', '- and 100 more']) expect(text.split('\n')).toContain(line);
});

test('says nothing where there is nothing to say', () => {
  expect(reportOf({})).not.toContain('## Entries that are no files');
});
