import { expect, test } from 'vitest';
import type { ColumnCoverage, Coverage } from '../../src/catalogue/coverage.ts';
import { coverageChecks } from '../../src/migration/checks/coverage.ts';
import { remedyOf } from './literalFacts.ts';

const column: ColumnCoverage = { table: 'media_parts', column: 'file', action: 'rewrite', byRule: [{ from: '/mnt/nas-plex', rows: 7 }], uncovered: [], otherSchemes: [], notText: 0 };
const covered: Coverage = { roots: [{ library: 'Movies', path: '/mnt/nas-plex/Movies', rule: '/mnt/nas-plex', target: '/media/library/Movies' }], sharedTargets: [], columns: [column], unknownPaths: [], foreignAgents: [], foreignPlugIns: [] };

const cases: readonly { readonly check: string; readonly status: string; readonly says: string; readonly changes: Partial<Coverage> }[] = [
  { check: 'mapping-covers-libraries', status: 'pass', says: '1 directories', changes: {} },
  { check: 'mapping-covers-libraries', status: 'fail', says: '"/srv/old" of library "Shows"', changes: { roots: [...covered.roots, { library: 'Shows', path: '/srv/old', rule: null, target: null }] } },
  { check: 'mapping-keeps-apart', status: 'pass', says: 'apart', changes: {} },
  { check: 'mapping-keeps-apart', status: 'fail', says: '"/media/library"', changes: { sharedTargets: ['/media/library'] } },
  { check: 'mapping-covers-files', status: 'pass', says: '', changes: {} },
  { check: 'mapping-covers-files', status: 'warn', says: '3 in media_parts.file below "/srv/old"', changes: { columns: [{ ...column, uncovered: [{ prefix: '/srv/old', rows: 3 }] }] } },
  { check: 'mapping-covers-files', status: 'pass', says: '', changes: { columns: [{ ...column, action: 'report', uncovered: [{ prefix: '/srv/old', rows: 3 }] }] } },
  { check: 'mapping-is-used', status: 'pass', says: '/mnt/nas-plex: 7', changes: {} },
  { check: 'mapping-is-used', status: 'warn', says: 'nothing lies below "/mnt/typo"', changes: { columns: [{ ...column, byRule: [...column.byRule, { from: '/mnt/typo', rows: 0 }] }] } },
  { check: 'mapping-is-used', status: 'pass', says: '', changes: { columns: [{ ...column, byRule: [{ from: '/a', rows: 0 }] }, { ...column, table: 'media_streams', byRule: [{ from: '/a', rows: 1 }] }] } },
  { check: 'file-guids', status: 'pass', says: '', changes: {} },
  { check: 'file-guids', status: 'warn', says: '2 in metadata_items.guid below "/mnt/nas-plex"', changes: { columns: [{ ...column, table: 'metadata_items', column: 'guid', action: 'report', byRule: [{ from: '/mnt/nas-plex', rows: 2 }] }] } },
  { check: 'unknown-paths', status: 'pass', says: '', changes: {} },
  { check: 'unknown-paths', status: 'warn', says: '4 in library.db, tags.extra_data', changes: { unknownPaths: [{ file: 'library.db', table: 'tags', column: 'extra_data', rows: 4, examples: [] }] as unknown as Coverage['unknownPaths'] } },
  { check: 'agents-built-in', status: 'pass', says: '', changes: {} },
  { check: 'agents-built-in', status: 'warn', says: 'library "Anime" uses com.example', changes: { foreignAgents: [{ library: 'Anime', agent: 'com.example' }] } },
  { check: 'agents-built-in', status: 'warn', says: 'plug-in com.example', changes: { foreignPlugIns: ['com.example'] } },
];

test.each(cases)('$check can be $status ($says)', async ({ check, status, says, changes }) => {
  const finding = await coverageChecks.find(({ name }) => name === check)?.run({ ...covered, ...changes });
  expect(finding).toMatchObject({ status });
  expect(JSON.stringify(finding)).toContain(JSON.stringify(says).slice(1, -1));
  expect(remedyOf(finding)).toMatch(status === 'fail' || status === 'warn' ? /^.{20}/ : /^$/);
});

test('every check has a case for passing and one for not passing', () => {
  for (const { name } of coverageChecks) expect(new Set(cases.filter(({ check }) => check === name).map(({ status }) => status)).size, name).toBeGreaterThan(1);
});
