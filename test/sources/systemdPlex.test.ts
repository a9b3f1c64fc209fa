import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import type { Machine } from '../../src/machines/machine.ts';
import { systemdPlex } from '../../src/sources/systemdPlex.ts';
import { sourceContract } from '../contracts/source.ts';
import { ordinary, packagedPlex, shown, withAnswers, type Packaged } from './packagedPlex.ts';

const left: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const remove of left.splice(0)) await remove();
});

async function made(): Promise<Packaged> {
  const packaged = await packagedPlex();
  left.push(() => rm(packaged.root, { recursive: true, force: true }));
  return packaged;
}

sourceContract('systemd', async () => {
  const packaged = await packagedPlex();
  return {
    source: systemdPlex(withAnswers(ordinary(packaged))),
    dataDirectory: packaged.dataDirectory,
    mediaFile: packaged.mediaFile,
    close: () => rm(packaged.root, { recursive: true, force: true }),
  };
});

test('describes the service and the version', async () => {
  const packaged = await made();
  const facts = await systemdPlex(withAnswers(ordinary(packaged, { DropInPaths: '/etc/systemd/system/plexmediaserver.service.d/user.conf', User: 'media' }))).describe();
  expect(facts).toMatchObject({
    version: '1.43.4.10718-1e3cb7a60',
    versionFrom: 'dpkg-query',
    running: false,
    service: { unit: 'plexmediaserver.service', user: 'media', group: 'plex', activeState: 'inactive', enabledState: 'enabled', dropInPaths: ['/etc/systemd/system/plexmediaserver.service.d/user.conf'] },
  });
});

test('no token and no certificate leaves the source', async () => {
  const packaged = await made();
  const preferences = path.join(packaged.dataDirectory, 'Preferences.xml');
  const token = /PlexOnlineToken="([^"]+)"/.exec(await readFile(preferences, 'utf8'))?.[1] ?? '';
  expect(token).not.toBe('');
  const machine = withAnswers(ordinary(packaged));
  const source = systemdPlex(machine);
  const said = JSON.stringify([await source.describe(), await source.activity(), machine.lines]);
  expect(said).not.toContain(token);
});

test('a process below the home of Plex counts as running, and so does its child after the unit is gone', async () => {
  const packaged = await made();
  const source = systemdPlex(withAnswers(ordinary(packaged)));
  expect(await source.isRunning()).toBe(false);
  const program = path.join(packaged.home, 'Plex Script Host');
  await copyFile('/bin/sleep', program);
  await chmod(program, 0o755);
  const child = spawn(program, ['60']);
  expect(await source.isRunning()).toBe(true);
  child.kill();
  await new Promise((resolve) => {
    child.once('exit', resolve);
  });
  expect(await source.isRunning()).toBe(false);
});

test('stopping waits for whoever has a database open, and names the logs that stay behind', async () => {
  const packaged = await made();
  const user = new DatabaseSync(path.join(packaged.databases, 'com.plexapp.plugins.library.db'));
  user.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE in_the_log (value)');
  const machine = withAnswers((line) => (line.startsWith('systemctl stop') ? { exitCode: 1 } : ordinary(packaged)(line)));
  const stopping = systemdPlex(machine).stop();
  await copyFile(path.join(packaged.databases, 'com.plexapp.plugins.library.db-wal'), path.join(packaged.root, 'wal'));
  setTimeout(() => {
    user.close();
  }, 2000);
  const evidence = await stopping;
  expect(evidence).toMatchObject({ processesGone: true, remainingWalFiles: [] });
  expect(evidence.durationMs).toBeGreaterThan(1500);
  expect(machine.lines).toContain('root: systemctl stop -- plexmediaserver.service');

  await copyFile(path.join(packaged.root, 'wal'), path.join(packaged.databases, 'com.plexapp.plugins.library.db-wal'));
  expect(await systemdPlex(machine).stop()).toMatchObject({ processesGone: true, remainingWalFiles: ['Plug-in Support/Databases/com.plexapp.plugins.library.db-wal'] });
}, 30_000);

test('keeps the unit stopped with a drop-in, and does not believe it until systemd shows it', async () => {
  const packaged = await made();
  let shownDropIns = '';
  let written = '';
  const machine = withAnswers((line) => {
    if (line.startsWith('systemctl show')) return { stdout: shown(packaged, { DropInPaths: shownDropIns }) };
    return line.startsWith('mkdir') || line.startsWith('tee') || line.startsWith('systemctl') ? {} : null;
  });
  const recording: Machine = {
    ...machine,
    run(inner, options) {
      if (inner.program === 'tee') written = String(options?.input);
      return machine.run(inner, options);
    },
  };
  const source = systemdPlex(recording);
  await expect(source.keepStopped()).rejects.toThrow('systemd does not show the drop-in');
  expect(await source.isKeptStopped()).toBe(false);
  shownDropIns = '/etc/systemd/system/plexmediaserver.service.d/zz-plexlift-keep-stopped.conf';
  await source.keepStopped();
  expect(await source.isKeptStopped()).toBe(true);
  expect(written).toContain('[Unit]\nConditionPathExists=!/\n');
  expect(machine.lines).toContain('root: systemctl daemon-reload');
});

