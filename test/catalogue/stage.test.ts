import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as comparing from '../../src/catalogue/proof/sameBytes.ts';
import { stageDatabase } from '../../src/catalogue/stage.ts';
import { databaseOf, makeCatalogue, removeScratch, scratchDirectory } from './smallCatalogue.ts';

// Only to write at one certain moment: after the copy was made, before it is looked at.
vi.mock('../../src/catalogue/proof/sameBytes.ts', { spy: true });

let place: string;
let original: string;
let directory: string;

beforeEach(() => {
  place = scratchDirectory();
  makeCatalogue(join(place, 'old'));
  original = join(place, 'library.db');
  directory = join(place, 'staged');
  mkdirSync(directory);
});
afterEach(() => {
  vi.restoreAllMocks();
  removeScratch(place);
});

/** A database with a row that is only in the log beside it. */
function withLog(): void {
  copyFileSync(databaseOf(join(place, 'old')), join(place, 'open.db'));
  const database = new DatabaseSync(join(place, 'open.db'));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; INSERT INTO accounts(id, name) VALUES (99, 'in the log')");
  for (const suffix of ['', '-wal']) copyFileSync(join(place, `open.db${suffix}`), original + suffix);
  database.close();
}

/** Somebody writes to the log each of the next `times` times that a copy was made. */
function writeBehindTheBack(times: number): void {
  const { getMockImplementation } = vi.mocked(comparing.sameBytes);
  const real = getMockImplementation.call(comparing.sameBytes);
  let left = times;
  vi.mocked(comparing.sameBytes).mockImplementation((one, other) => {
    if (left > 0 && one.endsWith('-wal')) {
      left -= 1;
      const found = readFileSync(one);
      appendFileSync(one, 'x');
      // As one that writes within the same tick of the clock: the size and the times are what they were.
      writeFileSync(one, Buffer.concat([found.subarray(0, -1), Buffer.from([found.at(-1) === 0 ? 1 : 0])]));
      utimesSync(one, new Date(0), new Date(0));
    }
    return real === undefined ? readFileSync(one).equals(readFileSync(other)) : real(one, other);
  });
}

test('a database without a log is linked, and notices when it is written to', async () => {
  copyFileSync(databaseOf(join(place, 'old')), original);
  const staged = await stageDatabase(original, { directory });
  expect(readFileSync(staged.file).equals(readFileSync(original))).toBe(true);
  expect(() => staged.requireUnchanged()).not.toThrow();
  writeFileSync(`${original}-wal`, 'somebody began to write');
  expect(() => staged.requireUnchanged()).toThrow(/it is being written to/);
  rmSync(`${original}-wal`);
  appendFileSync(original, 'x');
  expect(() => staged.requireUnchanged()).toThrow(/it is being written to/);
});

test('a copy that was overtaken by a write is made again', async () => {
  withLog();
  writeBehindTheBack(2);
  const staged = await stageDatabase(original, { directory });
  expect(readdirSync(directory)).toEqual(['library.db']);
  expect(staged.warnings).toEqual([expect.stringContaining('was read with the log beside it')]);
});

test('one that never rests is refused in the end: what was read of it would be of no moment', async () => {
  withLog();
  writeBehindTheBack(Infinity);
  await expect(stageDatabase(original, { directory })).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('it is being written to') });
  expect(readdirSync(directory)).toEqual([]);
});
