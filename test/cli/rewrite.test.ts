import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { blobsDatabase, databasesDirectory, libraryDatabase, preferencesFile } from '../../src/plex/dataDirectory.ts';
import { readPreferences } from '../../src/plex/preferences.ts';
import { changedCells, databaseOf, makeCatalogue, removeScratch, scratchDirectory, tamper, versions } from '../catalogue/smallCatalogue.ts';
import { plexliftIn } from './commandLine.ts';
import { dump, maps, stateOf } from './handRewrite.ts';

const temporary = scratchDirectory();
let place: string;
let oldFile: string;

beforeEach(() => {
  place = scratchDirectory();
  // A place for temporary files that no other test uses: what is left there was left by the command.
  vi.stubEnv('TMPDIR', temporary);
  makeCatalogue(join(place, 'old'));
  oldFile = join(place, 'old.db');
  copyFileSync(databaseOf(join(place, 'old')), oldFile);
});
afterEach(() => {
  vi.unstubAllEnvs();
  removeScratch(place);
});
afterAll(() => removeScratch(temporary));

const plexlift = (...words: readonly string[]) => plexliftIn(place, words);
const leftBehind = (): readonly string[] => readdirSync(temporary);

describe('a database', () => {
  test('is rewritten into a copy and proven; OLD stays as it is, to the byte', async () => {
    const before = stateOf(place);
    const { exitCode, stdout, stderr } = await plexlift('rewrite', 'old.db', 'new.db', ...maps);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(`section_locations.root_path: ${changedCells.root_path} of 3 rows changed; 1 path covered by no rule, and left\n`);
    expect(stdout).toMatch(new RegExp(`media_parts\\.file: ${changedCells.file} of \\d+ rows changed`));
    expect(stdout).toContain(`\nProven: NEW is OLD with 12 cells changed`);
    expect(stderr).toContain('Next: stop the server that is to get NEW');
    expect(stateOf(place).filter((line) => !line.startsWith('new.db '))).toEqual(before);
    expect(await plexlift('prove', 'old.db', 'new.db', ...maps)).toMatchObject({ exitCode: 0 });
    expect(leftBehind()).toEqual([]);
  });

  test.each(Object.entries(versions))('of a server of %s comes back with --reverse, cell by cell', async (_, version) => {
    makeCatalogue(join(place, 'one'), { version });
    const one = databaseOf(join(place, 'one'));
    expect(await plexlift('rewrite', one, 'new.db', ...maps, '--file-guids')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('metadata_items.guid') });
    expect(dump(join(place, 'new.db'))).not.toEqual(dump(one));
    expect(await plexlift('rewrite', 'new.db', 'back.db', ...maps, '--file-guids', '--reverse')).toMatchObject({ exitCode: 0 });
    expect(dump(join(place, 'back.db'))).toEqual(dump(one));
  });

  test('keeps what was watched meanwhile when it is taken back', async () => {
    await plexlift('rewrite', 'old.db', 'new.db', ...maps);
    tamper(join(place, 'new.db'), "INSERT INTO metadata_item_views(account_id, guid) VALUES (7, 'plex://movie/1'); INSERT INTO media_parts(media_item_id, file) VALUES (1, '/media/library/Movies/bought meanwhile.mkv')");
    expect(await plexlift('rewrite', 'new.db', 'back.db', ...maps, '--reverse')).toMatchObject({ exitCode: 0 });
    const rows = dump(join(place, 'back.db'));
    const original = dump(oldFile);
    const gained = rows.filter((row) => !original.includes(row)).map((row) => row.split(' ')[0]);
    expect(new Set(gained)).toEqual(new Set(['media_parts', 'metadata_item_views', 'sqlite_sequence']));
    const database = new DatabaseSync(join(place, 'back.db'), { readOnly: true });
    expect(database.prepare("SELECT count(*) AS n FROM media_parts WHERE file = '/mnt/nas-plex/Movies/bought meanwhile.mkv'").get()).toEqual({ n: 1 });
    database.close();
  });

  test('with a log beside it is taken with it', async () => {
    const open = new DatabaseSync(oldFile);
    open.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; INSERT INTO media_parts(media_item_id, file) VALUES (1, '/mnt/nas-plex/only in the log.mkv')");
    for (const suffix of ['', '-wal']) copyFileSync(oldFile + suffix, join(place, `raw.db${suffix}`));
    open.close();
    const before = stateOf(place);
    const { exitCode, stdout, stderr } = await plexlift('rewrite', 'raw.db', 'new.db', ...maps);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`media_parts.file: ${changedCells.file + 1} of `);
    expect(stderr).toContain('was read with the log beside it');
    expect(stateOf(place).filter((line) => !line.startsWith('new.db '))).toEqual(before);
    expect(readdirSync(place).filter((name) => name.startsWith('new.db'))).toEqual(['new.db']);
  });

  test('that may not be written to is rewritten all the same, in the copy', async () => {
    chmodSync(oldFile, 0o444);
    expect(await plexlift('rewrite', 'old.db', 'new.db', ...maps)).toMatchObject({ exitCode: 0 });
    expect(statSync(oldFile).mode & 0o777).toBe(0o444);
    expect(statSync(join(place, 'new.db')).mode & 0o600).toBe(0o600);
  });

  test('tells how many rows the way back would not give back', async () => {
    makeCatalogue(join(place, 'two'), { fill: (rows) => rows.insert('media_parts', { media_item_id: 1, file: '/media/library/there already.mkv' }) });
    const { exitCode, stdout } = await plexlift('rewrite', databaseOf(join(place, 'two')), 'new.db', ...maps);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('    1 row could not be taken back: ');
  });
});

