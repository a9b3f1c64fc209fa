import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { gateClient } from '../../src/targets/gate/gate.ts';
import { parseTimeZone, parseTools, parseTrial } from '../../src/targets/gate/gateAnswers.ts';
import { gateScriptPath } from '../../src/targets/gate/gateScript.ts';
import { dataPath, gateVolume, ownUser, shells, temporaryDirectory } from './gateVolume.ts';

/** A directory of programs that come before the real ones. */
function before(programs: Readonly<Record<string, string>>): { readonly PATH: string } {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  for (const [name, script] of Object.entries(programs)) writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${directory}:${process.env['PATH'] ?? ''}` };
}

const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

/** Mounts a directory on itself, as long as the test runs. */
function mountHere(directory: string): void {
  mkdirSync(directory, { recursive: true });
  execFileSync('mount', ['--bind', directory, directory]);
  onTestFinished(() => void execFileSync('umount', [directory]));
}

/** What mv does where the file system refuses to rename a directory: it copies, and says nothing. */
const copyingMv = 'for last; do :; done; for from; do [ "$from" = "$last" ] || before=$from; done; if [ -d "$before" ]; then cp -a "$before" "$last" && rm -rf "$before"; else exec /bin/mv "$@"; fi';
/** What a file system does that removes a name before it gives it anew. */
const gapingMv = 'for last; do :; done; case $last in */state) rm -f "$last"; sleep 0.01 ;; esac; exec /bin/mv "$@"';

// The applets of busybox come before every program in PATH, so that nothing can be put in their place.
describe.each(shells.map((shell) => ({ shell, replaceable: shell[0] !== 'busybox' })))('under $shell', ({ shell, replaceable }) => {
  const trialWith = (environment: Record<string, string>) => {
    const volume = gateVolume(shell);
    chmodSync(volume.root, 0o755);
    const { exitCode, stdout } = volume.run(['trial'], { environment });
    // Whatever came of it, nothing stays.
    expect(readdirSync(join(volume.root, '.plexlift'))).toEqual([]);
    return { exitCode, said: stdout.trimEnd().split('\n') };
  };

  test('a sound volume passes every trial', () => {
    expect(trialWith({})).toEqual({ exitCode: 0, said: ['whole ok', 'rename ok', 'replace ok', 'owner ok', 'end'] });
  });

  test.runIf(mayMount)('what is mounted at the library or in it is seen, and what is mounted beside it is not', () => {
    const volume = gateVolume(shell);
    const metadata = join(volume.root, dataPath, 'Metadata');
    for (const directory of [metadata, join(volume.root, 'Library.old'), join(volume.root, 'Library')]) mountHere(directory);
    expect(volume.run(['trial']).stdout.split('\n')[0]).toBe(`whole mounted by itself: "${metadata}", "${join(volume.root, 'Library')}"`);
  });

  test.runIf(replaceable)('a rename that is a copy is seen', () => {
    expect(trialWith(before({ mv: copyingMv })).said).toEqual(['whole ok', 'rename it was copied instead', 'replace ok', 'owner ok', 'end']);
  });

  test.runIf(replaceable)('a rename that is refused is told in its own words', () => {
    expect(trialWith(before({ mv: 'echo "mv: cannot move: Operation not permitted" >&2; exit 1' })).said.slice(1, 3)).toEqual(['rename mv: cannot move: Operation not permitted', 'replace mv: cannot move: Operation not permitted']);
  });

  test.runIf(replaceable)('a name that is gone for a moment while it is replaced is seen', () => {
    expect(trialWith(before({ mv: gapingMv })).said).toEqual(['whole ok', 'rename ok', 'replace the name was gone for a moment', 'owner ok', 'end']);
  });

  test.runIf(replaceable)('an owner that cannot be set, or is not kept, is seen', () => {
    expect(trialWith(before({ chown: 'echo "chown: changing ownership: Operation not permitted" >&2; exit 1' })).said[3]).toBe('owner chown: changing ownership: Operation not permitted');
    expect(trialWith(before({ chmod: 'case "$*" in *0640*) exit 0 ;; esac; exec /bin/chmod "$@"' })).said[3]).toMatch(/^owner it belongs to \d+:\d+, with mode \d+ all the same$/);
  });

  test.runIf(replaceable && ownUser().uid === 0)("a file that Plex's user owns and cannot write to is seen", () => {
    expect(trialWith({ PLEX_UID: '12345', PLEX_GID: '12345', ...before({ chown: 'exit 0', stat: 'case "$*" in *"%u:%g %a"*) echo 12345:12345 640; exit 0 ;; esac; exec /usr/bin/stat "$@"' }) }).said[3]).toMatch(/^owner .*Permission denied$/);
  });

  test('what a trial that was killed left is taken away by the next', () => {
    const volume = gateVolume(shell);
    mkdirSync(join(volume.root, '.plexlift/scratch.trial.1/from'), { recursive: true });
    expect(volume.run(['trial']).exitCode).toBe(0);
    expect(existsSync(join(volume.root, '.plexlift/scratch.trial.1'))).toBe(false);
  });

  test.runIf(replaceable)('tools that are missing are told as missing, those that are there in their own words', () => {
    const { stdout } = gateVolume(shell).run(['tools'], { environment: before({ tar: 'echo "tar (GNU tar) 1.26"', curl: 'exit 127' }) });
    const tools = parseTools(stdout.replace(/end\n$/, ''));
    expect([tools.get('tar'), tools.get('curl'), tools.size]).toEqual(['tar (GNU tar) 1.26', null, 11]);
  });

  test.each([['Europe/Berlin', 'known Europe/Berlin'], [':Europe/Berlin', 'known Europe/Berlin'], ['UTC', 'known UTC'], ['Mars/Olympus', 'unknown Mars/Olympus']])('the time zone that TZ names is told: %s', (TZ, says) => {
    expect(gateVolume(shell).run(['time-zone'], { environment: { TZ } }).stdout).toBe(`${says}\nend\n`);
  });

  test.runIf(replaceable)('without TZ it is where /etc/localtime leads', () => {
    const link = temporaryDirectory();
    symlinkSync('/usr/share/zoneinfo/Europe/Berlin', join(link, 'localtime'));
    const programs = before({ readlink: `[ "$2" = /etc/localtime ] && exec /bin/readlink -f "${join(link, 'localtime')}"; exec /bin/readlink "$@"` });
    expect(gateVolume(shell).run(['time-zone'], { environment: { TZ: '', ...programs } }).stdout).toBe('known Europe/Berlin\nend\n');
  });
});

test('the client tells what was tried, and which tools there are', async () => {
  const gate = gateClient({ machine: thisComputer(), script: ['sh', gateScriptPath], root: temporaryDirectory(), owner: ownUser() });
  expect(await gate.trial()).toEqual([{ tried: 'whole', fault: null }, { tried: 'rename', fault: null }, { tried: 'replace', fault: null }, { tried: 'owner', fault: null }]);
  expect((await gate.tools()).get('tar')).toMatch(/tar/);
});

test('an answer that lacks a trial, or a zone, is refused', () => {
  expect(() => parseTrial('whole ok\nrename ok\nowner ok\n')).toThrow('unknown form');
  expect(() => parseTimeZone('Europe/Berlin\n')).toThrow('unknown form');
  expect(parseTimeZone('unknown \n')).toBeNull();
});
