import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { gateScriptPath } from '../../src/targets/gate/gateScript.ts';

const isMissing = spawnSync('shellcheck', ['--version']).error !== undefined;

test.skipIf(isMissing)('shellcheck has nothing to say of the script that the script does not answer', () => {
  const { stdout, status } = spawnSync('shellcheck', ['--shell=sh', gateScriptPath], { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
});
