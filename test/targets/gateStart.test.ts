import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gateExitCodes } from '../../src/targets/gate/gateFailure.ts';
import { readGateScript } from '../../src/targets/gate/gateScript.ts';
import { commandOf, runningProcesses } from '../bed/runningProcesses.ts';
import { mountShare, whyNoShare } from '../bed/share/fuseShare.ts';
import { gateVolume, shells, temporaryDirectory } from './gateVolume.ts';

describe.concurrent.each(shells.map((shell) => ({ name: shell.join(' '), shell })))('the gate at the start of a pod, under $name', ({ shell }) => {
  test('run by the chart without arguments, it tells the state, changes nothing and exits 0', ({ onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    expect(volume.run([])).toEqual({ exitCode: 0, stdout: 'plexlift: this volume is at phase none, run -\n', stderr: '' });
    expect(readdirSync(volume.root)).toEqual([]);
    volume.state('landing');
    expect(volume.run([]).stdout).toContain('phase landing, run r1');
    writeFileSync(join(volume.root, '.plexlift/state'), 'nonsense\n');
    expect(volume.run([])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('restore it, or remove it') as string });
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
    ['an empty state file', ''],
    ['a newer protocol', 'protocol 2\nphase published\nrun r1\nagreement none\nheld no\nwithdrawn -\nend\n'],
    ['a torn state file', 'protocol 1\nphase published\nrun r1\n'],
    ['an unknown phase', 'protocol 1\nphase unknown\nrun r1\nagreement none\nheld no\nwithdrawn -\nend\n'],
    ['a run that is a path', 'protocol 1\nphase published\nrun ../r1\nagreement none\nheld no\nwithdrawn -\nend\n'],
    ['an unknown line', 'protocol 1\nphase published\nrun r1\nagreement none\nheld no\nwithdrawn -\nmore 1\nend\n'],
  ])('it waits for a repair on %s', async ([, content = ''], { onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    volume.library('Library', 'x');
    mkdirSync(join(volume.root, '.plexlift'));
    writeFileSync(join(volume.root, '.plexlift/state'), content);
    const gate = volume.startGate();
    await gate.says('Waiting for somebody to repair the state');
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
    const gate = volume.startGate({ PLEXLIFT_RUN: 'r1' });
    await gate.says(`Waiting for the mount ${media}/a. None of the media files`);
    await gate.says(`kubectl delete pod ${hostname()}. If these files are gone for good, let Plex start without them: plexlift finish`);
    mkdirSync(join(media, 'a'));
    writeFileSync(join(media, 'a/one'), 'abc');
    await gate.says(`Waiting for the mount ${media}/b b.`);
    mkdirSync(join(media, 'b b'));
    writeFileSync(join(media, 'b b/two'), 'too long');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(gate.running()).toBe(true);
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
    { name: 'no migration at all', phase: null, run: '', opens: true },
    { name: 'the same run, published', phase: 'published', run: 'r1', opens: true },
    { name: 'a published run held for work', phase: 'published', run: 'r1', held: 'yes', opens: false },
    { name: 'a published run in the way of another', phase: 'published', run: 'r2', opens: false },
    { name: 'a finished run', phase: 'finished', run: 'r1', opens: true },
    { name: 'a finished run before another', phase: 'finished', run: 'r2', opens: false },
    { name: 'a withdrawal under way', phase: 'withdrawing', run: 'r1', opens: false },
    { name: 'a withdrawn run', phase: 'withdrawn', run: 'r1', opens: false },
  ])('$name: opens $opens', async ({ phase, run, held, opens }, { onTestFinished }) => {
    const volume = gateVolume(shell, onTestFinished);
    if (phase !== null) volume.state(phase, held === undefined ? {} : { held });
    const gate = volume.startGate(run === '' ? {} : { PLEXLIFT_RUN: run });
    await gate.says(opens ? 'The gate is open' : 'Plex is held back');
    // 143 tells that it was still waiting when it was asked to end.
    if (!opens) gate.stop('SIGTERM');
    expect(await gate.ended).toBe(opens ? 0 : 143);
  });
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
