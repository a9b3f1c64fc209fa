import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Machine, ProcessEnding } from '../../src/machines/machine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';

const record = ['f', 'f', '3', '1795320000.0', '1795320000.5', '644', '', 'a file', ''].join('\0');

/** A machine whose listing says this and then ends like this. */
function machineListing(printed: string, ending: ProcessEnding): Machine {
  return {
    name: 'nas',
    run: () => Promise.reject(new Error('nothing is run here')),
    open: () => ({ stdin: new PassThrough(), stdout: Readable.from([Buffer.from(printed)]), ended: Promise.resolve(ending), kill: () => undefined }),
  };
}

async function names(machine: Machine): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const entry of localTree(machine, { directory: '/data' }).list()) found.push(entry.path);
  return found;
}

test('a listing that ends behind a whole record is taken', async () => {
  expect(await names(machineListing(record, { exitCode: 0, signal: null, stderrTail: '' }))).toEqual(['a file']);
});

test.each([
  ['with the exit code of a lost connection', { exitCode: 255, signal: null, stderrTail: 'client_loop: send disconnect: Broken pipe' }],
  ['because it was killed', { exitCode: null, signal: 'SIGKILL', stderrTail: '' }],
  ['without any exit code that tells so', { exitCode: 0, signal: null, stderrTail: '' }],
] as const)('one that was cut off within a record %s is a failure that the same command gets over, and no bug', async (_, ending) => {
  await expect(names(machineListing(`${record}f\0f\0`, ending))).rejects.toMatchObject({ kind: 'failed' });
});
