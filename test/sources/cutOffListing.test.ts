import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Machine, ProcessEnding } from '../../src/machines/machine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';
import { record } from './printedRecord.ts';

const whole: ProcessEnding = { exitCode: 0, signal: null, stderrTail: '' };

/** A machine whose listing says this and then ends like this. */
function machineListing(printed: string, ending: ProcessEnding): Machine {
  return {
    name: 'nas',
    run: () => Promise.reject(new Error('nothing is run here')),
    open: ({ program }) => ({ stdin: new PassThrough(), stdout: Readable.from(program === 'find' ? [Buffer.from(printed)] : []), ended: Promise.resolve(program === 'find' ? ending : whole), kill: () => undefined }),
  };
}

async function names(machine: Machine): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const entry of localTree(machine, { directory: '/data' }).list()) found.push(entry.path);
  return found;
}

test('a listing that ends behind a whole record is taken', async () => {
  expect(await names(machineListing(record('f', 1, 'a file'), whole))).toEqual(['a file']);
});

test.each([
  ['with the exit code of a lost connection', { exitCode: 255, signal: null, stderrTail: 'client_loop: send disconnect: Broken pipe' }],
  ['because it was killed', { exitCode: null, signal: 'SIGKILL', stderrTail: '' }],
  ['without any exit code that tells so', { exitCode: 0, signal: null, stderrTail: '' }],
] as const)('one that was cut off within a record %s is a failure that the same command gets over, and no bug', async (_, ending) => {
  await expect(names(machineListing(`${record('f', 1, 'a file')}f\0f\0`, ending))).rejects.toMatchObject({ kind: 'failed' });
});

test('the path of an entry is told by the directories named before it, however deep they were left', async () => {
  const printed = [record('d', 1, 'a'), record('d', 2, 'b'), record('f', 3, 'one'), record('f', 2, 'two'), record('d', 2, 'c'), record('f', 3, 'three'), record('f', 1, 'four'), record('d', 1, 'd'), record('f', 2, 'five')];
  expect(await names(machineListing(printed.join(''), whole))).toEqual(['a', 'a/b', 'a/b/one', 'a/two', 'a/c', 'a/c/three', 'four', 'd', 'd/five']);
});

test('an entry below a directory that was not named is no listing', async () => {
  await expect(names(machineListing(`${record('d', 1, 'a')}${record('f', 3, 'lost')}`, whole))).rejects.toThrow('is no record');
});
