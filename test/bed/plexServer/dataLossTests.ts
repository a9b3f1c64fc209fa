import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { libraryFile, ratingKeys, setPreference, type ServerFixture } from './serverFixture.ts';

/** What the server destroys when it is let: missing mounts, unmapped paths, jobs, bundles, writes in the WAL. */
export function dataLossTests(fixture: () => ServerFixture): void {
  test('deletes the items of a missing mount when it scans with autoEmptyTrash on, which it is by default', async () => {
    const bed = fixture();
    const mine = await bed.library('unmounted');
    expect(mine.preferences).not.toHaveProperty('autoEmptyTrash');
    const before = bed.query(mine.dataDirectory, 'SELECT count(*) AS n FROM media_parts');
    for (const mount of [mine.mediaDirectory, mine.optimizedDirectory]) renameSync(mount, `${mount}.away`);
    const begun = Math.floor(Date.now() / 1000);
    const server = await bed.start(mine.dataDirectory, { scanDelayMs: 10 });
    await bed.scanned(server, begun);
    const movies = mine.libraries.find(({ kind }) => kind === 'movies');
    expect(await bed.ask(server, `/library/sections/${movies?.id}/all?type=1`)).toMatchObject({ totalSize: 0 });
    await bed.stop(server);
    expect(before[0]?.['n']).toBeGreaterThan(50);
    expect(bed.query(mine.dataDirectory, 'SELECT count(*) AS n FROM metadata_items WHERE metadata_type IN (1, 2, 3, 4, 8, 9, 10)')).toEqual([{ n: 0 }]);
    expect(bed.query(mine.dataDirectory, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  test('only marks them when autoEmptyTrash is off, and finds them again', async () => {
    const bed = fixture();
    const mine = await bed.library('held');
    setPreference(mine.dataDirectory, 'autoEmptyTrash', '0');
    const items = bed.query(mine.dataDirectory, 'SELECT count(*) AS n FROM metadata_items');
    renameSync(mine.mediaDirectory, `${mine.mediaDirectory}.away`);
    const begun = Math.floor(Date.now() / 1000);
    const server = await bed.start(mine.dataDirectory, { scanDelayMs: 10 });
    await bed.scanned(server, begun);
    expect(bed.query(mine.dataDirectory, 'SELECT count(*) AS n FROM metadata_items')).toEqual(items);
    expect(bed.query(mine.dataDirectory, 'SELECT count(*) > 50 AS many FROM media_parts WHERE deleted_at IS NOT NULL')).toEqual([{ many: 1 }]);
    renameSync(`${mine.mediaDirectory}.away`, mine.mediaDirectory);
    for (const { id } of mine.libraries) expect((await bed.request(server, `/library/sections/${id}/refresh`)).status).toBe(200);
    await bed.scanned(server, begun);
    expect(bed.query(mine.dataDirectory, 'SELECT count(*) AS n FROM media_parts WHERE deleted_at IS NOT NULL')).toEqual([{ n: 0 }]);
  });

  test('gives a file that no path names a new item without history', async () => {
    const bed = fixture();
    const mine = await bed.library('unmapped');
    bed.change(mine.dataDirectory, `UPDATE media_parts SET file = replace(file, '/media/', '/elsewhere/')`);
    setPreference(mine.dataDirectory, 'autoEmptyTrash', '0');
    const begun = Math.floor(Date.now() / 1000);
    const server = await bed.start(mine.dataDirectory, { scanDelayMs: 10 });
    await bed.scanned(server, begun);
    expect(bed.query(mine.dataDirectory, "SELECT count(*) > 5 AS many FROM metadata_items WHERE guid LIKE 'local://%' AND added_at > unixepoch() - 60")).toEqual([{ many: 1 }]);
  });

  test('puts optimizer jobs into error when their source is missing and the queue is not paused', async () => {
    const bed = fixture();
    const states = async (name: string, paused: string) => {
      const mine = await bed.library(name);
      for (const key of ['FSEventLibraryUpdatesEnabled', 'ScheduledLibraryUpdatesEnabled']) setPreference(mine.dataDirectory, key, '0');
      setPreference(mine.dataDirectory, 'BackgroundQueueIdlePaused', paused);
      rmSync(mine.mediaDirectory, { recursive: true });
      await bed.start(mine.dataDirectory, { scanDelayMs: 10 });
      await sleep(2500);
      return bed.query(mine.dataDirectory, 'SELECT DISTINCT state_context FROM versioned_metadata_items');
    };
    expect(await states('queue-paused', '1')).toEqual([{ state_context: 0 }]);
    expect(await states('queue-running', '0')).toEqual([{ state_context: 1 }]);
  });

  test('removes the bundles of items it does not know', async () => {
    const bed = fixture();
    const directory = bed.dataDirectory();
    const known = bed.made.artwork.find(({ path }) => path.startsWith('Metadata/'))?.path ?? '';
    const stray = join(directory, 'Metadata/Movies/a/bcdef.bundle/Contents/_combined/posters');
    mkdirSync(stray, { recursive: true });
    await bed.start(directory, { butlerDelayMs: 10 });
    await expect.poll(() => existsSync(stray), { timeout: 20_000 }).toBe(false);
    expect(existsSync(join(directory, known))).toBe(true);
  });

  test('leaves the last writes in the WAL when it is killed, and takes them up again', async () => {
    const bed = fixture();
    const directory = bed.dataDirectory();
    const server = await bed.start(directory);
    const [item] = ratingKeys(await bed.ask(server, `/library/sections/${bed.made.libraries[0]?.id}/all?type=1`));
    const plays = 'SELECT count(*) AS n FROM metadata_item_views';
    const [before] = bed.query(directory, plays);
    expect((await bed.request(server, `/:/scrobble?key=${item}`)).status).toBe(200);
    expect((await bed.request(server, `/:/timeline?ratingKey=${item}&time=4321&state=playing`, { method: 'POST' })).status).toBe(200);
    expect(await bed.ask(server, '/status/sessions')).toMatchObject({ size: 1 });
    await bed.killAll();
    expect(statSync(join(directory, `${libraryFile}-wal`)).size).toBeGreaterThan(0);
    const withoutWal = join(bed.root, 'withoutWal', 'Plex Media Server');
    mkdirSync(dirname(join(withoutWal, libraryFile)), { recursive: true });
    cpSync(join(directory, libraryFile), join(withoutWal, libraryFile));
    expect(bed.query(withoutWal, plays)).toEqual([before]);

    const again = await bed.start(directory);
    expect(await bed.ask(again, `/library/metadata/${item}`)).toMatchObject({ Metadata: [{ viewOffset: 4321 }] });
    await bed.stop(again);
    expect(bed.query(directory, plays)).toEqual([{ n: Number(before?.['n']) + 1 }]);
  });
}