describe('a directory', () => {
  test('is rewritten with its settings, and proven with them', async () => {
    const before = stateOf(join(place, 'old'));
    const { exitCode, stdout, stderr } = await plexlift('rewrite', 'old', 'made', ...maps);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain('mapped   GlobalMusicVideoPath: "/mnt/nas-plex/Clips & more" → "/media/library/Clips & more"');
    expect(stdout).toContain('held     autoEmptyTrash: 0 for the first start, was "1"');
    expect(stdout).toContain('set it back in the settings of the server');
    expect(stdout + stderr).not.toContain('s3cret');
    expect(stateOf(join(place, 'old'))).toEqual(before);
    expect(readdirSync(join(place, 'made', databasesDirectory)).toSorted()).toEqual([blobsDatabase, libraryDatabase, `${libraryDatabase}-2026-11-20`].toSorted());
    const modes = ['', preferencesFile].map((path) => (statSync(join(place, 'made', path)).mode & 0o777).toString(8));
    expect(modes).toEqual(['700', '600']);
    expect(readPreferences(readFileSync(join(place, 'made', preferencesFile))).get('PlexOnlineToken')).toBe('s3cret');
    expect(await plexlift('prove', 'old', 'made', ...maps)).toMatchObject({ exitCode: 0 });
    expect(leftBehind()).toEqual([]);
  });

  test('comes back with --reverse: its databases cell by cell, its settings with the old paths', async () => {
    expect(await plexlift('rewrite', 'old', 'made', ...maps)).toMatchObject({ exitCode: 0 });
    expect(await plexlift('rewrite', 'made', 'back', ...maps, '--reverse')).toMatchObject({ exitCode: 0 });
    for (const name of [libraryDatabase, blobsDatabase]) expect(dump(databaseOf(join(place, 'back'), name))).toEqual(dump(databaseOf(join(place, 'old'), name)));
    expect(readPreferences(readFileSync(join(place, 'back', preferencesFile))).get('GlobalMusicVideoPath')).toBe('/mnt/nas-plex/Clips & more');
  });
});

describe('what cannot be done is one clear error, and nothing is made', () => {
  test.each([
    { what: 'NEW is there', words: ['old.db', 'there'], exit: 3, says: 'it is there already' },
    { what: 'NEW is a link to nothing', words: ['old.db', 'dangling'], exit: 3, says: 'it is there already' },
    { what: 'NEW would get the log of another', words: ['old.db', 'logged.db'], exit: 3, says: '"logged.db-wal" lies there' },
    { what: 'NEW has no place', words: ['old.db', 'no/where.db'], exit: 3, says: 'there is no directory' },
    { what: 'NEW would lie inside OLD', words: ['old', 'old/new'], exit: 3, says: 'it would lie inside OLD' },
    { what: 'OLD is not there', words: ['none.db', 'new.db'], exit: 3, says: 'there is no such file or directory' },
    { what: 'OLD is no database', words: ['there', 'new.db'], exit: 3, says: 'the file is' },
    { what: 'OLD is a database of something else', words: ['other.db', 'new.db'], exit: 3, says: 'other.db' },
    { what: 'OLD has no settings', words: ['bare', 'new'], exit: 3, says: `it has no "${preferencesFile}"` },
    { what: 'NEW is not given', words: ['old.db'], exit: 2, says: "missing required argument 'new'" },
    { what: 'the mapping cannot be turned round', words: ['old.db', 'new.db', '--reverse', '--map', '/x=/media/library'], exit: 2, says: 'both went to "/media/library"' },
  ])('$what', async ({ words, exit, says }) => {
    writeFileSync(join(place, 'there'), 'mine');
    writeFileSync(join(place, 'logged.db-wal'), 'mine');
    symlinkSync('/nowhere/at/all', join(place, 'dangling'));
    const other = new DatabaseSync(join(place, 'other.db'));
    other.exec('CREATE TABLE songs(id INTEGER PRIMARY KEY, file TEXT)');
    other.close();
    makeCatalogue(join(place, 'bare'));
    rmSync(join(place, 'bare', preferencesFile));
    const before = stateOf(place);
    const { exitCode, stdout, stderr } = await plexlift('rewrite', ...words, ...maps);
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: exit, stdout: '' });
    expect(stderr).toContain(says);
    expect(stateOf(place)).toEqual(before);
    expect(leftBehind()).toEqual([]);
  });

  test('a damaged database leaves no NEW', async () => {
    const bytes = readFileSync(oldFile);
    for (let page = 3; page < bytes.length / 4096; page += 1) bytes.fill(0xee, page * 4096 + 8, page * 4096 + 200);
    writeFileSync(oldFile, bytes);
    const { exitCode, stdout, stderr } = await plexlift('rewrite', 'old.db', 'new.db', ...maps);
    expect([3, 4], stderr).toContain(exitCode);
    expect(stdout).toBe('');
    expect(existsSync(join(place, 'new.db'))).toBe(false);
    expect(readdirSync(place).filter((name) => name.startsWith('.plexlift'))).toEqual([]);
  });

  test('stopped before the proof: nothing is made, exit 130', async () => {
    mkdirSync(join(place, 'elsewhere'));
    expect(await plexliftIn(place, ['rewrite', 'old.db', 'elsewhere/new.db', ...maps], { signal: AbortSignal.abort() })).toMatchObject({ exitCode: 130 });
    expect(readdirSync(join(place, 'elsewhere'))).toEqual([]);
    expect(leftBehind()).toEqual([]);
  });
});
