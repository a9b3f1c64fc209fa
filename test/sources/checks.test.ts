import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import type { CommandResult } from '../../src/machines/machine.ts';
import { directorySource } from '../../src/sources/directory.ts';
import { systemdPlex } from '../../src/sources/systemdPlex.ts';
import { ordinary, packagedPlex, withAnswers, type Packaged } from './packagedPlex.ts';

let packaged: Packaged;
let empty: string;

beforeAll(async () => {
  packaged = await packagedPlex();
  empty = mkdtempSync('/tmp/plexlift-empty-');
  mkdirSync(path.join(empty, 'Plex Media Server', 'Plug-in Support', 'Databases'), { recursive: true });
  writeFileSync(path.join(empty, 'Plex Media Server', 'Preferences.xml'), '<?xml version="1.0" encoding="utf-8"?><Preferences OldestPreviousVersion="1"/>');
});

afterAll(async () => {
  await rm(packaged.root, { recursive: true, force: true });
  rmSync(empty, { recursive: true, force: true });
});

interface Case {
  readonly name: string;
  readonly status: 'warn' | 'fail';
  readonly says: string;
  readonly remedy?: string;
  /** Commands that begin so are answered so, before the ordinary answers. */
  readonly answers?: Readonly<Record<string, Partial<CommandResult>>>;
  /** What systemd shows; `EMPTY` stands for a directory with an empty Plex. */
  readonly settings?: Readonly<Record<string, string>>;
}

const emptyPlex = { Environment: 'PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR=EMPTY' };

function runningVersion(version: string): Readonly<Record<string, Partial<CommandResult>>> {
  return { "sh -c '": { stdout: '/proc/5\0/usr/lib/plexmediaserver/Plex Media Server\0' }, curl: { stdout: JSON.stringify({ MediaContainer: { machineIdentifier: 'x', version } }) } };
}

const cases: readonly Case[] = [
  { name: 'ssh-answers', status: 'fail', says: 'Darwin', answers: { uname: { stdout: 'Darwin 23.1.0' } } },
  { name: 'sudo-works', status: 'fail', says: '1001', answers: { 'id -u': { stdout: '1001\n' } } },
  { name: 'data-directory-known', status: 'fail', says: '/nowhere', settings: { Environment: 'PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR=/nowhere' } },
  { name: 'source-databases-readable', status: 'fail', says: 'com.plexapp.plugins.library.db', settings: emptyPlex },
  { name: 'source-preferences-readable', status: 'fail', says: 'MachineIdentifier', settings: emptyPlex },
  { name: 'source-version-known', status: 'fail', says: 'no package', answers: { 'dpkg-query': { exitCode: 1 }, rpm: { exitCode: 1 } } },
  { name: 'source-version-known', status: 'warn', says: 'the running server is 1.44.0.10900, the installed package 1.43.4', remedy: 'do not restart Plex', answers: runningVersion('1.44.0.10900') },
  { name: 'source-version-known', status: 'warn', says: 'the running server is 1.43.0.10492', remedy: 'Restart Plex on the source', answers: runningVersion('1.43.0.10492') },
  { name: 'source-scratch-room', status: 'fail', says: 'free in /var/tmp', answers: { 'df --block-size=1 --output=avail': { stdout: 'Avail\n12\n10\n' } } },
  { name: 'source-clock', status: 'warn', says: 'behind', answers: { date: { stdout: '1000000000.0\n' } } },
  { name: 'source-data-on-local-disk', status: 'warn', says: 'nfs4', answers: { 'df --output=fstype': { stdout: 'Type\nnfs4\n' } } },
  { name: 'source-one-server', status: 'warn', says: '/var/snap/plexmediaserver', answers: { "sh -c 'ls -d /var/snap": { stdout: '/var/snap/plexmediaserver/common\n' } } },
];

test.each(cases)('$name is $status when it should be', async ({ name, status, says, remedy = '', answers = {}, settings = {} }) => {
  const shown = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, value.replace('EMPTY', empty)]));
  const machine = withAnswers((line) => Object.entries(answers).find(([start]) => line.startsWith(start))?.[1] ?? ordinary(packaged, shown)(line));
  const finding = await systemdPlex(machine).checks.find((check) => check.name === name)?.run();

  expect(finding).toMatchObject({ status, detail: expect.stringContaining(says), remedy: expect.stringMatching(/.{15}/) });
  expect(finding).toMatchObject({ remedy: expect.stringContaining(remedy) });
});

test('every check of a service has a case here or beside its unit, except what can only be skipped', () => {
  const elsewhere = ['source-tools', 'service-known', 'source-own-sqlite'];
  const names = systemdPlex(withAnswers(ordinary(packaged))).checks.map((check) => check.name);

  expect(names.filter((name) => !elsewhere.includes(name) && !cases.some((given) => given.name === name))).toEqual([]);
});

test('a directory that holds no library, and one that is in use, are refused', async () => {
  const nothing = directorySource(thisComputer(), { directory: path.join(empty, 'Plex Media Server') });
  const failed: string[] = [];
  for (const check of nothing.checks) if ((await check.run()).status === 'fail') failed.push(check.name);
  expect(failed).toEqual(expect.arrayContaining(['source-directory', 'source-version-known']));

  const user = new DatabaseSync(path.join(packaged.databases, 'com.plexapp.plugins.library.db'));
  try {
    user.exec('PRAGMA journal_mode=WAL; CREATE TABLE of_somebody (value)');
    const used = directorySource(thisComputer(), { directory: packaged.dataDirectory });
    expect(await used.checks.find((check) => check.name === 'source-not-in-use')?.run()).toMatchObject({ status: expect.stringMatching(/warn|fail/) });
  } finally {
    user.close();
  }
});
