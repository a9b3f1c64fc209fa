import { expect, test } from 'vitest';
import type { ColumnCoverage, Coverage } from '../../src/catalogue/coverage.ts';
import { coverageChecks } from '../../src/migration/checks/coverage.ts';
import { remedyOf } from './literalFacts.ts';

const column: ColumnCoverage = { table: 'media_parts', column: 'file', rewritten: true, byRule: [{ from: '/mnt/nas-plex', rows: 7 }], uncovered: [], otherSchemes: [], notText: 0, irreversible: 0 };
const covered: Coverage = { roots: [{ library: 'Movies', path: '/mnt/nas-plex/Movies', rule: '/mnt/nas-plex', target: '/media/library/Movies' }], sharedTargets: [], columns: [column], unknownPaths: [], otherPaths: [], foreignAgents: [], foreignPlugIns: [] };

const windowsRoots = ['C:\\Media', '\\\\nas\\films'].map((path) => ({ library: 'Old', path, rule: null, target: null }));
const guids: ColumnCoverage = { ...column, table: 'metadata_items', column: 'guid', rewritten: false, byRule: [{ from: '/mnt/nas-plex', rows: 2 }] };

const cases: readonly { readonly check: string; readonly status: string; readonly says: string; readonly changes: Partial<Coverage> }[] = [
  { check: 'mapping-covers-libraries', status: 'pass', says: '1 directories', changes: {} },
  { check: 'mapping-covers-libraries', status: 'fail', says: '"/srv/old" of library "Shows"', changes: { roots: [...covered.roots, { library: 'Shows', path: '/srv/old', rule: null, target: null }] } },
  {
    check: 'mapping-covers-libraries', status: 'fail', says: '"/mnt/nas-plex2" of library "Shows" (which is not below "/mnt/nas-plex")',
    changes: { roots: [{ library: 'Shows', path: '/mnt/nas-plex2', rule: null, target: null }], columns: [{ ...column, table: 'section_locations', column: 'root_path' }] },
  },
  { check: 'mapping-covers-libraries', status: 'fail', says: String.raw`No mapping can have "C:\Media", "\\nas\films", which is no path of a Linux machine`, changes: { roots: windowsRoots } },
  { check: 'mapping-keeps-apart', status: 'pass', says: 'apart', changes: {} },
  { check: 'mapping-keeps-apart', status: 'fail', says: '"/media/library"', changes: { sharedTargets: ['/media/library'] } },
  { check: 'mapping-covers-files', status: 'pass', says: '', changes: {} },
  { check: 'mapping-covers-files', status: 'warn', says: '3 in media_parts.file below "/srv/old"', changes: { columns: [{ ...column, uncovered: [{ prefix: '/srv/old', rows: 3 }] }] } },
  { check: 'mapping-covers-files', status: 'pass', says: '', changes: { columns: [{ ...column, rewritten: false, uncovered: [{ prefix: '/srv/old', rows: 3 }] }] } },
  { check: 'mapping-is-used', status: 'pass', says: '/mnt/nas-plex: 7', changes: {} },
  { check: 'mapping-is-used', status: 'warn', says: 'nothing lies below "/mnt/typo"', changes: { columns: [{ ...column, byRule: [...column.byRule, { from: '/mnt/typo', rows: 0 }] }] } },
  { check: 'mapping-is-used', status: 'pass', says: '', changes: { columns: [{ ...column, byRule: [{ from: '/a', rows: 0 }] }, { ...column, table: 'media_streams', byRule: [{ from: '/a', rows: 1 }] }] } },
  { check: 'file-guids', status: 'pass', says: '', changes: {} },
  { check: 'file-guids', status: 'warn', says: '2 in metadata_items.guid below "/mnt/nas-plex"', changes: { columns: [{ ...column, table: 'metadata_items', column: 'guid', rewritten: false, byRule: [{ from: '/mnt/nas-plex', rows: 2 }] }] } },
  { check: 'file-guids', status: 'pass', says: 'are mapped, in every table that is joined by them: 2 in metadata_items.guid', changes: { columns: [{ ...guids, rewritten: true }] } },
  { check: 'mapping-is-reversible', status: 'pass', says: 'all of them', changes: {} },
  { check: 'mapping-is-reversible', status: 'warn', says: 'not these: 3 in media_parts.file', changes: { columns: [{ ...column, irreversible: 3 }] } },
  { check: 'other-paths', status: 'pass', says: 'every text column', changes: {} },
  {
    check: 'other-paths', status: 'warn', says: '2 in library.db, media_subscriptions.extra_data ("/home/alex")',
    changes: { otherPaths: [{ file: 'library.db', table: 'media_subscriptions', column: 'extra_data', rows: 2, groups: [{ form: 'path', top: '/home/alex', rows: 2 }], examples: [] }] },
  },
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
