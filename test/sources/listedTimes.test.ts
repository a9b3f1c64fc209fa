import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';

/** The second that `find` and `tar` give to a file of this time. */
async function listedSecond(time: string): Promise<number | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'plexlift-times-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  execFileSync('touch', ['--date', `@${time}`, '--', join(directory, 'file')]);
  for await (const entry of localTree(thisComputer(), { directory }).list()) return entry.modifiedAtSeconds;
  return undefined;
}

// The second that a tar has for it: the one that had begun, whatever follows the point.
test.each([
  ['1700000000', 1_700_000_000],
  ['1700000000.999999999', 1_700_000_000],
  ['4294967295.999999999', 4_294_967_295],
  ['-1', -1],
  ['-0.25', -1],
  ['-1.5', -2],
  ['-0.999999999', -1],
  ['-2147483646.5', -2_147_483_647],
])('a file of %s is listed with the second %i', async (time, second) => {
  expect(await listedSecond(time)).toBe(second);
});
