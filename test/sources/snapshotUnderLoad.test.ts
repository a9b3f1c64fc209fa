import { statSync } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examineCatalogue } from '../../src/catalogue/integrity/integrity.ts';
import { settleCatalogue } from '../../src/catalogue/integrity/settle.ts';
import { messageOf } from '../../src/errors.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { blobsDatabase, databasesDirectory, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { directorySource } from '../../src/sources/directory.ts';
import { systemdPlex } from '../../src/sources/systemdPlex.ts';
import { fatten } from '../bed/load/fatten.ts';
import { forkLoad, type ForkedLoad } from '../bed/load/forkedLoad.ts';
import { loadBase } from '../bed/load/loadModel.ts';
import { momentOf, startOf, type Start } from '../bed/load/moments.ts';
import { ordinary, packagedPlex, withAnswers, type Packaged } from './packagedPlex.ts';

/** Transactions a second to each of the two databases: several hundred during the shortest snapshot. */
const perSecond = 1500;

const loaded = [
  { name: libraryDatabase, kind: 'library' },
  { name: blobsDatabase, kind: 'blobs' },
] as const;

let packaged: Packaged;
let starts: ReadonlyMap<string, Start>;
let load: ForkedLoad;

beforeAll(async () => {
  packaged = await packagedPlex();
  fatten(packaged.databases, 12 << 20);
  starts = new Map(loaded.map(({ name }) => [name, startOf(path.join(packaged.databases, name))]));
  load = await forkLoad(packaged.databases, { perSecond });
}, 60_000);

afterAll(async () => {
  await load?.kill();
  await rm(packaged.root, { recursive: true, force: true });
});

function momentIn(directory: string, { name, kind }: (typeof loaded)[number]) {
  const start = starts.get(name);
  if (start === undefined) throw new Error(`The start of ${name} is not known`);
  return momentOf(path.join(directory, databasesDirectory, name), { start, kind, withItems: false });
}

const withoutPython = (line: string) => (line.startsWith('python3') ? { exitCode: 127 } : ordinary(packaged)(line));

const sources = [
  { by: 'Python', source: () => systemdPlex(withAnswers(ordinary(packaged))) },
  { by: 'sqlite3', source: () => systemdPlex(withAnswers(withoutPython)) },
  { by: 'this process', source: () => directorySource(thisComputer(), { directory: packaged.dataDirectory }) },
];

describe.each(sources)('a snapshot of databases that are written to without pause, by $by', ({ by, source }) => {
  test.each([1, 2, 3])('shows one moment between the request and its end (%i)', async (number) => {
    const into = path.join(packaged.root, `taken by ${by} ${number}`);
    await mkdir(into);
    const before = await load.commits();
    const snapshot = await source().takeCatalogue(into, { method: 'online' });
    const after = await load.commits();

    expect(after - before).toBeGreaterThanOrEqual(100);
    expect(snapshot.damaged).toEqual([]);
    expect((await examineCatalogue(into)).databases.flatMap(({ messages }) => messages)).toEqual([]);
    for (const database of loaded) {
      const { commits, differences } = momentIn(into, database);
      expect(differences).toEqual([]);
      expect(commits).toBeGreaterThanOrEqual(before);
      // The writer counts what both databases have; one of them may be ahead by one.
      expect(commits).toBeLessThanOrEqual(after + 1);
    }
    await rm(into, { recursive: true });
  }, 60_000);
});

describe('the comparison with the history', () => {
  async function sound(name: string): Promise<string> {
    const into = path.join(packaged.root, name);
    await mkdir(into);
    await directorySource(thisComputer(), { directory: packaged.dataDirectory }).takeCatalogue(into, { method: 'online' });
    return into;
  }

  test('finds the half of a transaction', async () => {
    const into = await sound('half');
    const database = new DatabaseSync(path.join(into, databasesDirectory, libraryDatabase));
    const last = Number(database.prepare('SELECT max(id) AS last FROM metadata_item_views').get()?.['last']);
    database.prepare('DELETE FROM metadata_item_views WHERE id = ?').run(last);
    database.close();
    expect(momentIn(into, loaded[0]).differences).toEqual([`metadata_item_views row ${last - loadBase} of the load is missing`]);
  });

  test('finds a row that was there before, and a blob, changed', async () => {
    const into = await sound('changed');
    for (const [name, sql] of [[libraryDatabase, 'UPDATE media_parts SET size = size + 1 WHERE id = (SELECT min(id) FROM media_parts)'], [blobsDatabase, 'UPDATE blobs SET "blob" = zeroblob(length("blob")) WHERE id = (SELECT max(id) FROM blobs)']] as const) {
      const database = new DatabaseSync(path.join(into, databasesDirectory, name));
      database.exec(sql);
      database.close();
    }
    expect(momentIn(into, loaded[0]).differences).toEqual(['media_parts: what was there before the load is not as it was']);
    expect(momentIn(into, loaded[1]).differences).toEqual([expect.stringMatching(/^blobs\.blob row \d+ of the load is 0000/) as string]);
  });

  test('finds a plain copy of the file without its log, made while it is written to, torn or old', async () => {
    const into = path.join(packaged.root, 'plain');
    await mkdir(path.join(into, databasesDirectory), { recursive: true });
    const faults: string[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const before = await load.commits();
      await copySlowly(path.join(packaged.databases, libraryDatabase), path.join(into, databasesDirectory, libraryDatabase));
      try {
        const { commits, differences } = momentIn(into, loaded[0]);
        faults.push(differences.length > 0 ? 'torn' : commits < before ? 'old' : 'none');
      } catch (error) {
        faults.push(messageOf(error));
      }
    }
    expect(faults).not.toContain('none');
    expect(faults).not.toEqual(faults.map(() => 'old'));
  }, 60_000);
});

test('what a killed writer leaves behind is a moment too, once its log is settled', async () => {
  await load.kill();
  const into = path.join(packaged.root, 'left by a killed writer');
  await mkdir(into);
  const before = await readdir(packaged.databases);
  const snapshot = await directorySource(thisComputer(), { directory: packaged.dataDirectory }).takeCatalogue(into, { method: 'files' });
  expect(snapshot.files.filter((file) => file.path.endsWith('-wal') && file.sizeBytes > 0)).toHaveLength(2);
  await settleCatalogue(into);
  for (const database of loaded) {
    const { commits, differences } = momentIn(into, database);
    expect(differences).toEqual([]);
    expect(commits).toBeGreaterThan(100);
  }
  expect(await readdir(packaged.databases)).toEqual(before);
  expect(statSync(path.join(packaged.databases, `${libraryDatabase}-wal`)).size).toBeGreaterThan(0);
});

/** As `cp` of a file so large that the server goes on meanwhile. */
async function copySlowly(from: string, to: string): Promise<void> {
  const [reader, writer] = [await open(from), await open(to, 'w')];
  try {
    const piece = Buffer.alloc(Math.ceil((await reader.stat()).size / 12));
    for (let position = 0; ; ) {
      const { bytesRead } = await reader.read(piece, 0, piece.length, position);
      if (bytesRead === 0) return;
      await writer.write(piece, 0, bytesRead, position);
      position += bytesRead;
      await wait(60);
    }
  } finally {
    await reader.close();
    await writer.close();
  }
}
