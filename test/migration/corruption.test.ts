import { expect, test } from 'vitest';
import type { CatalogueIntegrity, IntegrityReport } from '../../src/catalogue/integrity/integrity.ts';
import { corruptionError } from '../../src/migration/corruption.ts';

function report(file: string, changes: Partial<IntegrityReport> = {}): IntegrityReport {
  return { file: `/run/backup/${file}`, ok: true, messages: [], warnings: [], notProven: [], logIsSuspect: false, ...changes };
}

function catalogue(...databases: readonly IntegrityReport[]): CatalogueIntegrity {
  return { ok: false, missing: [], databases };
}

const damaged = report('library.db', { ok: false, messages: [{ table: 'media_parts', message: 'page 12: btreeInitPage() returns error code 11' }, { table: null, message: '3 pages are used by nothing' }] });

test('names file, table and page, and says that the source was not stopped', () => {
  const error = corruptionError(catalogue(damaged, report('other.db')), { what: 'the backup', isStopped: false });
  expect(error).toMatchObject({ kind: 'refused', message: 'Cannot go on: the backup shows damage', facts: ['library.db, table media_parts: page 12: btreeInitPage() returns error code 11', 'library.db: 3 pages are used by nothing'] });
  expect(error.remedy).toContain('Plex on the source was not stopped by this, and nothing was repaired');
  expect(error.remedy).not.toContain('-wal');
});

test('after the stop it says so, and how the source comes back', () => {
  expect(corruptionError(catalogue(damaged), { what: 'the final copy', isStopped: true }).remedy).toContain('Plex on the source is stopped, and nothing was repaired. "plexlift rollback"');
});

test('tells 20 lines of each file and how many there are', () => {
  const many = Array.from({ length: 150 }, (_, row) => ({ table: 'media_parts', message: `row ${row} missing from index x` }));
  const { facts } = corruptionError(catalogue(report('a.db', { ok: false, messages: many }), damaged), { what: 'the backup', isStopped: false });
  expect(facts).toHaveLength(22);
  expect(facts[19]).toBe('a.db: … and 131 more, 150 in all');
  expect(facts[20]).toMatch(/^library\.db, table media_parts/);
});

test('says what SQLite on the source said while it copied, also where nothing is found here', () => {
  const error = corruptionError({ ok: true, missing: [], databases: [report('library.db')] }, { what: 'the backup', isStopped: false, damaged: [{ path: 'Plug-in Support/Databases/library.db', message: 'database disk image is malformed' }] });
  expect(error).toMatchObject({ message: 'Cannot go on: the backup shows damage', facts: ['library.db: SQLite on the source could not copy it: database disk image is malformed'] });
});

test('says what to do about a log, and tells a dated backup from the library', () => {
  const error = corruptionError(catalogue(report('library.db', { ok: false, logIsSuspect: true, messages: [{ table: null, message: 'the log' }] }), report('library.db-2026-11-20', { ok: false, messages: [{ table: null, message: 'the file is empty' }] })), { what: 'the backup', isStopped: false });
  expect(error.remedy).toContain('the "-wal" (or "-journal") file');
  expect(error.facts).toEqual(['library.db: the log', 'library.db-2026-11-20 (a dated backup): the file is empty']);
});

test('a database that is missing is told as such', () => {
  expect(corruptionError({ ok: false, missing: ['blobs.db'], databases: [] }, { what: 'the backup', isStopped: false })).toMatchObject({ message: 'Cannot go on: a database is missing in the backup', facts: ['blobs.db: the file is missing'] });
});
