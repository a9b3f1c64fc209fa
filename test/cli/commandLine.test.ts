import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { parseConfiguration } from '../../src/cli/configuration.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { ErrorKind } from '../../src/errors.ts';
import { exitCodeOf, exitCodes, PlexliftError } from '../../src/errors.ts';
import { plan } from '../../src/migration/plan.ts';
import { plexliftIn } from './commandLine.ts';
import { literalTerminal } from './literalTerminal.ts';

let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'plexlift-cli-'));
  mkdirSync(join(place, 'old'));
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

const plexlift = (...words: readonly string[]) => plexliftIn(place, words);

function configure(changes: string = ''): void {
  writeFileSync(join(place, 'plexlift.yaml'), `source: { directory: old, version: 1.43.4.10718-1e3cb7a60 }\ntarget: { directory: new }\npaths: [{ from: /mnt/a, to: /media/a }]\nrun: run\n${changes}`);
}

test('every kind of ending has its exit code', () => {
  const table: Readonly<Record<ErrorKind, number>> = { usage: 2, refused: 3, failed: 4, difference: 5, locked: 11, interrupted: 130 };
  for (const [kind, code] of Object.entries(table)) expect(exitCodeOf(new PlexliftError(kind as ErrorKind, 'm', { remedy: 'r' })), kind).toBe(code);
  expect(exitCodeOf(new TypeError('m'))).toBe(1);
  expect(exitCodeOf('text')).toBe(1);
  expect(exitCodes).toEqual({ done: 0, bug: 1, ...table });
});

