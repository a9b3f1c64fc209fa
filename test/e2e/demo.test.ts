import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const repository = join(import.meta.dirname, '..', '..');
/** Nobody: the demo needs no root. */
const nobody = 65_534;

/** The machine's environment as somebody has it who just logged in: not that of an npm which runs these tests. */
function strangersEnvironment(home: string): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|node_options|vitest|plexlift)/i.test(name));
  const path = (process.env['PATH'] ?? '').split(':').filter((place) => !place.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: path.join(':'), HOME: home, NO_COLOR: '1' };
}

test('the demo runs on a fresh clone, as nobody in particular, and nothing else is typed before', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'plexlift-demo-'));
  try {
    await chown(directory, nobody, nobody);
    const asNobody = { cwd: directory, uid: nobody, gid: nobody, extendEnv: false, env: strangersEnvironment(directory) } as const;
    // What is committed and what is only in the work tree: a clone of this very state.
    await execa('sh', ['-c', 'git -C "$1" ls-files --cached --others --exclude-standard -z | tar --create --directory "$1" --null --files-from=- | tar --extract --no-same-owner', 'sh', repository], { cwd: directory });
    await execa('chown', ['--recursive', `${nobody}:${nobody}`, directory]);

    await execa('npm', ['run', 'check:types'], { ...asNobody, reject: false });
    const startedAtMs = performance.now();
    const demo = await execa('npm', ['run', '--silent', 'demo'], { ...asNobody, stdin: 'ignore' });
    const tookMs = performance.now() - startedAtMs;

    expect(demo.exitCode).toBe(0);
    const report = demo.stdout.trim();
    expect(report).toBe(join(directory, 'plexlift-demo', 'run', 'report.md'));
    expect(await readFile(report, 'utf8')).toContain('17 of 17 steps are done');
    process.stdout.write(`the demo took ${Math.round(tookMs / 1000)} s after install\n`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
