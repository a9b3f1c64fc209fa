import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import type { Machine, Process } from '../../src/machines/machine.ts';
import { gateClient } from '../../src/targets/gate/gate.ts';
import { gateProtocol } from '../../src/targets/gate/gateCall.ts';
import { gateScriptPath } from '../../src/targets/gate/gateScript.ts';
import { gateVolume, ownUser, temporaryDirectory } from './gateVolume.ts';

/** This computer behind a connection that keeps only the first bytes of some answers, with exit code 0, as kubectl does. */
function losing(answers: readonly number[]): { readonly machine: Machine; readonly calls: () => number } {
  const real = thisComputer();
  let calls = 0;
  function open(...parameters: Parameters<Machine['open']>): Process {
    const process = real.open(...parameters);
    const keptBytes = answers[calls++];
    if (keptBytes === undefined) return process;
    const stdout = new PassThrough();
    let whole = Buffer.alloc(0);
    process.stdout.on('data', (chunk: Buffer) => (whole = Buffer.concat([whole, chunk])));
    const ended = process.ended.then(async (ending) => {
      stdout.end(whole.subarray(0, keptBytes));
      await new Promise((resolve) => stdout.once('end', resolve));
      return ending;
    });
    return { ...process, stdout, ended, kill: () => process.kill() };
  }
  return { machine: { ...real, open }, calls: () => calls };
}

function gateOn(machine: Machine, root: string) {
  return gateClient({ machine, script: ['sh', gateScriptPath], root, owner: ownUser() });
}

describe('an answer', () => {
  test('that was lost, or cut off, is asked for again', async () => {
    const root = temporaryDirectory();
    const { machine, calls } = losing([0, 11]);
    expect(await gateOn(machine, root).open('r1')).toEqual({ phase: 'landing', run: 'r1' });
    expect(calls()).toBe(3);
  });

  test('that is lost every time is a failure', { timeout: 15_000 }, async () => {
    const { machine, calls } = losing([3, 3, 3, 3, 3]);
    await expect(gateOn(machine, temporaryDirectory()).state()).rejects.toThrow('its answer was cut off every time');
    expect(calls()).toBe(4);
  });

  test('that does not come over a connection which is silent is asked for again', async () => {
    const root = temporaryDirectory();
    const silentOnce = join(temporaryDirectory(), 'script');
    writeFileSync(silentOnce, `if [ -e "$0.asked" ]; then . "${gateScriptPath}"; else : >"$0.asked"; sleep 60; fi\n`);
    const gate = gateClient({ machine: thisComputer(), script: ['sh', silentOnce], root, owner: ownUser(), silenceMs: 300 });
    expect(await gate.open('r1')).toEqual({ phase: 'landing', run: 'r1' });
  });

  test('that never comes, over a connection which stays silent, is a failure that says so', { timeout: 15_000 }, async () => {
    const gate = gateClient({ machine: thisComputer(), script: ['sh', '-c', 'sleep 60', 'sh'], root: temporaryDirectory(), owner: ownUser(), silenceMs: 100 });
    await expect(gate.state()).rejects.toThrow('nothing was heard of it for 0 s');
  });

  test('that takes long is waited for while the script says that it is at work', async () => {
    const root = temporaryDirectory();
    const slow = ['sh', '-c', `for i in 1 2 3 4 5 6; do sleep 0.2; echo 'plexlift-gate: still working' >&2; done; exec sh "${gateScriptPath}" "$@"`, 'sh'];
    const gate = gateClient({ machine: thisComputer(), script: slow, root, owner: ownUser(), silenceMs: 600 });
    expect(await gate.state()).toEqual({ phase: 'none', run: null });
  });

  test('that is a refusal is not asked for again, and speaks in the words of the script', async () => {
    const root = temporaryDirectory();
    const { machine, calls } = losing([]);
    const gate = gateOn(machine, root);
    await gate.open('r1');
    await expect(gate.open('r2')).rejects.toMatchObject({ reason: 'phase', message: 'The volume holds the landing area of another run, "r1". Finish or discard that one first' });
    expect(calls()).toBe(2);
  });

  test('that names a full volume is told as one, whatever program met it', async () => {
    const full = gateClient({ machine: thisComputer(), script: ['sh', '-c', 'cat >/dev/full', 'sh'], root: temporaryDirectory(), owner: ownUser() });
    await expect(full.keepJournal(Buffer.from('x'))).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/^The volume of .* is full$/) as string,
      facts: [expect.stringMatching(/^keep-journal on /), expect.stringMatching(/: No space left on device$/)],
    });
  });

  test('from a script that is not there names the command', async () => {
    const gate = gateClient({ machine: thisComputer(), script: ['sh', '/nowhere/gate.sh'], root: temporaryDirectory(), owner: ownUser() });
    await expect(gate.state()).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('/nowhere/gate.sh state') as string });
  });
});