test.each([
  { now: { LoadState: 'masked', UnitFileState: 'masked' }, before: 'enabled', expected: 'systemctl unmask -- plexmediaserver.service' },
  { now: { UnitFileState: 'disabled' }, before: 'enabled', expected: 'systemctl enable -- plexmediaserver.service' },
  { now: { UnitFileState: 'enabled' }, before: 'disabled', expected: 'systemctl disable -- plexmediaserver.service' },
])('puts back $before where the unit is $now.UnitFileState', async ({ now, before, expected }) => {
  const packaged = await made();
  const machine = withAnswers((line) => {
    if (line.startsWith('systemctl show')) return { stdout: shown(packaged, now) };
    return line.startsWith('rm') || line.startsWith('systemctl') ? {} : ordinary(packaged)(line);
  });
  const source = systemdPlex(machine);
  const facts = await systemdPlex(withAnswers(ordinary(packaged))).describe();
  if (facts.service === null) throw new Error('A packaged Plex has a service');
  await source.restore({ ...facts, running: false, service: { ...facts.service, enabledState: before } });
  expect(machine.lines).toContain(`root: ${expected}`);
  expect(machine.lines).toContain('root: rm -f /etc/systemd/system/plexmediaserver.service.d/zz-plexlift-keep-stopped.conf');
  expect(machine.lines.filter((line) => line.includes('systemctl start'))).toEqual([]);
});

test('names the unit that systemd does not know, as a failed check too', async () => {
  const source = systemdPlex(withAnswers((line) => (line.startsWith('systemctl show') ? { stdout: 'LoadState=not-found' } : null)), { unit: 'plex.service' });
  await expect(source.describe()).rejects.toThrow('Cannot find the service "plex.service" on alex@plex-source');
  const check = source.checks.find(({ name }) => name === 'service-known');
  expect(await check?.run()).toMatchObject({ status: 'fail', detail: 'Cannot find the service "plex.service" on alex@plex-source' });
});

test('names the tools that are missing', async () => {
  const packaged = await made();
  const machine = withAnswers((line) => {
    if (line.includes('--version 2>/dev/null')) return { stdout: 'find\tfind (GNU findutils) 4.9.0\ntar\tbsdtar 3.6.2\nsha256sum\tsha256sum (GNU coreutils) 9.1\nstat\tstat (GNU coreutils) 9.1\nreadlink\treadlink (GNU coreutils) 9.1\ndf\tdf (GNU coreutils) 9.1\n' };
    return ordinary(packaged)(line);
  });
  const check = systemdPlex(machine).checks.find(({ name }) => name === 'source-tools');
  expect(await check?.run()).toMatchObject({ status: 'fail', detail: 'not there, or not the GNU programs: tar' });
});

test.each(['sqlite3', 'Plex SQLite'])('copies databases in use with %s where Python is missing', async (program) => {
  const packaged = await made();
  if (program === 'Plex SQLite') await copyFile('/usr/bin/sqlite3', path.join(packaged.home, 'Plex SQLite'));
  const machine = withAnswers((line) => (line.startsWith('python3') ? { exitCode: 127 } : ordinary(packaged)(line)));
  const user = new DatabaseSync(path.join(packaged.databases, 'com.plexapp.plugins.library.db'));
  user.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE in_the_log (value); INSERT INTO in_the_log VALUES (42)');
  const into = path.join(packaged.root, 'taken');
  await mkdir(into);
  const source = systemdPlex(machine);
  const { files } = await source.takeCatalogue(into, { method: 'online' });
  expect(files.map((file) => file.path)).not.toContain('Plug-in Support/Databases/com.plexapp.plugins.library.db-wal');
  const copy = new DatabaseSync(path.join(into, 'Plug-in Support/Databases/com.plexapp.plugins.library.db'));
  expect(copy.prepare('SELECT value FROM in_the_log').get()).toEqual({ value: 42 });
  copy.close();
  user.close();
});

test('runs the own SQLite of the source on a copy with its log, and says when there is none', async () => {
  const packaged = await made();
  const source = systemdPlex(withAnswers(ordinary(packaged)));
  const file = path.join(packaged.root, 'copy.db');
  const user = new DatabaseSync(file);
  user.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE in_the_log (value)');
  expect(await source.checkWithOwnSqlite(file)).toBeNull();
  const program = path.join(packaged.home, 'Plex SQLite');
  await writeFile(program, '#!/bin/sh\nsqlite3 "$1" "SELECT name FROM sqlite_master" "$2"\n', { mode: 0o755 });
  expect(await source.checkWithOwnSqlite(file)).toEqual(['in_the_log', 'ok']);
  user.close();
});
