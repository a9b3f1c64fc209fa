import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readHeader } from '../../src/catalogue/integrity/header.ts';
import { settleCatalogue, settleDatabase } from '../../src/catalogue/integrity/settle.ts';
import { databaseOf, makeCatalogue, removeScratch, scratchDirectory } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const source = join(scratch, 'source');
const copy = join(scratch, 'copy');

beforeEach(() => {
  removeScratch(source);
  removeScratch(copy);
  makeCatalogue(source);
});
afterAll(() => removeScratch(scratch));

/** Copies a database as a killed server leaves it: committed changes are only in its log. */
function copyWithLog(): void {
  const writer = new DatabaseSync(databaseOf(source));
  try {
    writer.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; INSERT INTO devices(name) VALUES ('only in the log')");
    cpSync(source, copy, { recursive: true });
  } finally {
    writer.close();
  }
}

function devices(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare("SELECT count(*) AS rows FROM devices WHERE name = 'only in the log'").get()?.['rows'];
  } finally {
    database.close();
  }
}

describe('settleDatabase', () => {
  it('takes the log into the database and leaves one file in the same journal mode', async () => {
    copyWithLog();
    const settled = await settleDatabase(databaseOf(copy));
    expect(settled.logBytes).toBeGreaterThan(0);
    expect(settled.pages).toBeGreaterThan(0);
    expect(['-wal', '-shm', '-journal'].filter((suffix) => existsSync(databaseOf(copy) + suffix))).toEqual([]);
    expect(readHeader(databaseOf(copy)).header?.journal).toBe('wal');
    expect(devices(databaseOf(copy))).toBe(1);
    expect(await settleDatabase(databaseOf(copy))).toMatchObject({ logBytes: 0, pages: 0 });
  });

  it('does not open a database without a log, nor a dated backup', async () => {
    cpSync(source, copy, { recursive: true });
    const before = readFileSync(databaseOf(copy));
    expect((await settleCatalogue(copy)).map(({ pages }) => pages)).toEqual([0, 0]);
    expect(readFileSync(databaseOf(copy))).toEqual(before);
  });

  it('rolls an interrupted change back', async () => {
    cpSync(source, copy, { recursive: true });
    const database = new DatabaseSync(databaseOf(source));
    try {
      database.exec("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; INSERT INTO devices(name) VALUES ('only in the log')");
      database.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO preferences(name, value) SELECT 'x' || i, hex(randomblob(50)) FROM n");
      cpSync(source, copy, { recursive: true });
      database.exec('ROLLBACK');
    } finally {
      database.close();
    }
    await settleDatabase(databaseOf(copy));
    expect(existsSync(`${databaseOf(copy)}-journal`)).toBe(false);
    expect(devices(databaseOf(copy))).toBe(0);
  });

  it('says so where the file is no database', async () => {
    const file = join(scratch, 'not-a-database.db');
    writeFileSync(file, 'x'.repeat(4096));
    writeFileSync(`${file}-wal`, 'y'.repeat(4096));
    await expect(settleDatabase(file)).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('not-a-database.db') as string });
  });
});
