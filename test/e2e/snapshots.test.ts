import { cpSync, existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examineCatalogue } from '../../src/catalogue/integrity/integrity.ts';
import { settleCatalogue } from '../../src/catalogue/integrity/settle.ts';
import { messageOf } from '../../src/errors.ts';
import { databasesDirectory } from '../../src/plex/dataDirectory.ts';
import { runOnHost } from '../bed/sourceVm/hostCommand.ts';
import type { LoadedSource } from './loadedSource.ts';
import { loadedDatabases, openLoadedSource } from './loadedSource.ts';
import { sourceDataDirectory } from './sidesOfStage.ts';

/** Transactions a second to each of the two databases, each of them of a dozen statements. */
const perSecond = 400;
/** How much larger than a small library each of the two is: without it a copy would take no time. */
const fatBytes = 20 << 20;
const fewestCommits = 100;
/** How many times as many snapshots as are wanted may be taken: one that a fast machine took between too few commits has to be sound, but does not count. */
const mostTries = 2;

/** What the server felt, and how much it wrote, while one snapshot was taken. */
interface Felt {
  readonly commits: number;
  readonly commitsSince: number;
  readonly longestMs: number;
  readonly logMiB: number;
  readonly seconds: number;
}

async function soundSnapshot(loaded: LoadedSource): Promise<readonly Felt[]> {
  const before = await loaded.progress();
  const beganMs = performance.now();
  const taken = await loaded.take('online');
  const seconds = (performance.now() - beganMs) / 1000;
  const after = await loaded.progress();
  expect((await examineCatalogue(taken)).databases.flatMap(({ messages }) => messages)).toEqual([]);
  const moments = loaded.moments(taken);
  await rm(taken, { recursive: true });
  return loadedDatabases.map(({ kind }) => {
    const { commits, differences } = moments[kind];
    expect(differences).toEqual([]);
    expect(commits).toBeGreaterThanOrEqual(before[kind].commits);
    expect(commits).toBeLessThanOrEqual(after[kind].commits);
    const during = after[kind].commits - before[kind].commits;
    return { commits: during, commitsSince: after[kind].commits - commits, longestMs: after[kind].longestMicros / 1000, logMiB: after[kind].largestLogBytes / 2 ** 20, seconds };
  });
}

/** Takes snapshots until there are so many sound ones, prints what the server felt, and gives back their number. */
async function soundSnapshots(loaded: LoadedSource, { count, by }: { readonly count: number; readonly by: string }): Promise<number> {
  const files = await sidecars(loaded);
  const felt: (readonly Felt[])[] = [];
  for (let tries = 0; felt.length < count && tries < count * mostTries; tries += 1) {
    const each = await soundSnapshot(loaded);
    if (each.every(({ commits }) => commits >= fewestCommits)) felt.push(each);
  }
  expect(felt).toHaveLength(count);
  for (const [position, { kind }] of loadedDatabases.entries()) {
    const span = (pick: (each: Felt) => number) => {
      const values = felt.flatMap((each) => each.slice(position, position + 1).map(pick)).toSorted((left, right) => left - right);
      return `${values.at(0)?.toFixed(1)} to ${values.at(-1)?.toFixed(1)}`;
    };
    process.stdout.write(`${by}, ${kind}, ${count} snapshots of ${span(({ seconds }) => seconds)} s: commits during each ${span(({ commits }) => commits)}, of them after its moment ${span(({ commitsSince }) => commitsSince)}; longest commit ${span(({ longestMs }) => longestMs)} ms; log ${span(({ logMiB }) => logMiB)} MiB\n`);
  }
  // The same files of the same owner: nobody but the server made or removed any.
  expect(await sidecars(loaded)).toBe(files);
  expect(await leftovers(loaded)).toBe('');
  return felt.length;
}

/** What plexlift has in the places for scratch files, ten seconds at most after it should be gone. */
async function leftovers(loaded: LoadedSource): Promise<string> {
  return loaded.shell('for i in $(seq 100); do [ -z "$(ls -d /tmp/plexlift-* /var/tmp/plexlift-* 2>/dev/null)" ] && exit; sleep 0.1; done; ls -lR /tmp /var/tmp');
}

async function sidecars(loaded: LoadedSource): Promise<string> {
  const said = await loaded.shell(`cd '${sourceDataDirectory}/${databasesDirectory}' && stat -c '%n %U:%G %a %i' *-wal *-shm`);
  expect(said.split('\n').filter((line) => line.includes(' plex:plex '))).toHaveLength(loadedDatabases.length * 2);
  return said;
}

