import { expect, test } from 'vitest';
import { parseSummary, requireAgreement } from '../../bench/sqldiff.ts';

const said = `media_parts: 95 changes, 0 inserts, 0 deletes, 5 unchanged
"order": 0 changes, 0 inserts, 0 deletes, 7 unchanged
`;

test('reads what sqldiff says of each table', () => {
  expect(parseSummary(said)).toEqual([
    { table: 'media_parts', changes: 95, inserts: 0, deletes: 0, unchanged: 5 },
    { table: 'order', changes: 0, inserts: 0, deletes: 0, unchanged: 7 },
  ]);
});

test('takes no line for granted', () => {
  expect(() => parseSummary('media_parts: missing from second database\n')).toThrow('Cannot parse what sqldiff said: "media_parts: missing from second database"');
});

test('agrees where both saw the same', () => {
  expect(() => requireAgreement(parseSummary(said), { changed: { media_parts: 95 }, rows: 107 })).not.toThrow();
});

test.each([
  ['another number of changed rows', said, { changed: { media_parts: 94 }, rows: 107 }, 'sqldiff sees 95 changed rows and the proof 94'],
  ['a change in a table where the proof saw none', said, { changed: {}, rows: 107 }, 'sqldiff sees 95 changed rows and the proof 0'],
  ['a changed table sqldiff leaves out', said, { changed: { media_parts: 95, media_streams: 1 }, rows: 107 }, 'sqldiff says nothing of "media_streams"'],
  ['another number of rows in all', said, { changed: { media_parts: 95 }, rows: 108 }, 'sqldiff read 107 rows and the proof 108'],
  ['a row that is gone', 'tags: 0 changes, 0 inserts, 1 deletes, 7 unchanged', { changed: {}, rows: 7 }, 'sqldiff sees 0 rows added and 1 gone'],
])('objects to %s', (_, text, proof, message) => {
  expect(() => requireAgreement(parseSummary(text), proof)).toThrow(message);
});
