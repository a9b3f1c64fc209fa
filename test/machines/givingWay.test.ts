import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../../src/machines/command.ts';
import { givingWay } from '../../src/machines/givingWay.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';

// What a process is given, told by the process itself.
const telling = command('sh', '-c', 'cat; nice; ionice', 'sh');

test('a command that gives way has the least priority, takes its input, and keeps its words and its exit code', async () => {
  const { stdout } = await thisComputer().run(givingWay(telling), { input: 'input\n' });
  expect(stdout).toBe('input\n19\nbest-effort: prio 7\n');
  const words = await thisComputer().run(givingWay(command('sh', '-c', 'printf "[%s]" "$@"; exit 7', 'sh', 'a b', '', '$HOME', '-x')), { answers: [7] });
  expect(words).toMatchObject({ stdout: '[a b][][$HOME][-x]', exitCode: 7 });
});

test.each([
  { missing: 'both', programs: [], broken: [] },
  { missing: 'ionice', programs: ['nice', 'true'], broken: [] },
  // As that of another system, which knows no such option.
  { missing: 'an ionice that fails', programs: ['nice', 'true'], broken: ['ionice'] },
])('where there is no program for it, it runs all the same: $missing', async ({ programs, broken }) => {
  const place = mkdtempSync('/tmp/plexlift-giving-way-');
  for (const name of ['sh', 'cat', ...programs]) symlinkSync(`/usr/bin/${name}`, join(place, name));
  for (const name of broken) writeFileSync(join(place, name), '#!/bin/sh\necho "ionice: unrecognized option" >&2; exit 1\n', { mode: 0o755 });
  const run = { ...givingWay(command('cat', '/proc/self/stat')), environment: { PATH: place } };
  const { stdout, stderr } = await thisComputer().run(run);
  const nice = stdout.slice(stdout.lastIndexOf(')') + 2).split(' ')[16];
  expect({ nice: Number(nice), stderr }).toEqual({ nice: programs.length > 0 ? 19 : os.getPriority(), stderr: '' });
  rmSync(place, { recursive: true });
});