test('--help lists every command, and every command explains itself', async () => {
  const { exitCode, stdout } = await plexlift('--help');
  expect(exitCode).toBe(0);
  for (const { usage, summary } of commands) {
    const [name = ''] = usage.split(' ');
    expect(stdout).toContain(`  ${name}`);
    const help = await plexlift(name, '--help');
    expect(help.exitCode).toBe(0);
    expect(help.stdout.replaceAll(/\s+/g, ' ')).toContain(summary);
    expect(help.stderr).toBe('');
  }
  expect((await plexlift('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  { words: ['migate'], says: 'migate' },
  { words: ['migrate', '--untill', 'media'], says: '--untill' },
  { words: ['migrate', '--until'], says: 'argument missing' },
  { words: ['status', 'now'], says: 'too many arguments' },
  { words: [], says: 'Usage: plexlift' },
])('$words cannot be understood: exit 2', async ({ words, says }) => {
  const { exitCode, stderr, stdout } = await plexlift(...words);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(says);
  expect(stdout).toBe('');
});

// Those that cannot do without a word are tried with theirs, each in its own file.
test.each(commands.filter(({ usage }) => usage !== 'init' && !usage.includes('<')).map(({ usage }) => usage.split(' ')[0] ?? ''))('%s without a configuration: exit 2, naming "plexlift init"', async (name) => {
  const { exitCode, stderr } = await plexlift(name);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('plexlift init');
});

test.each(['status', 'report', 'rollback', 'verify', 'finish'])('%s where no run was begun: exit 2, and no run is begun by it', async (name) => {
  configure();
  const { exitCode, stderr } = await plexlift(name);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('Cannot find a run');
  expect(existsSync(join(place, 'run'))).toBe(false);
});

test('init writes a configuration that is taken, once, and says what is next', async () => {
  const words = ['init', '--source', 'alex@192.0.2.21', '--context', 'home', '--namespace', 'plex', '--release', 'plex', '--map', '/mnt/nas-plex=/media/library', '--map', '/mnt/nas-plex-optimized=/media/optimized'];
  const { exitCode, stdout, stderr } = await plexlift(...words);
  expect(exitCode).toBe(0);
  const file = join(place, 'plexlift.yaml');
  expect(stdout).toBe(`${file}\n`);
  expect(stderr).toContain('Next: plexlift check');
  expect(parseConfiguration(readFileSync(file, 'utf8'), file)).toMatchObject({
    source: { ssh: 'alex@192.0.2.21' },
    target: { kubernetes: { context: 'home', namespace: 'plex', release: 'plex' } },
    paths: [{ from: '/mnt/nas-plex', to: '/media/library' }, { from: '/mnt/nas-plex-optimized', to: '/media/optimized' }],
  });
  const before = readFileSync(file, 'utf8');
  const again = await plexlift(...words);
  expect(again.exitCode).toBe(2);
  expect(again.stderr).toContain('it is there already');
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test.each([
  { words: ['--source', 'a@b', '--namespace', 'p', '--release', 'p'], says: '--map' },
  { words: ['--namespace', 'p', '--release', 'p', '--map', '/a=/b'], says: '--source' },
  { words: ['--source', 'a@b', '--namespace', 'p', '--release', 'p', '--map', '/a'], says: 'Cannot read the mapping "/a"' },
  { words: ['--source', 'a@b', '--namespace', 'p', '--release', 'p', '--map', '/a=/b=/c'], says: 'Cannot read the mapping' },
  { words: ['--source', 'a@b', '--namespace', 'p', '--release', 'p', '--map', 'a=/b'], says: 'is not an absolute path' },
  { words: ['--source', 'a b', '--namespace', 'p', '--release', 'p', '--map', '/a=/b'], says: 'must be USER@HOST' },
  { words: ['--config', 'no/such/directory/plexlift.yaml', '--source', 'a@b', '--namespace', 'p', '--release', 'p', '--map', '/a=/b'], says: 'Cannot write' },
])('init with $words writes nothing: $says', async ({ words, says }) => {
  const { exitCode, stderr } = await plexlift('init', ...words);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(says);
  expect(existsSync(join(place, 'plexlift.yaml'))).toBe(false);
});

test.each([['migrate'], ['rehearse']])('%s with a limit that is none: exit 2, saying how it is written, and no run is begun', async (name) => {
  configure();
  for (const limit of ['20', '20MB', '1K', '']) {
    const { exitCode, stderr } = await plexlift(name, '--limit', limit);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`Cannot use --limit "${limit}"`);
    expect(stderr).toContain('a number with K, M or G behind it');
  }
  expect(existsSync(join(place, 'run'))).toBe(false);
  expect(existsSync(join(place, 'plexlift-rehearsal.run'))).toBe(false);
});

test('plan --offline shows both sides, the mapping and every step, in words and as JSON, and connects to nothing', async () => {
  configure();
  const { exitCode, stdout, stderr } = await plexlift('plan', '--offline');
  expect(exitCode).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toContain(`From directory ${join(place, 'old')}\nTo   directory ${join(place, 'new')}`);
  expect(stdout).toContain('/mnt/a becomes /media/a');
  for (const [position, { name, title }] of plan.entries()) expect(stdout).toMatch(new RegExp(`^ ?${position + 1}  ${name} +${title}`, 'm'));
  expect(stdout).toContain('[touches the source]');
  expect(stdout).toContain('No forecast: this run has copied nothing yet');
  const asJson = JSON.parse((await plexlift('plan', '--offline', '--json')).stdout) as { steps: { name: string }[]; paths: unknown; forecast: unknown };
  expect(asJson.forecast).toBeNull();
  expect(asJson.steps.map(({ name }) => name)).toEqual(plan.map(({ name }) => name));
  expect(asJson.paths).toEqual([{ from: '/mnt/a', to: '/media/a' }]);
  expect(existsSync(join(place, 'run'))).toBe(false);
});

test('a run directory of another migration is refused, and stays as it is', async () => {
  configure();
  expect((await plexlift('migrate')).exitCode).not.toBe(0);
  const journal = readFileSync(join(place, 'run', 'journal.ndjson'), 'utf8');
  configure();
  writeFileSync(join(place, 'plexlift.yaml'), readFileSync(join(place, 'plexlift.yaml'), 'utf8').replace('directory: new', 'directory: elsewhere'));
  const { exitCode, stderr } = await plexlift('migrate');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('it belongs to another migration');
  expect(stderr).toContain('--run DIR');
  expect(readFileSync(join(place, 'run', 'journal.ndjson'), 'utf8')).toBe(journal);
});

test('a run that is going on is not disturbed: exit 11', async () => {
  configure();
  mkdirSync(join(place, 'run'));
  writeFileSync(join(place, 'run', 'lock'), JSON.stringify({ pid: process.pid, host: hostname(), startedAt: '' }));
  const { exitCode, stderr } = await plexlift('migrate');
  expect(exitCode).toBe(11);
  expect(stderr).toContain(`pid ${process.pid}`);
});

test.each([
  { words: ['--until', 'copy'], says: 'Cannot find a step "copy" in the plan' },
  { words: ['--again', 'copy'], says: 'Cannot find a step "copy" in the plan' },
  { words: ['--yes', '=now'], says: 'Cannot read the answer "=now"' },
  { words: ['--yes', 'stop-sorce'], says: 'Cannot answer "stop-sorce" ahead: there is no such question' },
  { words: ['--accept', 'same-versoin'], says: 'Cannot accept "same-versoin": there is no such check' },
  { words: ['--yes', ''], says: 'Cannot read the answer ""' },
])('migrate $words: exit 2, no step is begun', async ({ words, says }) => {
  configure();
  const { exitCode, stderr } = await plexlift('migrate', ...words);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(says);
  expect(readFileSync(join(place, 'run', 'journal.ndjson'), 'utf8')).not.toContain('step-begun');
  expect(existsSync(join(place, 'run', 'lock'))).toBe(false);
});

test('a source that is no data directory: each failed check with its remedy, exit 3 or 4, and the ending says what is true', async () => {
  configure();
  const { exitCode, stderr } = await plexlift('migrate');
  expect([3, 4]).toContain(exitCode);
  expect(stderr).toContain('What is true now');
  expect(stderr).toContain('nothing of this run is on it');
  expect(stderr).toContain('Next: plexlift migrate');
  expect(stderr).not.toContain('rollback" to go back');
  expect(existsSync(join(place, 'new'))).toBe(false);
});

test('a run directory that cannot be made, or a journal that cannot be read, is told as such', async () => {
  configure();
  writeFileSync(join(place, 'run'), 'a file');
  expect(await plexlift('migrate')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Cannot create the run directory') });
  rmSync(join(place, 'run'));
  mkdirSync(join(place, 'run', 'journal.ndjson'), { recursive: true });
  expect(await plexlift('migrate')).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('Cannot read the journal') });
  expect(await plexlift('status')).toMatchObject({ exitCode: 4 });
  rmSync(join(place, 'run', 'journal.ndjson'), { recursive: true });
  writeFileSync(join(place, 'run', 'journal.ndjson'), 'nonsense\n');
  expect(await plexlift('status')).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('line 1') });
});

test('--json streams every event as one line on standard output', async () => {
  configure();
  const { stdout } = await plexlift('migrate', '--json');
  const types = stdout.trim().split('\n').map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types[0]).toBe('run-created');
  expect(types).toContain('step-begun');
  expect(types).toContain('command-ended');
});

test('what nobody foresaw is shown with its stack as a bug, exit 1', async () => {
  const terminal = literalTerminal(place, { currentDirectory: undefined as unknown as string });
  expect(await runCommandLine(['plan'], terminal)).toBe(1);
  expect(terminal.written.stderr).toMatch(/This is a bug in plexlift[^]*\n {4}at /);
});
