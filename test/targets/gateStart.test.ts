import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gateExitCodes } from '../../src/targets/gate/gateFailure.ts';
import { readGateScript } from '../../src/targets/gate/gateScript.ts';
import { commandOf, runningProcesses } from '../bed/runningProcesses.ts';
import { mountShare, whyNoShare } from '../bed/share/fuseShare.ts';
import { gateVolume, shells, temporaryDirectory } from './gateVolume.ts';

const bothWays = 'Where the run was begun, "plexlift migrate" goes on, and "plexlift rollback" takes everything back';
const toBeOpened = (run: string): string => `run "${run}" to open the landing area. No library was touched. ${bothWays}`;

// Whoever reads these did not expect them, and may be afraid for a library: each says what is at stake and what to run.
const waiting: readonly { readonly name: string; readonly at: { readonly phase: string; readonly held?: string; readonly withdrawn?: string } | null; readonly run?: string; readonly library?: 'gone'; readonly words: string }[] = [
  { name: 'nothing is open', at: null, words: toBeOpened('r1') },
  { name: 'the library lands', at: { phase: 'landing' }, words: `run "r1" to bring the library and publish it. Until then no library is touched. ${bothWays}` },
  { name: 'the library is held', at: { phase: 'published', held: 'yes' }, words: `run "r1", which holds Plex back while it works on the library or its settings. ${bothWays}` },
  { name: 'the published library is gone', at: { phase: 'published' }, library: 'gone', words: 'the library "ROOT/Library", which run "r1" published and which is gone. If it was renamed, rename it back, and the gate goes on by itself. If it is given up, "plexlift finish" lets Plex begin with an empty one' },
  { name: 'a published run is in the way of another', at: { phase: 'published' }, run: 'r2', words: 'run "r1" to be finished, which published the library here, before run "r2" can begin. No library was touched. "plexlift finish" where run "r1" was begun keeps its library for good; "plexlift rollback" where run "r2" was begun leaves all as it was' },
  { name: 'a withdrawal was cut off', at: { phase: 'withdrawing', withdrawn: 'Library.withdrawn-r1' }, words: 'the library of run "r1" to be withdrawn, which was cut off. "plexlift rollback" goes on with that, where the run was begun' },
  { name: 'the library was withdrawn', at: { phase: 'withdrawn', withdrawn: 'Library.withdrawn-r1' }, words: 'the release to be put back: the library of run "r1" was withdrawn, and is kept at "ROOT/Library.withdrawn-r1". "plexlift rollback" goes on with that, where the run was begun' },
  { name: 'another run begins after a withdrawn one', at: { phase: 'withdrawn' }, run: 'r2', words: toBeOpened('r2') },
  { name: 'another run begins after a finished one', at: { phase: 'finished' }, run: 'r2', words: toBeOpened('r2') },
];

