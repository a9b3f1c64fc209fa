import { appendFileSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { databasesDirectory, libraryDatabase, preferencesFile } from '../../src/plex/dataDirectory.ts';
import { datedBackupNames } from '../../src/catalogue/catalogueFiles.ts';
import { tryRestore } from '../../src/catalogue/restoreTrial.ts';
import { recordedCatalogue } from '../../src/migration/recordedCatalogues.ts';
import { runDirectoryAt } from '../../src/migration/runDirectory.ts';
import { readPreferences } from '../../src/plex/preferences.ts';
import { readJournal } from '../../src/runner/journal.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { databaseOf, removeScratch, scratchDirectory, tamper } from '../catalogue/smallCatalogue.ts';
import { plexliftIn } from './commandLine.ts';
import { dump, stateOf } from './handRewrite.ts';

let place: string;
const names = ['backup', 'taken', 'settled', 'rewritten'] as const;
const directories = { backup: 'run/backup', taken: 'run/catalogue/taken', settled: 'run/catalogue/settled', rewritten: 'run/catalogue/rewritten' } as const;

const plexlift = (...words: readonly string[]) => plexliftIn(place, words);

const template = scratchDirectory();
let token: string;

/** A run that really went as far as `rewrite`, from a directory to a directory; made once, each test gets a copy. */
beforeAll(async () => {
  const media = { library: join(template, 'media', 'library'), optimized: join(template, 'media', 'optimized') };
  const facts = await makeLibrary({ dataDirectory: join(template, 'old'), mediaDirectory: media.library, optimizedDirectory: media.optimized, items: 60, seed: 7 });
  token = readPreferences(readFileSync(join(template, 'old', preferencesFile))).get('PlexOnlineToken') ?? '';
  writeFileSync(
    join(template, 'plexlift.yaml'),
    `source: { directory: old, version: ${facts.version} }\ntarget: { directory: new }\npaths: [{ from: /mnt/nas-plex, to: ${media.library} }, { from: /mnt/nas-plex-optimized, to: ${media.optimized} }]\nrun: run\n`,
  );
  const { exitCode, stderr } = await plexliftIn(template, ['migrate', '--until', 'rewrite']);
  if (exitCode !== 0 || token === '') throw new Error(`The run that every test begins with did not get as far as it should: ${stderr}`);
}, 120_000);
afterAll(() => removeScratch(template));

beforeEach(() => {
  place = scratchDirectory();
});
afterEach(() => removeScratch(place));

function copyRun(): void {
  for (const name of ['run', 'plexlift.yaml']) cpSync(join(template, name), join(place, name), { recursive: true, preserveTimestamps: true });
}

describe('after a run that made every copy', () => {
  beforeEach(copyRun);

  test.each(names)('%s is restored, proven, with the modes Plex gives', async (name) => {
    const before = stateOf(join(place, directories[name]));
    const { exitCode, stdout, stderr } = await plexlift('restore', 'out', '--of', name);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(`Restored into ${join(place, 'out')}\n  from ${join(place, directories[name])}, made 20`);
    expect(stdout).toMatch(/library\.db: opened; \d+ tables, [\d,]+ rows counted\n/);
    expect(stdout).toMatch(/Every one of \d+ files \([\d.]+ MiB\) has the SHA-256 that was recorded/);
    expect(stdout + stderr).not.toContain(token);
    expect(stateOf(join(place, directories[name]))).toEqual(before);
    const files = readdirSync(join(place, 'out', databasesDirectory));
    expect(files).toEqual(readdirSync(join(place, directories[name], databasesDirectory)).filter((file) => !/\.db-(?:wal|shm)$/.test(file)));
    expect(files.length).toBeGreaterThan(3);
    expect(dump(databaseOf(join(place, 'out')))).toEqual(dump(databaseOf(join(place, directories[name]))));
    const modes = ['', databasesDirectory, preferencesFile, `${databasesDirectory}/${libraryDatabase}`].map((path) => (statSync(join(place, 'out', path)).mode & 0o777).toString(8));
    expect(modes).toEqual(['755', '755', '600', '644']);
  });

  test('the backup is what is restored where nothing is said, and what is next can be typed as it stands', async () => {
    const { exitCode, stdout, stderr } = await plexlift('restore', 'it\'s here');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('(backup, taken before anything was touched; paths of the source)');
    const typed = stderr.split('\n').filter((line) => line.startsWith('       ')).map((line) => line.trim());
    expect(typed).toContain(`sudo cp -r '${join(place, String.raw`it'\''s here`)}/Plug-in Support/Databases' "Plug-in Support/"`);
    expect(typed).toContain('sudo chown -R plex:plex "Plug-in Support/Databases" Preferences.xml');
    expect(stderr).not.toContain('was published');
  });

  test('what has the paths of the target is not for the old server, and that is said', async () => {
    const { stderr } = await plexlift('restore', 'out', '--of', 'rewritten');
    expect(stderr).toContain('these databases have the paths of the target');
    expect(stderr).not.toContain('systemctl');
  });

  test('--run alone is enough: no configuration, and the results were discarded since', async () => {
    rmSync(join(place, 'plexlift.yaml'));
    appendFileSync(join(place, 'run', 'journal.ndjson'), `${JSON.stringify({ type: 'results-discarded', steps: ['back-up', 'rewrite'], reason: 'x', at: '2026-11-23T18:00:00.000Z' })}\n`);
    expect(await plexlift('restore', 'out', '--run', 'run')).toMatchObject({ exitCode: 0 });
  });

  test('of a backup that was made twice, what lies there is what was recorded last', async () => {
    const journal = join(place, 'run', 'journal.ndjson');
    const lines = readFileSync(journal, 'utf8').split('\n');
    const made = lines.findIndex((line) => line.includes('"type":"step-finished","step":"back-up"'));
    const earlier = (lines[made] ?? '').replaceAll(/"sha256":"[0-9a-f]{64}"/g, `"sha256":"${'0'.repeat(64)}"`);
    writeFileSync(journal, [...lines.slice(0, made), earlier, ...lines.slice(made)].join('\n'));
    expect(await plexlift('restore', 'out')).toMatchObject({ exitCode: 0 });
  });

  test('an empty directory is filled', async () => {
    mkdirSync(join(place, 'out'));
    expect(await plexlift('restore', 'out')).toMatchObject({ exitCode: 0 });
  });

  test.each([
    { what: 'a file that was changed', break: (backup: string) => tamper(databaseOf(backup), 'DELETE FROM metadata_item_views'), says: 'library.db" is not what was recorded: its SHA-256 differs' },
    { what: 'a file that is missing', break: (backup: string) => rmSync(join(backup, preferencesFile)), says: '"Preferences.xml" is missing' },
    { what: 'a file that was cut short', break: (backup: string) => truncateSync(databaseOf(backup), 8192), says: 'cut short' },
    { what: 'a dated backup that was changed', break: (backup: string) => writeFileSync(databaseOf(backup, datedBackupNames(backup)[0] ?? ''), 'x'), says: '" is not what was recorded' },
  ])('$what is named, and nothing stays: exit 3', async ({ break: damage, says }) => {
    damage(join(place, 'run', 'backup'));
    mkdirSync(join(place, 'empty'));
    for (const [into, stays] of [['out', false], ['empty', true]] as const) {
      const { exitCode, stdout, stderr } = await plexlift('restore', into);
      expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
      expect(stderr).toContain(says);
      expect(stderr).toContain('--of settled');
      expect(existsSync(join(place, into))).toBe(stays);
    }
    expect(readdirSync(join(place, 'empty'))).toEqual([]);
  });

  test.each([
    { what: 'a directory that is not empty', into: 'run', exit: 3, says: 'it is not empty' },
    { what: 'a file', into: 'plexlift.yaml', exit: 3, says: 'it is no directory' },
    { what: 'a place below a file', into: 'plexlift.yaml/out', exit: 4, says: 'Cannot restore into' },
  ])('$what is refused', async ({ into, exit, says }) => {
    const before = stateOf(place);
    const { exitCode, stdout, stderr } = await plexlift('restore', into);
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: exit, stdout: '' });
    expect(stderr).toContain(says);
    expect(stateOf(place)).toEqual(before);
  });
});