/** Begins a snapshot, kills every ssh in the middle of it, sees that the source is as it was and that the next one works; gives back how the first ended. */
async function cutSnapshot(loaded: LoadedSource, afterMs: number): Promise<unknown> {
  const files = await sidecars(loaded);
  const into = await mkdtemp(join(loaded.directory, 'cut-'));
  const taking = loaded.source.takeCatalogue(into, { method: 'online' }).then(
    () => null,
    (error: unknown) => error,
  );
  await loaded.shell('for i in $(seq 1000); do [ -z "$(ls -d /tmp/plexlift-* /var/tmp/plexlift-* 2>/dev/null)" ] || exit 0; sleep 0.01; done; exit 1');
  await wait(afterMs);
  expect(loaded.cutLines()).toBeGreaterThan(0);
  const ending = await taking;
  expect(await leftovers(loaded)).toBe('');
  expect(await sidecars(loaded)).toBe(files);
  const before = await loaded.progress();
  await wait(500);
  expect((await loaded.progress()).library.commits).toBeGreaterThan(before.library.commits);
  await soundSnapshot(loaded);
  return ending;
}

/** True where the same files without their logs cannot be read, are torn, or lack transactions. */
function showsLess(loaded: LoadedSource, withoutLogs: string, whole: ReturnType<LoadedSource['moments']>): boolean {
  try {
    const bare = loaded.moments(withoutLogs);
    return loadedDatabases.some(({ kind }) => bare[kind].differences.length > 0 || bare[kind].commits < whole[kind].commits);
  } catch (error) {
    return /malformed/.test(messageOf(error));
  }
}

/** How a snapshot ends that finds two megabytes free in either of the places for scratch files. */
async function snapshotWithoutRoom(loaded: LoadedSource): Promise<unknown> {
  const places = ['/tmp', '/var/tmp'];
  for (const place of places) await loaded.shell(`mount -t tmpfs -o size=2m,mode=1777 tmpfs ${place}`);
  try {
    const into = await mkdtemp(join(loaded.directory, 'no-room-'));
    const ending = await loaded.source.takeCatalogue(into, { method: 'online' }).then(
      () => null,
      (error: unknown) => error,
    );
    expect(await leftovers(loaded)).toBe('');
    return ending;
  } finally {
    for (const place of places) await loaded.shell(`umount ${place}`);
  }
}

const noRoom = {
  kind: 'failed',
  message: expect.stringMatching(/^Cannot copy "com\.plexapp\.plugins\.library\.blobs\.db" on alex@.* while it is in use: No space left: \/(?:var\/)?tmp\/plexlift-\S+ has \d+ bytes free, and \d+ are needed$/) as string,
};

