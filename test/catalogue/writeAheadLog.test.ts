import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLog } from '../../src/catalogue/integrity/writeAheadLog.ts';
import { cases } from '../long.ts';
import { removeScratch, scratchDirectory } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const pageSizeBytes = 1024;
const frameBytes = 24 + pageSizeBytes;
const state = join(scratch, 'state.db');
const probe = join(scratch, 'probe.db');

/** A database and the log beside it, as a server that is killed leaves them. */
interface Left {
  readonly database: Buffer;
  readonly log: Buffer;
}

/** Lets `write` work on a database and takes what lies on the disk before it is closed. */
function leftBy(write: (database: DatabaseSync) => void): Left {
  const file = join(scratch, 'writer.db');
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA page_size = ${pageSizeBytes}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(x)`);
    write(database);
    return { database: readFileSync(file), log: readFileSync(`${file}-wal`) };
  } finally {
    database.close();
  }
}

function commit(database: DatabaseSync, times: number): void {
  for (let number = 0; number < times; number += 1) database.exec(`INSERT INTO t VALUES (zeroblob(${300 + number * 7}))`);
}

function read(log: Buffer): ReturnType<typeof readLog> {
  writeFileSync(`${state}-wal`, log);
  return readLog(`${state}-wal`, { pageSizeBytes });
}

/** How many frames of the log SQLite itself would take in. */
function framesInSqlite({ database, log }: Left): number {
  for (const suffix of ['', '-wal', '-shm']) rmSync(probe + suffix, { force: true });
  writeFileSync(probe, database);
  writeFileSync(`${probe}-wal`, log);
  const reader = new DatabaseSync(probe);
  try {
    // A log without a commit that can be read is as good as none.
    reader.prepare('SELECT count(*) FROM sqlite_master').get();
    return Math.max(0, Number(reader.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()?.['log']));
  } finally {
    reader.close();
  }
}

let sound: Left;
beforeAll(() => {
  sound = leftBy((database) => commit(database, 12));
});
afterAll(() => removeScratch(scratch));

describe('readLog', () => {
  it('reads what SQLite reads of a sound log', () => {
    const log = read(sound.log);
    expect(log).toMatchObject({ pageSizeBytes, headIsIntact: true, brokenFrame: null, lostCommits: 0, commits: 13 });
    expect(log?.committedFrames).toBe(framesInSqlite(sound));
    expect(log?.pageNumbers.has(1)).toBe(true);
    expect(log?.firstPage?.toString('latin1', 0, 15)).toBe('SQLite format 3');
  });

  it('keeps the first page of the last commit that wrote it, and not of one that did not end', () => {
    const { log } = leftBy((database) => {
      database.exec('PRAGMA user_version = 5');
      commit(database, 1);
      database.exec('PRAGMA cache_size = 5; PRAGMA cache_spill = 1; BEGIN; PRAGMA user_version = 9; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT zeroblob(500) FROM n');
    });
    // https://www.sqlite.org/fileformat2.html#user_version_number
    expect(read(log)?.firstPage?.readUInt32BE(60)).toBe(5);
    expect(read(leftBy((database) => database.exec("PRAGMA user_version = 5; INSERT INTO t VALUES (1); UPDATE t SET x = 2")).log)?.firstPage?.readUInt32BE(60)).toBe(5);
  });

  it('knows logs that hold nothing', () => {
    expect(readLog(join(scratch, 'nowhere-wal'), { pageSizeBytes })).toBeNull();
    expect(read(Buffer.alloc(0))).toBeNull();
    expect(read(sound.log.subarray(0, 32))).toBeNull();
    expect(read(Buffer.alloc(5000, 'x'))).toMatchObject({ pageSizeBytes: null, headIsIntact: false, commits: 0, lostCommits: 0 });
  });

  it('takes the end of a killed server for what it is', () => {
    const unfinished = leftBy((database) => {
      commit(database, 2);
      database.exec('PRAGMA cache_size = 5; PRAGMA cache_spill = 1; BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT zeroblob(500) FROM n');
    });
    const log = read(unfinished.log);
    expect(log).toMatchObject({ brokenFrame: null, lostCommits: 0, commits: 3 });
    expect(log?.frames).toBeGreaterThan((log?.committedFrames ?? 0) + 10);
    expect(log?.committedFrames).toBe(framesInSqlite(unfinished));
    expect(read(sound.log.subarray(0, sound.log.length - 200))).toMatchObject({ brokenFrame: null, lostCommits: 0, commits: 12 });
  });

  it('does not take the rest of a former round for a loss', () => {
    const again = leftBy((database) => {
      commit(database, 30);
      database.exec('PRAGMA wal_checkpoint(RESTART)');
      commit(database, 2);
    });
    expect(read(again.log)).toMatchObject({ brokenFrame: null, lostCommits: 0, commits: 2, committedFrames: framesInSqlite(again) });
  });

  it('does not take what was rolled back for a loss', () => {
    const rolledBack = leftBy((database) => {
      database.exec('PRAGMA cache_size = 5; PRAGMA cache_spill = 1; BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT zeroblob(500) FROM n; ROLLBACK');
      commit(database, 1);
    });
    expect(read(rolledBack.log)).toMatchObject({ lostCommits: 0, commits: 2, committedFrames: framesInSqlite(rolledBack) });
  });

  it('reads a log that was written on a machine of the other byte order', () => {
    const log = Buffer.from(sound.log);
    log.writeUInt32BE(0x377f0683, 0);
    let sums = [0, 0] as readonly [number, number];
    const sign = (parts: readonly Buffer[], at: number): void => {
      for (const part of parts) {
        for (let place = 0; place < part.length; place += 8) {
          const first = (sums[0] + part.readUInt32BE(place) + sums[1]) >>> 0;
          sums = [first, (sums[1] + part.readUInt32BE(place + 4) + first) >>> 0];
        }
      }
      log.writeUInt32BE(sums[0], at);
      log.writeUInt32BE(sums[1], at + 4);
    };
    sign([log.subarray(0, 24)], 24);
    for (let at = 32; at < log.length; at += frameBytes) sign([log.subarray(at, at + 8), log.subarray(at + 24, at + frameBytes)], at + 16);
    expect(framesInSqlite({ ...sound, log })).toBe(framesInSqlite(sound));
    expect(read(log)).toMatchObject({ headIsIntact: true, brokenFrame: null, commits: 13 });
  });

  it.each([
    ['a byte of a page', frameBytes * 4 + 24 + 100],
    ['the number of a page', frameBytes * 4 + 3],
    ['the salt of a frame', frameBytes * 4 + 9],
    ['the checksum of a frame', frameBytes * 4 + 17],
  ])('names the frame and counts the commits behind it where %s is another', (_, at) => {
    const log = Buffer.from(sound.log);
    log[32 + at] = (log[32 + at] ?? 0) ^ 0x10;
    const found = read(log);
    expect(found?.brokenFrame).toBe(5);
    expect(found?.lostCommits).toBeGreaterThanOrEqual(7);
    expect(found?.committedFrames).toBe(framesInSqlite({ ...sound, log }));
  });

  it('knows the last commit as lost where only its salt is another', () => {
    const log = Buffer.from(sound.log);
    log[log.length - frameBytes + 9] = (log[log.length - frameBytes + 9] ?? 0) ^ 0x10;
    expect(read(log)).toMatchObject({ lostCommits: 1, commits: 12, committedFrames: framesInSqlite({ ...sound, log }) });
  });

  it('does not count commits of a former round behind a frame that is broken', () => {
    const again = leftBy((database) => {
      commit(database, 30);
      database.exec('PRAGMA wal_checkpoint(RESTART)');
      commit(database, 2);
    });
    const last = (read(again.log)?.committedFrames ?? 0) - 1;
    const log = Buffer.from(again.log);
    log[32 + last * frameBytes + 500] = (log[32 + last * frameBytes + 500] ?? 0) ^ 0x10;
    expect(read(log)).toMatchObject({ brokenFrame: last + 1, lostCommits: 0, commits: 1 });
  });

  it.each([0, 5, 17, 26])('counts what is lost where byte %i of its head is another', (at) => {
    const log = Buffer.from(sound.log);
    log[at] = (log[at] ?? 0) ^ 0x10;
    expect(framesInSqlite({ ...sound, log })).toBe(0);
    expect(read(log)).toMatchObject({ headIsIntact: false, commits: 0, brokenFrame: 1 });
    expect(read(log)?.lostCommits).toBeGreaterThanOrEqual(11);
  });

  it('agrees with SQLite wherever one byte is another, and says so whenever a commit is lost', { timeout: cases(60_000, 600_000) }, () => {
    const whole = framesInSqlite(sound);
    const count = cases(60, 2_000);
    for (let number = 0; number < count; number += 1) {
      const at = Math.floor((number / count) * sound.log.length);
      const log = Buffer.from(sound.log);
      log[at] = (log[at] ?? 0) ^ (1 << (number % 8));
      const [found, taken] = [read(log), framesInSqlite({ ...sound, log })];
      expect([at, found?.headIsIntact === false ? 0 : found?.committedFrames]).toEqual([at, taken]);
      // Bytes 12 to 15 of the head count checkpoints; the checksum covers them like every other.
      expect([at, found?.brokenFrame === null]).toEqual([at, taken === whole]);
    }
  });
});
