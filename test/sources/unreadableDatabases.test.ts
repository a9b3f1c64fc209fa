import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { examineCatalogue } from '../../src/catalogue/integrity/integrity.ts';
import { PlexliftError } from '../../src/errors.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { blobsDatabase, databasesDirectory, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { directorySource } from '../../src/sources/directory.ts';
import type { Source } from '../../src/sources/source.ts';
import { systemdPlex } from '../../src/sources/systemdPlex.ts';
import { ordinary, packagedPlex, withAnswers, type Packaged } from './packagedPlex.ts';

let packaged: Packaged;
let sound: string;
let into: string;

beforeAll(async () => {
  packaged = await packagedPlex();
  sound = path.join(packaged.root, 'sound');
  await cp(packaged.databases, sound, { recursive: true });
}, 60_000);

afterAll(async () => {
  await rm(packaged.root, { recursive: true, force: true });
});

beforeEach(async () => {
  into = await mkdtemp(path.join(packaged.root, 'into-'));
});

afterEach(async () => {
  await rm(packaged.databases, { recursive: true });
  await cp(sound, packaged.databases, { recursive: true });
});

function placeOf(name: string): string {
  return path.join(packaged.databases, name);
}

function overwrite(name: string, { at, bytes }: { readonly at: number; readonly bytes: readonly number[] }): void {
  const file = openSync(placeOf(name), 'r+');
  writeSync(file, Buffer.from(bytes), 0, bytes.length, at);
  closeSync(file);
}

const sources: readonly { readonly by: string; readonly make: () => Source }[] = [
  { by: 'Python', make: () => systemdPlex(withAnswers(ordinary(packaged))) },
  { by: 'sqlite3', make: () => systemdPlex(withAnswers((line) => (line.startsWith('python3') ? { exitCode: 127 } : ordinary(packaged)(line)))) },
  { by: 'this process', make: () => directorySource(thisComputer(), { directory: packaged.dataDirectory }) },
];

/** https://www.sqlite.org/fileformat2.html#the_database_header: the page size stands at 16, a 1 there means 65536. */
const damages = [
  { kind: 'text instead of a database', name: blobsDatabase, words: 'file is not a database', spoil: () => writeFileSync(placeOf(blobsDatabase), 'plex '.repeat(5000)) },
  { kind: 'a file cut in half', name: libraryDatabase, words: 'database disk image is malformed', spoil: () => truncateSync(placeOf(libraryDatabase), Math.floor(statSync(placeOf(libraryDatabase)).size / 2048) * 1024) },
  { kind: 'a file cut off within its last page', name: libraryDatabase, words: 'its header counts|malformed', spoil: () => truncateSync(placeOf(libraryDatabase), statSync(placeOf(libraryDatabase)).size - 300) },
  { kind: 'a page size that cannot be', name: libraryDatabase, words: 'file is not a database', spoil: () => overwrite(libraryDatabase, { at: 16, bytes: [0x03, 0x00] }) },
  { kind: 'a page size that is another one', name: libraryDatabase, words: 'database disk image is malformed', spoil: () => overwrite(libraryDatabase, { at: 16, bytes: [0x10, 0x00] }) },
];

