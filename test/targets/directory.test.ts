import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import type { Machine } from '../../src/machines/machine.ts';
import { directoryTarget } from '../../src/targets/directory.ts';
import type { Target } from '../../src/targets/target.ts';
import { targetContract } from '../contracts/target.ts';
import { temporaryDirectory } from './gateVolume.ts';

targetContract('a directory on this computer', () => {
  const directory = join(temporaryDirectory(), 'made by open');
  const media = temporaryDirectory();
  return Promise.resolve({
    target: directoryTarget(thisComputer(), { directory, mounts: [media] }),
    media: { here: media, there: media },
    readFile: (path: string) => Promise.resolve(existsSync(join(directory, path)) ? readFileSync(join(directory, path)) : null),
    writeFile(path: string, content: string) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), content);
      return Promise.resolve();
    },
  });
});

async function findingOf(target: Target, name: string) {
  const check = target.checks.find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`There is no check "${name}"`);
  return await check.run();
}

describe('a directory target', () => {
  test('is not made by being described or checked', async () => {
    const parent = temporaryDirectory();
    const target = directoryTarget(thisComputer(), { directory: join(parent, 'a/b') });
    const facts = await target.describe();
    expect(facts).toMatchObject({ kind: 'directory', version: null, mounts: null, before: { existed: false, phase: 'none', run: null } });
    expect(facts.room?.freeBytes).toBeGreaterThan(0);
    for (const check of target.checks) await check.run();
    expect(await target.state()).toEqual({ phase: 'none', run: null });
    expect(readdirSync(parent)).toEqual([]);
  });

  test('open writes nothing outside .plexlift', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'mine'), 'x');
    const target = directoryTarget(thisComputer(), { directory });
    const before = await target.describe();
    const changed = statSync(join(directory, 'mine')).ctimeMs;
    await target.open({ run: 'r1', version: null, before });
    expect(readdirSync(directory).sort()).toEqual(['.plexlift', 'mine']);
    expect(statSync(join(directory, 'mine')).ctimeMs).toBe(changed);
  });

  test('has no server, and finish forgets a run that was rolled back', async () => {
    const directory = temporaryDirectory();
    const target = directoryTarget(thisComputer(), { directory });
    const before = await target.describe();
    await target.open({ run: 'r1', version: null, before });
    expect(await target.connect({ timeoutMs: 10, runs: ['r1'] })).toBeNull();
    expect(await target.restore(before)).toEqual([expect.stringContaining('for when it is taken up again') as string]);
    expect(await target.finish({ runs: ['r0'], before })).toEqual(['The volume is at run "r1" by now, of another run directory: nothing was left on it to remove']);
    expect(existsSync(join(directory, '.plexlift/r1'))).toBe(true);
    expect(await target.finish({ runs: ['r0', 'r1'], before })).toEqual(['The landing area was removed; every library stays']);
    expect(await target.finish({ runs: ['r0', 'r1'], before })).toEqual([]);
    expect(existsSync(join(directory, '.plexlift/r1'))).toBe(false);
    expect(await target.state()).toEqual({ phase: 'none', run: null });
  });

  test('is put back as it was where an earlier run was finished and this one never opened it', async () => {
    const directory = temporaryDirectory();
    const target = directoryTarget(thisComputer(), { directory });
    await target.open({ run: 'r1', version: null, before: await target.describe() });
    await target.publish({ run: 'r1', existingLibrary: 'none', sentinels: [] });
    await target.finish({ runs: ['r0', 'r1'], before: await target.describe() });
    expect(await target.state()).toEqual({ phase: 'finished', run: 'r1' });
    expect(await target.restore(await target.describe())).toEqual([]);
  });

  test('works below a path with blanks, brackets and a link', async () => {
    const parent = temporaryDirectory();
    mkdirSync(join(parent, "real [a] * 'q'"));
    symlinkSync(join(parent, "real [a] * 'q'"), join(parent, 'link'));
    const target = directoryTarget(thisComputer(), { directory: join(parent, 'link') });
    const before = await target.describe();
    await target.open({ run: 'r1', version: null, before });
    await target.publish({ run: 'r1', existingLibrary: 'none', sentinels: [] });
    expect(readdirSync(join(parent, "real [a] * 'q'")).sort()).toEqual(['.plexlift', 'Library']);
  });
});

describe('the checks of a directory target', () => {
  test('target-directory-writable', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'file'), '');
    const at = (path: string) => findingOf(directoryTarget(thisComputer(), { directory: path }), 'target-directory-writable');
    expect(await at(directory)).toMatchObject({ status: 'pass' });
    expect(await at(join(directory, 'new/one'))).toMatchObject({ status: 'pass', detail: expect.stringContaining(directory) as string });
    expect(await at(join(directory, 'file/below'))).toMatchObject({ status: 'fail', detail: expect.stringContaining('is no directory') as string });
    const real = thisComputer();
    const readOnly: Machine = { ...real, run: (command, options) => (command.arguments[0] === '-w' ? Promise.resolve({ exitCode: 1, stdout: '', stderr: '' }) : real.run(command, options)) };
    expect(await findingOf(directoryTarget(readOnly, { directory }), 'target-directory-writable')).toMatchObject({ status: 'fail', detail: `"${directory}" cannot be written to` });
    expect(await at('relative')).toMatchObject({ status: 'fail' });
  });

  test('directory-not-inside-source', async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'source'));
    symlinkSync(join(directory, 'source'), join(directory, 'link'));
    const at = (target: string, sourceDirectory?: string) =>
      findingOf(directoryTarget(thisComputer(), { directory: target, ...(sourceDirectory === undefined ? {} : { sourceDirectory }) }), 'directory-not-inside-source');
    expect(await at(join(directory, 'target'), join(directory, 'source'))).toMatchObject({ status: 'pass' });
    expect(await at(join(directory, 'source-2'), join(directory, 'source'))).toMatchObject({ status: 'pass' });
    expect(await at(join(directory, 'link/new'), join(directory, 'source'))).toMatchObject({ status: 'fail' });
    expect(await at(directory, join(directory, 'source'))).toMatchObject({ status: 'fail' });
    expect(await at(directory)).toMatchObject({ status: 'skip' });
  });

  test('target-tools fails where a tool is not the GNU one', async () => {
    const real = thisComputer();
    const busybox: Machine = { ...real, run: (command, options) => (command.program === 'head' ? Promise.resolve({ exitCode: 0, stdout: 'BusyBox v1.37\n', stderr: '' }) : real.run(command, options)) };
    const directory = mkdtempSync(join(temporaryDirectory(), 'x'));
    expect(await findingOf(directoryTarget(real, { directory }), 'target-tools')).toMatchObject({ status: 'pass' });
    expect(await findingOf(directoryTarget(busybox, { directory }), 'target-tools')).toMatchObject({ status: 'fail', detail: '"head": BusyBox v1.37' });
  });

  test.each([
    ['ext4', 'pass'],
    ['nfs4', 'warn'],
    ['fuse.sshfs', 'warn'],
    ['vfat', 'fail'],
  ])('directory-file-system on %s: %s', async (fileSystem, status) => {
    const { directoryChecks } = await import('../../src/targets/directoryChecks.ts');
    const room = () => Promise.resolve({ freeBytes: 1, freeInodes: 1, fileSystem });
    const check = directoryChecks(thisComputer(), { directory: '/x', room }).find(({ name }) => name === 'directory-file-system');
    expect(await check?.run()).toMatchObject({ status });
  });
});