describe.concurrent.each(shells.map((shell) => ({ name: shell.join(' '), shell })))('the gate at the start of a pod, under $name', ({ shell }) => {
  test('run by the chart without arguments, it tells the state, changes nothing and exits 0', ({ onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    const where = 'plexlift: whether Plex waits, and for what: kubectl -n NAMESPACE logs plex-0 -c plexlift-gate\n';
    expect(volume.run([], { environment: { HOSTNAME: 'plex-0' } })).toEqual({ exitCode: 0, stdout: `plexlift: this volume is at phase none, run -\n${where}`, stderr: '' });
    expect(readdirSync(volume.root)).toEqual([]);
    volume.state('landing');
    expect(volume.run([]).stdout).toContain('phase landing, run r1');
    writeFileSync(join(volume.root, '.plexlift/state'), 'nonsense\n');
    expect(volume.run([])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Restore it, or remove it') as string });
    expect(volume.run([], { environment: { PLEXLIFT_ROOT: join(volume.root, 'missing') } }).exitCode).toBe(0);
  });

  test.for(['SIGTERM', 'SIGINT'] as const)('waiting, it ends at once on %s', async (signal, { onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    volume.state('landing');
    const gate = volume.startGate({ PLEXLIFT_RUN: 'r1' });
    await gate.says('Waiting for run "r1" to bring the library and publish it');
    const begun = performance.now();
    gate.stop(signal);
    expect(await gate.ended).toBe(signal === 'SIGTERM' ? 143 : 130);
    expect(performance.now() - begun).toBeLessThan(900);
  });

  test('it waits for the run it was made for, lets go after publish, and leaves a copy of itself', async ({ onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    volume.library('Library', 'already here');
    const gate = volume.startGate({ PLEXLIFT_RUN: 'r1' });
    await gate.says('Waiting for run "r1" to open the landing area');
    volume.state('landing');
    await gate.says('to bring the library and publish it');
    expect(gate.running()).toBe(true);
    volume.state('published');
    expect(await gate.ended).toBe(0);
    expect(readFileSync(join(volume.root, '.plexlift/gate.sh'), 'utf8')).toBe(await readGateScript());
  });

  test('it finishes the renames of a publish that was cut off', async ({ onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    volume.state('publishing', { agreement: 'set-aside' });
    volume.library('Library.set-aside-r1', 'old');
    volume.library('.plexlift/r1/Library', 'new');
    const gate = volume.startGate({ PLEXLIFT_RUN: 'r1' });
    expect(await gate.ended).toBe(0);
    expect([volume.markOf('Library'), volume.markOf('Library.set-aside-r1')]).toEqual(['new', 'old']);
    expect(readFileSync(join(volume.root, '.plexlift/state'), 'utf8')).toContain('phase published\n');
  });

  test('it waits, and names the repair, for a combination it does not know; after the repair it goes on by itself', async ({ onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    volume.state('publishing', { agreement: 'set-aside' });
    for (const name of ['Library', 'Library.set-aside-r1', '.plexlift/r1/Library']) volume.library(name, name);
    const gate = volume.startGate();
    await gate.says(`rename "${volume.root}/Library" to a name of your own`);
    expect(volume.markOf('Library')).toBe('Library');
    renameSync(join(volume.root, 'Library'), join(volume.root, 'Library.mine'));
    expect(await gate.ended).toBe(0);
    expect(volume.markOf('Library')).toBe('.plexlift/r1/Library');
  });

  test.for([
    ['an empty state file', '', 'is damaged. Restore it, or remove it and run "plexlift migrate" to begin the run again; the landing area and every Library stay as they are'],
    ['a newer protocol', 'protocol 2\nphase published\nrun r1\nagreement none\nheld no\nwithdrawn -\nend\n', 'is of protocol 2, and this gate speaks protocol 1. Go on with the plexlift that wrote it: the first line of "ROOT/.plexlift/journal.ndjson" names its version'],
    ['a torn state file', 'protocol 1\nphase published\nrun r1\n', 'is damaged'],
    ['an unknown phase', 'protocol 1\nphase unknown\nrun r1\nagreement none\nheld no\nwithdrawn -\nend\n', 'is damaged'],
    ['a run that is a path', 'protocol 1\nphase published\nrun ../r1\nagreement none\nheld no\nwithdrawn -\nend\n', 'is damaged'],
    ['an unknown line', 'protocol 1\nphase published\nrun r1\nagreement none\nheld no\nwithdrawn -\nmore 1\nend\n', 'is damaged'],
  ])('it waits for a repair on %s', async ([, content = '', words = ''], { onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    volume.library('Library', 'x');
    mkdirSync(join(volume.root, '.plexlift'));
    writeFileSync(join(volume.root, '.plexlift/state'), content);
    const gate = volume.startGate();
    await gate.says(`Waiting for somebody to repair the state. The state file "${volume.root}/.plexlift/state" ${words.replace('ROOT', volume.root)}`);
    expect(gate.running()).toBe(true);
    gate.stop('SIGTERM');
    await gate.ended;
  });

  test('until finish, each mount must show one of its sentinels, by size', { timeout: 20_000 }, async ({ onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    const media = temporaryDirectory(onTestFinished);
    volume.state('published');
    volume.library('Library', 'x');
    const sentinels = [`3\n${media}/a\n${media}/a/gone`, `3\n${media}/a\n${media}/a/one`, `4\n${media}/b b\n${media}/b b/two`];
    writeFileSync(join(volume.root, '.plexlift/sentinels'), `${sentinels.join('\n')}\n`);
    const scratch = temporaryDirectory(onTestFinished);
    const gate = volume.startGate({ PLEXLIFT_RUN: 'r1', TMPDIR: scratch });
    const wanted = (mount: string, path: string, bytes: number): string => `Waiting for the mount ${mount}. None of the media files that were there before can be read by Plex (uid ${process.getuid?.()}), such as "${path}" with ${bytes} bytes. Plex would take an empty mount`;
    await gate.says(wanted(`${media}/a`, `${media}/a/gone`, 3));
    mkdirSync(join(media, 'a'));
    writeFileSync(join(media, 'a/one'), 'abc');
    await gate.says(wanted(`${media}/b b`, `${media}/b b/two`, 4));
    mkdirSync(join(media, 'b b'));
    writeFileSync(join(media, 'b b/two'), 'too long');
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(gate.running()).toBe(true);
    // However often it has looked, it keeps what one look at three files left.
    expect(readdirSync(scratch, { recursive: true }).length).toBeLessThanOrEqual(1 + 3 * 3);
    writeFileSync(join(media, 'b b/two'), 'four');
    expect(await gate.ended).toBe(0);
  });

  test.skipIf(whyNoShare !== '')(`a share that hangs holds Plex back, is looked at by one process only, and opens the gate when it answers${whyNoShare}`, { timeout: 60_000 }, async ({ onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    const [shown, seen] = [temporaryDirectory(onTestFinished), temporaryDirectory(onTestFinished)];
    writeFileSync(join(shown, 'film'), 'abc');
    volume.state('published');
    volume.library('Library', 'x');
    writeFileSync(join(volume.root, '.plexlift/sentinels'), `3\n${seen}\n${seen}/film\n`);
    const share = await mountShare(shown, seen);
    onTestFinished(async () => share.unmount());
    share.hang();
    const gate = volume.startGate({ PLEXLIFT_RUN: 'r1' });
    await gate.says(`Waiting for the mount ${seen}, which does not answer. None of the media files that were there before`);
    const looking = () => runningProcesses().map(commandOf).filter((command) => command.startsWith('stat ') && command.includes(seen) || command.startsWith('sh -c [ -r') && command.includes(seen));
    const first = looking();
    expect(first).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(looking()).toEqual(first);
    expect(gate.running()).toBe(true);
    share.answer();
    expect(await gate.ended).toBe(0);
  });

  test.for([
    { name: 'no migration at all', phase: null, run: '' },
    { name: 'the same run, published', phase: 'published', run: 'r1' },
    { name: 'a finished run', phase: 'finished', run: 'r1' },
  ])('it opens for $name', async ({ phase, run }, { onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    if (phase !== null) volume.state(phase);
    volume.library('Library', 'x');
    const gate = volume.startGate(run === '' ? {} : { PLEXLIFT_RUN: run });
    await gate.says('plexlift: The gate is open: Plex may start');
    expect(await gate.ended).toBe(0);
  });

  test.for(waiting)('it waits, and says for what and what to run: $name', async ({ at, run, library, words }, { onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    if (at !== null) volume.state(at.phase, at);
    if (library !== 'gone') volume.library('Library', 'x');
    const gate = volume.startGate({ PLEXLIFT_RUN: run ?? 'r1' });
    await gate.says('\n');
    expect(gate.said()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ plexlift: Plex is held back\. Waiting for /);
    expect(gate.said().trim().slice(gate.said().indexOf('Waiting for'))).toBe(`Waiting for ${words.replaceAll('ROOT', volume.root)}`);
    // 143 tells that it was still waiting when it was asked to end.
    gate.stop('SIGTERM');
    expect(await gate.ended).toBe(143);
  });

  test('a command at work on the volume is waited for, whether it publishes or not', async ({ onTestFinished }) => {
    for (const [phase, words] of [
      ['published', 'another command of plexlift that is at work on this volume. Nothing has to be run: the gate goes on by itself when that has ended'],
      ['publishing', 'run "r1" to be published. Another command of plexlift holds the lock of this volume. Nothing has to be run: the gate goes on by itself when that has ended'],
    ] as const) {
      const volume = gateVolume(shell, onTestFinished);
      volume.state(phase);
      volume.library('Library', 'x');
      const atWork = spawn('sh', ['-c', 'exec 9>>"$1" && flock 9 && echo held && exec sleep 60', 'sh', join(volume.root, '.plexlift/lock')], { stdio: ['ignore', 'pipe', 'ignore'] });
      onTestFinished(() => void atWork.kill('SIGKILL'));
      await once(atWork.stdout, 'data');
      const gate = volume.startGate({ PLEXLIFT_RUN: 'r1' });
      await gate.says(`Waiting for ${words}\n`);
      atWork.kill('SIGKILL');
      expect(await gate.ended).toBe(0);
    }
  });
});

test('a mount that hangs is named as one, and Plex stays held back', { timeout: 60_000 }, async () => {
  const volume = gateVolume();
  const bin = temporaryDirectory();
  writeFileSync(join(bin, 'timeout'), '#!/bin/sh\ntrap "" TERM\nexec sleep 25\n', { mode: 0o755 });
  volume.state('published');
  volume.library('Library', 'x');
  writeFileSync(join(volume.root, '.plexlift/sentinels'), '3\n/media\n/media/film\n');
  const gate = volume.startGate({ PLEXLIFT_RUN: 'r1', PATH: `${bin}:${process.env['PATH'] ?? ''}` });
  await gate.says('Waiting for the mount /media, which does not answer. None of the media files that were there before can be read by Plex');
  expect(gate.running()).toBe(true);
});

test.skipIf(process.getuid?.() !== 0)("a media file counts when Plex's user sees it, not when root does", async () => {
  const volume = gateVolume();
  const media = temporaryDirectory();
  writeFileSync(join(media, 'film'), 'abc');
  volume.state('published');
  volume.library('Library', 'x');
  writeFileSync(join(volume.root, '.plexlift/sentinels'), `3\n${media}\n${media}/film\n`);
  const gate = volume.startGate({ PLEXLIFT_RUN: 'r1', PLEX_UID: '65534', PLEX_GID: '65534' });
  await gate.says(`Waiting for the mount ${media}.`);
  chmodSync(media, 0o755);
  expect(await gate.ended).toBe(0);
});

test('finish lets Plex start without the media, as the waiting gate says', async () => {
  const volume = gateVolume();
  volume.state('published');
  volume.library('Library', 'x');
  writeFileSync(join(volume.root, '.plexlift/sentinels'), '3\n/nowhere\n/nowhere/film\n');
  const gate = volume.startGate({ PLEXLIFT_RUN: 'r1' });
  await gate.says('let Plex start without them: plexlift finish');
  expect(volume.run(['finish', 'r1'])).toMatchObject({ exitCode: 0, stdout: 'finished r1\nend\n' });
  expect(await gate.ended).toBe(0);
});

test('it says the same thing once, not every second', async () => {
  const volume = gateVolume();
  const gate = volume.startGate({ PLEXLIFT_RUN: 'r1' });
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  gate.stop('SIGTERM');
  await gate.ended;
  expect(gate.said().trim().split('\n')).toHaveLength(1);
});

test('the exit codes are those in the table of the script', async () => {
  const table = [...(await readGateScript()).matchAll(/^# {1,3}(\d{1,2}) (?=[a-z])/gm)].map((match) => Number(match[1]));
  expect(table.filter((code) => code !== 0)).toEqual(Object.values(gateExitCodes));
});

test('the script begins as the kernel needs it, since the chart runs it by its name', async () => {
  expect((await readGateScript()).startsWith('#!/bin/sh\n')).toBe(true);
});