describe('a source with Python', () => {
  let loaded: LoadedSource;

  beforeAll(async () => {
    loaded = await openLoadedSource({ python: true, fatBytes });
    await loaded.write(perSecond);
  });

  afterAll(async () => {
    await loaded?.close();
  });

  test('30 snapshots of a server that writes without pause are each a moment of its history', async () => {
    await loaded.progress();
    await wait(5000);
    const { library, blobs } = await loaded.progress();
    process.stdout.write(`without a snapshot: longest commit ${library.longestMicros / 1000} and ${blobs.longestMicros / 1000} ms, mean ${Math.round(library.totalMicros / library.measured)} and ${Math.round(blobs.totalMicros / blobs.measured)} us, log ${library.largestLogBytes} and ${blobs.largestLogBytes} bytes\n`);
    expect(await soundSnapshots(loaded, { count: 30, by: 'Python' })).toBe(30);
  });

  test('a plain copy of the file without its log does not pass for one', async () => {
    const faults: string[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const copied = await mkdtemp(join(loaded.directory, 'plain-'));
      await mkdir(join(copied, databasesDirectory), { recursive: true });
      const before = await loaded.progress();
      for (const { name } of loadedDatabases) await copyAsSlowlyAsALargeOne(loaded, { name, into: copied });
      try {
        const { library } = loaded.moments(copied);
        faults.push(library.differences.length > 0 ? `torn: ${library.differences[0]}` : library.commits < before.library.commits ? 'older than the request' : 'none');
      } catch (error) {
        faults.push(`torn: ${messageOf(error)}`);
      }
    }
    process.stdout.write(`plain copies: ${faults.join(' | ')}\n`);
    expect(faults).not.toContain('none');
    expect(faults.filter((fault) => fault.startsWith('torn'))).not.toEqual([]);
  });

  test('a line that is cut in the middle leaves nothing on the source', async () => {
    for (const afterMs of [0, 200]) expect(await cutSnapshot(loaded, afterMs)).toMatchObject({ kind: 'failed' });
  });

  test('without room for a copy the server keeps what there is', async () => {
    expect(await snapshotWithoutRoom(loaded)).toMatchObject(noRoom);
  });

  test('a database that the service may not read is told in its own words, and taken as it is', async () => {
    const file = `${sourceDataDirectory}/${databasesDirectory}/com.plexapp.dlna.db`;
    const mode = (await loaded.shell(`stat -c %a '${file}'; chmod 0 '${file}'`)).trim();
    const into = await mkdtemp(join(loaded.directory, 'unreadable-'));
    const snapshot = await loaded.source.takeCatalogue(into, { method: 'online' });
    await loaded.shell(`chmod ${mode} '${file}'`);
    const path = `${databasesDirectory}/com.plexapp.dlna.db`;
    expect(snapshot.damaged).toEqual([{ path, message: expect.stringMatching(/Permission denied|unable to open/) as string }]);
    expect(snapshot.files).toContainEqual({ path, sizeBytes: statSync(join(into, path)).size, sha256: (await loaded.shell(`sha256sum < '${file}'`)).slice(0, 64) });
    expect(await leftovers(loaded)).toBe('');
  });

  test('what a server leaves behind when it is killed in the middle of writing is a moment too, ten times', async () => {
    let onlyInTheLog = 0;
    for (let number = 0; number < 10; number += 1) {
      const began = await loaded.progress();
      let before = began;
      while (loadedDatabases.some(({ kind }) => before[kind].commits < began[kind].commits + fewestCommits + number * 10)) before = await loaded.progress();
      await loaded.killServer();
      const taken = await loaded.take('files');
      for (const { name } of loadedDatabases) expect(statSync(join(taken, databasesDirectory, `${name}-wal`)).size).toBeGreaterThan(0);
      const withoutLogs = await mkdtemp(join(loaded.directory, 'without-logs-'));
      await mkdir(join(withoutLogs, databasesDirectory), { recursive: true });
      for (const { name } of loadedDatabases) cpSync(join(taken, databasesDirectory, name), join(withoutLogs, databasesDirectory, name));

      await settleCatalogue(taken);
      for (const { name } of loadedDatabases) expect(existsSync(join(taken, databasesDirectory, `${name}-wal`))).toBe(false);
      expect((await examineCatalogue(taken)).databases.flatMap(({ messages }) => messages)).toEqual([]);
      const moments = loaded.moments(taken);
      for (const { kind } of loadedDatabases) {
        expect(moments[kind].differences).toEqual([]);
        expect(moments[kind].commits).toBeGreaterThanOrEqual(before[kind].commits);
      }
      if (showsLess(loaded, withoutLogs, moments)) onlyInTheLog += 1;
      await rm(taken, { recursive: true });
      await rm(withoutLogs, { recursive: true });
      await loaded.startServer();
      await loaded.write(perSecond);
    }
    process.stdout.write(`killed: ${onlyInTheLog} of 10 times the files without their logs were torn or lacked commits\n`);
    expect(onlyInTheLog).toBeGreaterThan(5);
    expect(await leftovers(loaded)).toBe('');
  });
});

describe('a source without Python', () => {
  let loaded: LoadedSource;

  beforeAll(async () => {
    loaded = await openLoadedSource({ python: false, fatBytes });
    await loaded.write(perSecond);
  });

  afterAll(async () => {
    await loaded?.close();
  });

  test('10 snapshots by the SQLite of Plex itself', async () => {
    expect((await loaded.vm.run('command -v python3')).exitCode).not.toBe(0);
    expect(await soundSnapshots(loaded, { count: 10, by: 'Plex SQLite' })).toBe(10);
  });

  test('10 snapshots by sqlite3, where Plex brings none', async () => {
    await loaded.shell("mv '/usr/lib/plexmediaserver/Plex SQLite' /root/ && command -v sqlite3");
    expect(await soundSnapshots(loaded, { count: 10, by: 'sqlite3' })).toBe(10);
  });

  test('a line that is cut in the middle leaves nothing on the source', async () => {
    for (const afterMs of [0, 200]) expect(await cutSnapshot(loaded, afterMs)).toMatchObject({ kind: 'failed' });
  });

  test('without room for a copy the server keeps what there is', async () => {
    expect(await snapshotWithoutRoom(loaded)).toMatchObject(noRoom);
  });
});

/** As `cp` of a file so large that the server goes on meanwhile: in twelve pieces. */
async function copyAsSlowlyAsALargeOne(loaded: LoadedSource, { name, into }: { readonly name: string; readonly into: string }): Promise<void> {
  const from = join(loaded.databases, name);
  const piece = Math.ceil(statSync(from).size / 12 / 4096) * 4096;
  const to = join(into, databasesDirectory, name);
  for (let number = 0; number < 12; number += 1) {
    await runOnHost(['dd', `if=${from}`, `of=${to}`, `bs=${piece}`, `skip=${number}`, `seek=${number}`, 'count=1', 'conv=notrunc', 'status=none']);
    await wait(50);
  }
}