describe.each(sources)('copied by $by', ({ make }) => {
  test.each(damages)('$kind is told in the words of SQLite and taken raw, with its log', async ({ name, words, spoil }) => {
    spoil();
    writeFileSync(`${placeOf(name)}-journal`, 'left behind');
    const snapshot = await make().takeCatalogue(into, { method: 'online' });
    const file = `${databasesDirectory}/${name}`;
    expect(snapshot.damaged).toEqual([{ path: file, message: expect.stringMatching(words) as string }]);
    for (const taken of [file, `${file}-journal`]) {
      expect(readFileSync(path.join(into, taken)).equals(readFileSync(placeOf(path.basename(taken))))).toBe(true);
      expect(snapshot.files.map((each) => each.path)).toContain(taken);
    }
    // The others are page-level copies as ever.
    expect(snapshot.files.length).toBeGreaterThan(4);
    const { ok, databases } = await examineCatalogue(into);
    expect(ok).toBe(false);
    expect(databases.filter((each) => !each.ok).map((each) => path.basename(each.file))).toEqual([name]);
  }, 30_000);

  test('an empty library arrives empty, and the examination says so', async () => {
    truncateSync(placeOf(libraryDatabase), 0);
    const snapshot = await make().takeCatalogue(into, { method: 'online' });
    expect(snapshot.damaged).toEqual([]);
    expect(statSync(path.join(into, databasesDirectory, libraryDatabase)).size).toBe(0);
    expect((await examineCatalogue(into)).ok).toBe(false);
  });

  test('a directory in the place of the library is refused', async () => {
    rmSync(placeOf(libraryDatabase));
    mkdirSync(placeOf(libraryDatabase));
    const refused = await errorOf(make());
    expect(refused).toMatchObject({ kind: 'refused' });
    expect(refused.message).toContain(`"${databasesDirectory}/${libraryDatabase}" missing, or no file`);
  });

  test('a file that the disk does not give back is refused, with every database that cannot be read', async () => {
    rmSync(placeOf(libraryDatabase));
    // Regular to whoever lists it, and its first byte cannot be read: "Input/output error".
    symlinkSync('/proc/self/mem', placeOf(libraryDatabase));
    writeFileSync(placeOf(blobsDatabase), 'plex '.repeat(5000));
    const refused = await errorOf(make());
    expect(refused).toMatchObject({ kind: 'refused' });
    expect(refused.message).toContain(libraryDatabase);
    expect(refused.facts.join('\n')).toMatch(/library\.db: .*I\/O error|library\.db: .*(?:Input\/output error|EIO)/);
    expect(refused.facts.join('\n')).toContain('file is not a database');
    expect(refused.remedy).toContain('was not stopped');
  });

  test('the journal of a writer that was killed is rolled back in the copy, and stays on the source', async () => {
    const name = 'com.plexapp.dlna.db';
    leaveHotJournal(placeOf(name));
    const before = readdirSync(packaged.databases);
    const bytes = readFileSync(placeOf(name));
    const snapshot = await make().takeCatalogue(into, { method: 'online' });
    expect(snapshot.damaged).toEqual([]);
    const copy = new DatabaseSync(path.join(into, databasesDirectory, name), { readOnly: true });
    expect(copy.prepare('SELECT count(*) AS count, min(value) AS least, max(value) AS most FROM filler').get()).toEqual({ count: 3000, least: 1, most: 1 });
    copy.close();
    expect(readdirSync(packaged.databases)).toEqual(before);
    expect(readFileSync(placeOf(name)).equals(bytes)).toBe(true);
  });
});

async function errorOf(source: Source): Promise<PlexliftError> {
  try {
    await source.takeCatalogue(into, { method: 'online' });
  } catch (error) {
    if (error instanceof PlexliftError) return error;
    throw error;
  }
  throw new Error('The catalogue was taken');
}

/** Puts a database in the state in which a writer without a write-ahead log leaves it when it is killed in the middle of a transaction. */
function leaveHotJournal(file: string): void {
  rmSync(file, { force: true });
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode=DELETE; CREATE TABLE filler (value, text)');
  database.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO filler SELECT 1, hex(randomblob(200)) FROM n");
  // A cache this small is written to the file before the transaction ends.
  database.exec('PRAGMA cache_size=5; BEGIN; UPDATE filler SET value = 2');
  for (const suffix of ['', '-journal']) copyFileSync(file + suffix, `${file}${suffix}.kept`);
  database.close();
  for (const suffix of ['', '-journal']) {
    copyFileSync(`${file}${suffix}.kept`, file + suffix);
    rmSync(`${file}${suffix}.kept`);
  }
  expect(existsSync(`${file}-journal`)).toBe(true);
}
