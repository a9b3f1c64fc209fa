import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Everything a change has to pass, each part by its name, so that a failure names itself. The last line counts the tests.
const report = join(tmpdir(), `plexlift-tests-${process.pid}.json`);
const parts = [
  { name: 'types', file: 'node_modules/.bin/tsc', words: ['--noEmit'] },
  { name: 'lint', file: 'node_modules/.bin/oxlint', words: ['--type-aware', '--deny-warnings'] },
  { name: 'tests', file: 'node_modules/.bin/vitest', words: ['run', '--reporter=default', '--reporter=json', `--outputFile=${report}`] },
];

const root = join(import.meta.dirname, '..');
const failed: string[] = [];
for (const { name, file, words } of parts) {
  process.stdout.write(`\n== ${name} ==\n`);
  const { status } = spawnSync(process.execPath, [...process.execArgv, join(root, file), ...words], { cwd: root, stdio: 'inherit' });
  if (status !== 0) failed.push(name);
}

const counts = JSON.parse(readFileSync(report, 'utf8')) as { readonly numPassedTests: number; readonly numFailedTests: number; readonly numPendingTests: number };
rmSync(report);
process.stdout.write(`\n${failed.length === 0 ? 'All parts passed.' : `Failed: ${failed.join(', ')}`}\n${counts.numPassedTests} passed, ${counts.numFailedTests} failed, ${counts.numPendingTests} skipped\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
