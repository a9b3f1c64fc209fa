import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandFailed, command } from '../../src/machines/command.ts';
import type { Machine } from '../../src/machines/machine.ts';

/** A machine under test, on which this computer's /tmp can be seen. */
export interface MachineUnderTest {
  readonly machine: Machine;
  close(): Promise<void>;
}

/** What every machine must do. */
export function machineContract(name: string, make: () => Promise<MachineUnderTest>): void {
  describe(`machine: ${name}`, () => {
    let under: MachineUnderTest;
    let machine: Machine;
    let scratch: string;

    beforeAll(async () => {
      under = await make();
      machine = under.machine;
      scratch = await mkdtemp('/tmp/plexlift-machine-');
    });

    afterAll(async () => {
      await rm(scratch, { recursive: true, force: true });
      await under.close();
    });

    test('gives back what a program printed, apart by stream', async () => {
      const result = await machine.run(command('sh', '-c', 'echo out; echo err >&2'));
      expect(result).toEqual({ exitCode: 0, stdout: 'out\n', stderr: 'err\n' });
    });

    test('hands every argument on as it is', async () => {
      const words = ['', ' ', 'a b', "it's", '"', '$HOME', '`id`', '\\', String.raw`\n`, 'a\nb', '-n', '--', '*', '!', 'é', '日本', ';', '|', '&', '>x'];
      const result = await machine.run(command('printf', String.raw`<%s>\n`, ...words));
      expect(result.stdout).toBe(words.map((word) => `<${word}>\n`).join(''));
    });

    test('sets the environment of the program', async () => {
      const result = await machine.run({ ...command('sh', '-c', 'printf %s "$FIRST$SECOND"'), environment: { FIRST: "a b'c", SECOND: '\n$x' } });
      expect(result.stdout).toBe("a b'c\n$x");
    });

    test('feeds the input, and ends it', async () => {
      const result = await machine.run(command('cat'), { input: 'line\nwithout end' });
      expect(result.stdout).toBe('line\nwithout end');
      expect((await machine.run(command('cat'))).stdout).toBe('');
    });

    test('is not disturbed by a program that leaves its input unread', async () => {
      const result = await machine.run(command('true'), { input: randomBytes(3_000_000) });
      expect(result.exitCode).toBe(0);
    });

    test('reads much output on both streams without a standstill', async () => {
      const result = await machine.run(command('sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" e >&2; head -c 3000000 /dev/zero | tr "\\0" o'));
      expect([result.stdout.length, result.stderr.length]).toEqual([3_000_000, 3_000_000]);
    });

    test('throws for an exit code that is no answer, with the facts', async () => {
      const failed = await failureOf(machine.run(command('sh', '-c', 'echo why >&2; exit 3')));
      expect(failed.failure).toMatchObject({ exitCode: 3, machine: machine.name, reason: 'exit code 3' });
      expect(failed.facts).toEqual(['why']);
      expect(failed.remedy).not.toBe('');
    });

    test('returns an exit code that is an answer', async () => {
      expect((await machine.run(command('sh', '-c', 'exit 3'), { answers: [0, 3] })).exitCode).toBe(3);
    });

    test('reports 255 as the exit code of the program, where the machine itself is well', async () => {
      const failed = await failureOf(machine.run(command('sh', '-c', 'exit 255')));
      expect(failed.failure).toMatchObject({ exitCode: 255, reason: 'exit code 255' });
    });

    test('names a program that is not there', async () => {
      const failed = await failureOf(machine.run(command('plexlift-no-such-program')));
      expect(failed.failure.reason).toContain('"plexlift-no-such-program" was not found');
    });

    test('ends the program and its children when the time is over', async () => {
      const file = path.join(scratch, 'timed-out');
      const failed = await failureOf(machine.run(command('sh', '-c', `sleep 300 & echo $! > ${file}; wait`), { timeoutMs: 1500 }));
      expect(failed.failure).toMatchObject({ exitCode: null, reason: 'it did not end within 1500 ms and was stopped' });
      await expectGone(await readFile(file, 'utf8'));
    });

    test('ends the program when it is aborted, and says so with the reason given', async () => {
      const file = path.join(scratch, 'aborted');
      const controller = new AbortController();
      const running = machine.run(command('sh', '-c', `echo $$ > ${file}; exec sleep 300`), { signal: controller.signal });
      const outcome = running.then(() => 'ran to its end', (error: unknown) => error);
      await contentOf(file);
      controller.abort(new Error('interrupted by the person'));
      expect(await outcome).toEqual(new Error('interrupted by the person'));
      await expectGone(await readFile(file, 'utf8'));
    });

    test('starts nothing once it is aborted', async () => {
      const file = path.join(scratch, 'never');
      await expect(machine.run(command('touch', file), { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
      await expect(readFile(file)).rejects.toThrow('ENOENT');
    });

    test('carries raw bytes through an open process, both ways', async () => {
      const bytes = randomBytes(5_000_000);
      const process = machine.open(command('cat'));
      process.stdin.end(bytes);
      const hash = createHash('sha256');
      for await (const chunk of process.stdout) hash.update(chunk as Buffer);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(await process.ended).toEqual({ exitCode: 0, signal: null, stderrTail: '' });
    });

    test('loses nothing of the output for a reader who comes late', async () => {
      const process = machine.open(command('sh', '-c', 'head -c 30000 /dev/zero'));
      process.stdin.end();
      await wait(800);
      let sizeBytes = 0;
      for await (const chunk of process.stdout) sizeBytes += (chunk as Buffer).length;
      expect(sizeBytes).toBe(30_000);
      expect((await process.ended).exitCode).toBe(0);
    });

    test('keeps the last of what an open process complained', async () => {
      const process = machine.open(command('sh', '-c', 'head -c 20000 /dev/zero | tr "\\0" x >&2; echo last >&2; exit 4'));
      process.stdout.resume();
      process.stdin.end();
      const ending = await process.ended;
      expect(ending.exitCode).toBe(4);
      expect(ending.stderrTail).toHaveLength(8192);
      expect(ending.stderrTail.endsWith('xlast\n')).toBe(true);
    });

    test('never rejects for a program that cannot be opened', async () => {
      const process = machine.open(command('plexlift-no-such-program'));
      process.stdout.resume();
      process.stdin.end('unread');
      expect((await process.ended).exitCode).toBe(127);
    });

    test('lets the standard error of an open process be heard while it runs', async () => {
      const heard = Promise.withResolvers<string>();
      const process = machine.open(command('sh', '-c', 'echo working >&2; exec cat'), { onStderr: (chunk) => heard.resolve(chunk.toString()) });
      process.stdout.resume();
      expect(await heard.promise).toBe('working\n');
      process.stdin.end();
      expect(await process.ended).toMatchObject({ exitCode: 0, stderrTail: 'working\n' });
    });

    test('ends an open process that is killed, where it runs', async () => {
      const file = path.join(scratch, 'killed');
      const process = machine.open(command('sh', '-c', `echo $$ > ${file}; exec sleep 300`));
      process.stdout.resume();
      const id = await contentOf(file);
      process.kill();
      const ending = await process.ended;
      expect(ending.exitCode === 0).toBe(false);
      await expectGone(id);
    });

    test('runs several commands at a time', async () => {
      const results = await Promise.all([1, 2, 3, 4, 5, 6].map((number) => machine.run(command('sh', '-c', `sleep 0.2; echo ${number}`))));
      expect(results.map(({ stdout }) => stdout.trim())).toEqual(['1', '2', '3', '4', '5', '6']);
    });
  });
}

/** The failure a run ended with; fails the test when it ended otherwise. */
export async function failureOf(running: Promise<unknown>): Promise<CommandFailed> {
  const outcome = await running.then(() => 'it succeeded', (error: unknown) => error);
  expect(outcome).toBeInstanceOf(CommandFailed);
  return outcome as CommandFailed;
}

async function contentOf(file: string): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const content = await readFile(file, 'utf8').catch(() => '');
    if (content !== '') return content;
    await wait(50);
  }
  throw new Error(`Nothing was written to "${file}" in 10 s`);
}

async function expectGone(processId: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const state = await readFile(`/proc/${processId.trim()}/stat`, 'utf8').catch(() => 'gone');
    if (state === 'gone' || state.split(') ').at(-1)?.startsWith('Z') === true) return;
    await wait(50);
  }
  throw new Error(`Process ${processId.trim()} still runs`);
}
