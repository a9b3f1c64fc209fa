import { copyFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { directorySource } from '../../src/sources/directory.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { sourceContract } from '../contracts/source.ts';

async function library() {
  const root = await mkdtemp('/tmp/plexlift-library-');
  const dataDirectory = path.join(root, 'Plex Media Server');
  await makeLibrary({ dataDirectory, mediaDirectory: path.join(root, 'media'), optimizedDirectory: path.join(root, 'optimized'), items: 80, seed: 7 });
  const mediaFile = path.join(root, 'sample.mkv');
  await writeFile(mediaFile, Buffer.alloc(1000, 'film'));
  return { root, dataDirectory, mediaFile, databases: path.join(dataDirectory, 'Plug-in Support/Databases') };
}

sourceContract('directory', async () => {
  const { root, dataDirectory, mediaFile } = await library();
  return {
    source: directorySource(thisComputer(), { directory: dataDirectory, version: '1.43.4.10718-1e3cb7a60' }),
    dataDirectory,
    mediaFile,
    close: () => rm(root, { recursive: true, force: true }),
  };
});

test('a database in use is copied with what is only in its log, and is seen to be in use', async () => {
  const { root, dataDirectory, databases } = await library();
  const source = directorySource(thisComputer(), { directory: dataDirectory });
  expect(await source.isRunning()).toBe(false);
  expect((await source.stop()).processesGone).toBe(true);
  const user = new DatabaseSync(path.join(databases, 'com.plexapp.plugins.library.db'));
  user.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE in_the_log (value); INSERT INTO in_the_log VALUES (42)');

  expect(await source.isRunning()).toBe(true);
  expect(await source.stop()).toMatchObject({ processesGone: false, remainingWalFiles: ['Plug-in Support/Databases/com.plexapp.plugins.library.db-wal'] });
  const into = path.join(root, 'taken');
  await mkdir(into);
  await source.takeCatalogue(into, { method: 'online' });

  const copy = new DatabaseSync(path.join(into, 'Plug-in Support/Databases/com.plexapp.plugins.library.db'));
  expect(copy.prepare('SELECT value FROM in_the_log').get()).toEqual({ value: 42 });
  copy.close();
  user.close();
  await rm(root, { recursive: true });
});

test('a log that a killed server left behind is read, and left as it is', async () => {
  const { root, dataDirectory, databases } = await library();
  const database = path.join(databases, 'com.plexapp.plugins.library.db');
  const user = new DatabaseSync(database);
  user.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE in_the_log (value); INSERT INTO in_the_log VALUES (42)');
  for (const file of [database, `${database}-wal`]) copyFileSync(file, path.join(root, path.basename(file)));
  user.close();
  for (const file of [database, `${database}-wal`]) copyFileSync(path.join(root, path.basename(file)), file);
  const before = await readdir(databases);
  const source = directorySource(thisComputer(), { directory: dataDirectory });
  for (const method of ['online', 'files'] as const) {
    const into = path.join(root, method);
    await mkdir(into);
    await source.takeCatalogue(into, { method });
    const copy = new DatabaseSync(path.join(into, 'Plug-in Support/Databases/com.plexapp.plugins.library.db'));
    expect(copy.prepare('SELECT value FROM in_the_log').get()).toEqual({ value: 42 });
    copy.close();
  }
  expect(await readdir(databases)).toEqual(before);
  await rm(root, { recursive: true });
});