test('a copy the run has not made yet is told from those it has', async () => {
  copyRun();
  const journal = join(place, 'run', 'journal.ndjson');
  const lines = readFileSync(journal, 'utf8').split('\n');
  writeFileSync(journal, lines.slice(0, lines.findIndex((line) => line.includes('"type":"step-begun","step":"examine"'))).join('\n').concat('\n'));
  const { exitCode, stderr } = await plexlift('restore', 'out', '--of', 'settled');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('has not got that far');
  expect(stderr).toContain('It has made: backup; name one with --of');
  expect(existsSync(join(place, 'out'))).toBe(false);
});

test.each([
  { words: [], says: "missing required argument 'directory'" },
  { words: ['out'], says: 'Name its directory with --run DIRECTORY' },
  { words: ['out', '-c', 'none.yaml'], says: 'Cannot find the configuration' },
  { words: ['out', '--run', 'none'], says: 'Cannot find a run' },
  { words: ['out', '--of', 'bakcup', '--run', 'none'], says: 'Allowed choices are backup, taken, settled, rewritten' },
])('$words: exit 2', async ({ words, says }) => {
  const { exitCode, stdout, stderr } = await plexlift('restore', ...words);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(says);
  expect(readdirSync(place)).toEqual([]);
});

test('what the back-up step tried is what the command does: a backup that the trial refuses is refused here in the same words', async () => {
  copyRun();
  const backup = join(place, 'run', 'backup');
  const directory = runDirectoryAt(join(place, 'run'));
  const recorded = recordedCatalogue('backup', { directory, events: readJournal(directory.journal) });
  copyFileSync(join(backup, preferencesFile), databaseOf(backup));
  const trial = await tryRestore({ backup, files: recorded?.files ?? [] });
  const { stderr } = await plexlift('restore', 'out');
  expect(trial.faults.length).toBeGreaterThan(1);
  for (const fault of trial.faults) expect(stderr).toContain(fault);
});
