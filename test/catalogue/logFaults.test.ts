import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { readHeader } from '../../src/catalogue/integrity/header.ts';
import type { LogFindings } from '../../src/catalogue/integrity/logFaults.ts';
import { examineLog } from '../../src/catalogue/integrity/logFaults.ts';
import { removeScratch, scratchDirectory } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const [writing, file] = [join(scratch, 'writing.db'), join(scratch, 'state.db')];

beforeEach(() => {
  for (const name of [writing, file]) for (const suffix of ['', '-wal', '-shm']) rmSync(name + suffix, { force: true });
});
afterAll(() => removeScratch(scratch));

const rows = (count: number): string => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) INSERT INTO t SELECT zeroblob(700) FROM n`;

/** A history of one database: what each connection leaves on the disk before it is closed and its log goes into the file. */
function history(...parts: readonly string[]): readonly { readonly database: Buffer; readonly log: Buffer }[] {
  return parts.map((sql) => {
    const database = new DatabaseSync(writing);
    try {
      database.exec('PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
      database.exec(sql);
      return { database: readFileSync(writing), log: readFileSync(`${writing}-wal`) };
    } finally {
      database.close();
    }
  });
}

function findings(database: Buffer | undefined, log: Buffer | undefined): LogFindings {
  writeFileSync(file, database ?? '');
  writeFileSync(`${file}-wal`, log ?? '');
  const { header } = readHeader(file);
  if (header === null) throw new Error('the test made no database');
  return examineLog(file, header);
}

const none: LogFindings = { faults: [], warnings: [] };

it('finds nothing where there is no log', () => {
  const [state] = history('CREATE TABLE t(x)');
  expect(findings(readFileSync(writing), Buffer.alloc(0))).toEqual(none);
  expect(state?.log.length).toBeGreaterThan(0);
});

it.each([
  { what: 'grew', parts: ['CREATE TABLE t(x)', rows(300), rows(5)] },
  { what: 'deleted', parts: ['CREATE TABLE t(x)', rows(300), 'DELETE FROM t'] },
  { what: 'was vacuumed', parts: ['CREATE TABLE t(x)', rows(300), 'DELETE FROM t', 'VACUUM'] },
  { what: 'gives free pages back by itself', parts: ['PRAGMA auto_vacuum = FULL; VACUUM; CREATE TABLE t(x)', rows(300), 'DELETE FROM t WHERE rowid > 20'] },
  { what: 'changed its schema', parts: ['CREATE TABLE t(x)', 'CREATE TABLE u(x)', 'DROP TABLE u'] },
])('takes the own log of a database that $what, at every moment', ({ parts }) => {
  for (const { database, log } of history(...parts)) expect(findings(database, log)).toEqual(none);
});

it('names a later log beside an earlier, smaller state', () => {
  const [, early, , late] = history('CREATE TABLE t(x)', rows(10), rows(400), rows(3));
  expect(findings(early?.database, late?.log).faults[0]).toMatch(/counts \d+ pages, but page \d+ is neither in it nor in the file/);
});

it('names the log of a smaller state, whatever its counters say', () => {
  const [, , , large] = history('CREATE TABLE t(x)', rows(10), rows(400), rows(3));
  rmSync(writing);
  const many = Array.from({ length: 40 }, (_, number) => `CREATE TABLE u${number}(x)`).join(';');
  const small = history('CREATE TABLE t(x)', many, rows(20), rows(3)).at(-1);
  const { faults } = findings(large?.database, small?.log);
  expect(faults[0]).toMatch(/counts \d+ pages, the database \d+: it is the log of another database, or of an earlier state/);
});

it('names an earlier log beside a later state of the same size', () => {
  const swap = (upTo: number): string => `BEGIN; DELETE FROM t WHERE rowid < ${upTo}; ${rows(4)}; COMMIT`;
  const [, , early, , last] = history('CREATE TABLE t(x)', rows(50), swap(5), 'UPDATE t SET x = 1 WHERE rowid = 9', swap(9));
  expect(findings(last?.database, last?.log)).toEqual(none);
  expect(readFileSync(writing)).toHaveLength(early?.database.length ?? 0);
  expect(findings(readFileSync(writing), early?.log).faults[0]).toContain('is older than the database');
});