describe('another protocol', () => {
  /** A script like the real one, in a copy that was changed. */
  function changedScript(change: (script: string) => string): string {
    const path = join(temporaryDirectory(), 'gate.sh');
    writeFileSync(path, change(readFileSync(gateScriptPath, 'utf8')));
    return path;
  }

  function gateOf(script: string, root: string) {
    return gateClient({ machine: thisComputer(), script: ['sh', script], root, owner: ownUser() });
  }

  const remedy = 'Use the plexlift that began this run, to go on as well as to roll back: the first line of journal.ndjson in the run directory names its version';

  test('this side speaks that of the script', () => {
    expect(readFileSync(gateScriptPath, 'utf8')).toContain(`\nprotocol=${gateProtocol}\n`);
  });

  test('is refused by the gate before it does anything', async () => {
    const root = temporaryDirectory();
    const script = changedScript((text) => text.replace(/^protocol=.*$/m, 'protocol=7'));
    const refused = { kind: 'refused', reason: 'protocol', message: `This gate ("${script}") speaks protocol 7, and the plexlift that called it speaks protocol ${gateProtocol}`, remedy };
    const segment = { name: 's1', owner: ownUser(), entries: [] };
    await expect(gateOf(script, root).open('r1')).rejects.toMatchObject(refused);
    await expect(gateOf(script, root).receive(segment, new PassThrough().end())).rejects.toMatchObject(refused);
    expect(readdirSync(root)).toEqual([]);
  });

  test('is refused by plexlift when a gate tells it', async () => {
    const gate = gateOf(changedScript(() => 'echo "none -"; echo "end 7"\n'), temporaryDirectory());
    await expect(gate.state()).rejects.toMatchObject({ kind: 'refused', reason: 'protocol', message: `The gate speaks protocol 7, and this plexlift speaks protocol ${gateProtocol}`, remedy });
  });

  test('a run whose gate is of the time before protocols were told goes on, and is rolled back', async () => {
    const root = temporaryDirectory();
    const gate = gateOf(changedScript((text) => text.replace('finished() { echo "end${PLEXLIFT_PROTOCOL:+ $protocol}"; }', 'finished() { echo end; }').replace('*) same_protocol;', '*)')), root);
    await gate.open('r1');
    await gate.publish({ run: 'r1', existingLibrary: 'none', sentinels: [] });
    await gate.hold('r1');
    expect(await gate.withdraw('r1')).toEqual([`The migrated library is kept at "${root}/Library.withdrawn-r1"`]);
  });

  test('a plexlift of that time is answered as it was then', () => {
    const volume = gateVolume();
    expect(volume.run(['state'])).toMatchObject({ exitCode: 0, stdout: 'none -\nend\n' });
    expect(volume.run(['state'], { environment: { PLEXLIFT_PROTOCOL: '1' } })).toMatchObject({ exitCode: 0, stdout: 'none -\nend 1\n' });
  });
});

test.each([['journal', ['keep-journal', '5'], 'journal.ndjson'], ['sentinels', ['sentinels', 'r1', '5'], 'sentinels']] as const)('input that was cut off is refused: %s', (_, verb, kept) => {
  const volume = gateVolume();
  volume.state('landing');
  expect(volume.run(verb, { input: 'four' })).toMatchObject({ exitCode: 15, stderr: 'plexlift-gate: The input ended after 4 of 5 bytes\n' });
  expect(existsSync(join(volume.root, '.plexlift', kept))).toBe(false);
  expect(volume.run(verb, { input: 'five\nmore' }).exitCode).toBe(0);
});

test('only one command at a time changes the state', async () => {
  const root = temporaryDirectory();
  const gate = gateOn(thisComputer(), root);
  const opened = await Promise.allSettled(['r1', 'r2', 'r3'].map((run) => gate.open(run)));
  expect(opened.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
});
