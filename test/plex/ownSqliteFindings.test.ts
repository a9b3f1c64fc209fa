import { expect, test } from 'vitest';
import { firstLines, judgeOwnSqlite, namesDamage } from '../../src/plex/ownSqliteFindings.ts';

const known = (name: string): string => `unable to validate the inverted index for FTS4 table main.fts4_${name}_titles_icu: SQL logic error`;

test.each([
  { lines: ['ok'], verdict: 'sound' },
  { lines: [known('metadata')], verdict: 'false report' },
  { lines: [known('metadata'), known('tag')], verdict: 'false report' },
  { lines: [], verdict: 'no verdict' },
  { lines: ['ok', known('tag')], verdict: 'damage' },
  { lines: ['ok', 'row 3 missing from index index_title_sort_icu'], verdict: 'damage' },
  { lines: [known('metadata'), 'row 3 missing from index index_title_sort_icu'], verdict: 'damage' },
  { lines: [known('metadata').replace('SQL logic error', 'database disk image is malformed')], verdict: 'damage' },
  { lines: [known('metadata').replace('main.', '')], verdict: 'damage' },
  { lines: [known('metadata').replace('_icu', '')], verdict: 'damage' },
  { lines: [known('collection')], verdict: 'damage' },
  { lines: [`${known('tag')} `], verdict: 'damage' },
  { lines: ['malformed inverted index for FTS4 table main.fts4_metadata_titles_icu'], verdict: 'damage' },
])('$lines: $verdict', ({ lines, verdict }) => {
  expect(judgeOwnSqlite(lines)).toBe(verdict);
});

test('tells damage that ended a program from what merely kept it from working', () => {
  expect(namesDamage(['', 'Error: in prepare, database disk image is malformed (11)'])).toBe(true);
  expect(namesDamage(['Error: file is not a database'])).toBe(true);
  expect(namesDamage(['The copy did not arrive whole', 'No space left on device', 'database or disk is full'])).toBe(false);
});

test('tells 20 lines at most, and how many there are', () => {
  const lines = Array.from({ length: 21 }, (_, number) => `line ${number}`);
  expect(firstLines(lines.slice(1))).toEqual(lines.slice(1));
  expect(firstLines(lines)).toHaveLength(20);
  expect(firstLines(lines).at(-1)).toBe('… and 2 more, 21 in all');
});
