import { expect, test } from 'vitest';
import { stepSummary } from '../../src/ui/stepSummary.ts';

const sample = { count: 0, first: [] };
const sent = { listed: { entries: 150_212, bytes: 1 }, entries: 60_212, bytes: 1.5 * 1024 ** 3, segments: 12, retries: 0, removed: 0, notSent: sample, leavingLinks: sample, skippedOther: sample, durationMs: 60_000 };

test.each([
  { what: 'what was sent', result: sent, text: 'sent 1.50 GiB in 60,212 entries, 25.6 MiB/s in all' },
  { what: 'what was too short for a rate', result: { ...sent, durationMs: 400 }, text: 'sent 1.50 GiB in 60,212 entries' },
  { what: 'nothing to send', result: { ...sent, entries: 0, bytes: 0 }, text: 'nothing to send: 150,212 entries are there already' },
  { what: 'removals alone', result: { ...sent, entries: 0, bytes: 0, removed: 3 }, text: 'nothing to send: 150,212 entries are there already; 3 removed' },
  { what: 'everything that may befall', result: { ...sent, removed: 1_000, retries: 2, notSent: { count: 7, first: [] } }, text: 'sent 1.50 GiB in 60,212 entries, 25.6 MiB/s in all; 1,000 removed; sent again: 2; left for the next time: 7' },
  { what: 'nothing sent that was to be', result: { ...sent, entries: 0, bytes: 0, notSent: { count: 7, first: [] } }, text: 'sent nothing; left for the next time: 7' },
  { what: 'what was read back', result: { landing: { entries: 1_000, bytes: 2 * 1024 ** 2, filesReadAgain: 213 }, databases: [] }, text: 'read back 1,000 entries, and the content of 213 files' },
  { what: 'media', result: { lookedUp: 4_000, present: 4_000, missing: 0, comparedFiles: 5 }, text: 'all 4,000 media files are there' },
])('tells $what', ({ result, text }) => {
  expect(stepSummary(result)).toBe(text);
});

test.each([null, 'text', 3, [], {}, { entries: 1, bytes: 2 }, { landing: 'of another shape' }, { lookedUp: 4_000, present: 3_998, missing: 2, comparedFiles: 5 }])('says nothing of %j', (result) => {
  expect(stepSummary(result)).toBeNull();
});
