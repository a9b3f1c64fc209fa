import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { databasesDirectory, libraryDatabase, preferencesFile } from '../../src/plex/dataDirectory.ts';
import { changedCells, databaseOf, makeCatalogue, pairs, removeScratch, scratchDirectory, tamper, versions } from '../catalogue/smallCatalogue.ts';
import { plexliftIn } from './commandLine.ts';
import { byHand, carefulStatements, catalogueByHand, maps, plainReplace, stateOf } from './handRewrite.ts';

const temporary = scratchDirectory();
let place: string;
let oldFile: string;
let newFile: string;
/** A copy with a hole in every page but the first few: as a database the header is sound. */
function damage(from: string, to: string): void {
  const bytes = readFileSync(from);
  for (let page = 3; page < bytes.length / 1024; page += 1) bytes.fill(0xee, page * 1024 + 8, page * 1024 + 200);
  writeFileSync(to, bytes);
}

const careful = pairs.map(carefulStatements).join('\n');
// What a server does in its first minute, without anybody watching anything.
const firstMinute = `UPDATE metadata_items SET updated_at = 1795000000 WHERE id = 1; UPDATE media_parts SET updated_at = 1795000000 WHERE id = 2;
  INSERT INTO metadata_item_views(account_id, guid) VALUES (7, 'plex://movie/1'); INSERT INTO accounts(name) VALUES ('new');`;

beforeEach(() => {
  place = scratchDirectory();
  // A place for temporary files that no other test uses: what is left there was left by the command.
  vi.stubEnv('TMPDIR', temporary);
  makeCatalogue(join(place, 'old'));
  oldFile = join(place, 'old.db');
  newFile = join(place, 'new.db');
  copyFileSync(databaseOf(join(place, 'old')), oldFile);
});
afterEach(() => {
  vi.unstubAllEnvs();
  removeScratch(place);
});
afterAll(() => removeScratch(temporary));

const plexlift = (...words: readonly string[]) => plexliftIn(place, words);
const leftBehind = (): readonly string[] => readdirSync(temporary);

describe('two databases', () => {
  test('a careful rewrite by hand is proven, with what was compared, what changed, and what no rule covers', async () => {
    byHand(oldFile, newFile, careful);
    const before = [stateOf(place), leftBehind()];
    const { exitCode, stdout, stderr } = await plexlift('prove', 'old.db', 'new.db', ...maps);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`OLD      ${oldFile}\n  NEW      ${newFile}\n  mapping  /mnt/nas-plex becomes /media/library\n           /mnt/nas-plex-optimized becomes /media/optimized\n`);
    expect(stdout).toMatch(/\n {2}1 database, \d+ tables, [\d,]+ rows, \d+ indexes, and every schema\n/);
    for (const [column, cells] of [['section_locations.root_path', changedCells.root_path], ['media_parts.file', changedCells.file], ['media_streams.url', changedCells.url]]) expect(stdout).toContain(`  ${cells} cells of ${column}\n`);
    expect(stdout).toContain('that no rule covers, and that are left\n  /srv/odd of the library "Odd"\n\n');
    expect(stdout).toMatch(/\nProven: NEW is OLD with 12 cells changed, each as the mapping predicts; everything else that was compared is equal\n {2}Mind the 1 directory of a library that no rule covers/);
    expect([stateOf(place), leftBehind()]).toEqual(before);
  });

  test('a library of an older server is proven as well', async () => {
    makeCatalogue(join(place, 'older'), { version: versions.before });
    byHand(databaseOf(join(place, 'older')), newFile, careful);
    expect(await plexlift('prove', databaseOf(join(place, 'older')), 'new.db', ...maps)).toMatchObject({ exitCode: 0 });
  });

  test('a plain replace() is not: every cell is named by table, column and row', async () => {
    byHand(oldFile, newFile, plainReplace);
    const { exitCode, stdout } = await plexlift('prove', 'old.db', 'new.db', ...maps);
    expect(exitCode).toBe(5);
    // The optimized versions went to "/media/library-optimized", its neighbour "/mnt/nas-plexus" went along, and the subtitles stayed.
    expect(stdout).toMatch(/\nNOT proven: 7 differences\n/);
    expect(stdout).toContain('new.db, table section_locations, column root_path, row 2: ');
    expect(stdout).toMatch(/new\.db, table media_parts, column file, row 5: /);
    expect(stdout).toMatch(/new\.db, table media_streams, column url, row 1: this cell should have changed and did not/);
    expect(stdout).toContain('Do not start a server on NEW as it is');
  });

  test('OLD and NEW exchanged are recognised', async () => {
    byHand(oldFile, newFile, careful);
    const { exitCode, stdout } = await plexlift('prove', 'new.db', 'old.db', ...maps);
    expect(exitCode).toBe(5);
    expect(stdout).toContain('The other way round it is proven: did you exchange OLD and NEW?');
    const reversed = await plexlift('prove', 'new.db', 'old.db', ...maps, '--reverse');
    expect(reversed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('/media/library becomes /mnt/nas-plex\n') });
  });

  test('a library that Plex was started on since is not proven, and the likely reason is told', async () => {
    byHand(oldFile, newFile, careful + firstMinute);
    const { exitCode, stdout } = await plexlift('prove', 'old.db', 'new.db', ...maps);
    expect(exitCode).toBe(5);
    expect(stdout).toMatch(/table metadata_items, column updated_at, row 1: /);
    expect(stdout).toMatch(/table accounts, row \d+: the row was added/);
    expect(stdout).toContain('Was a server started on one of the two since?');
  });

  test('identifiers that were mapped too are a difference, unless --file-guids says that they were', async () => {
    const guids = ['metadata_items', 'metadata_item_settings'].map((table) => `UPDATE ${table} SET guid = 'file:///media/library/Movies/extra.mkv' WHERE guid = 'file:///mnt/nas-plex/Movies/extra.mkv';`).join('');
    byHand(oldFile, newFile, careful);
    // Triggers that need Plex's own SQLite fire on the title alone.
    tamper(newFile, guids);
    const { exitCode, stdout } = await plexlift('prove', 'old.db', 'new.db', ...maps);
    expect(exitCode).toBe(5);
    expect(stdout).toContain('say so: --file-guids');
    expect(await plexlift('prove', 'old.db', 'new.db', ...maps, '--file-guids')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 cell of metadata_items.guid') });
    byHand(oldFile, newFile, careful);
    expect(await plexlift('prove', 'old.db', 'new.db', ...maps, '--file-guids')).toMatchObject({ exitCode: 5 });
  });

  test('two equal libraries are told apart from a proof: with a mapping that was to change something, and with one that was not', async () => {
    copyFileSync(oldFile, newFile);
    const { exitCode, stdout } = await plexlift('prove', 'old.db', 'new.db', ...maps);
    expect(exitCode).toBe(5);
    expect(stdout).toContain('Not one path changed as the mapping predicts');
    const nothing = await plexlift('prove', 'old.db', 'new.db', '--map', '/mnt/nas-plx=/media/library');
    expect(nothing).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Proven, but there was nothing to prove') });
  });

  test('more than fifty differences are counted, and fifty are shown', async () => {
    makeCatalogue(join(place, 'large'), { fill: (rows) => Array.from({ length: 80 }, (_, at) => rows.insert('media_parts', { media_item_id: 1, file: `/mnt/nas-plex/Movies/${at}.mkv` })) });
    byHand(databaseOf(join(place, 'large')), newFile, "UPDATE media_parts SET file = '/elsewhere' WHERE file GLOB '/mnt/nas-plex/Movies/[0-9]*.mkv'");
    const { stdout } = await plexlift('prove', databaseOf(join(place, 'large')), 'new.db', ...maps);
    expect(stdout).toMatch(/\nNOT proven: \d+ differences; the first 50\n/);
    expect(stdout.split('\n').filter((line) => line.startsWith('  new.db, table'))).toHaveLength(50);
    expect(stdout).toMatch(/\n {2}and \d+ more\n/);
  });

  test('--json prints the same as one line', async () => {
    byHand(oldFile, newFile, plainReplace);
    const { exitCode, stdout } = await plexlift('prove', 'old.db', 'new.db', ...maps, '--json');
    expect(exitCode).toBe(5);
    expect(stdout.trimEnd()).not.toContain('\n');
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, old: oldFile, new: newFile, pairs, fileGuids: 'leave', differenceCount: 7, settings: null, isSwapped: false, differences: expect.arrayContaining([expect.objectContaining({ table: 'section_locations', column: 'root_path', rowid: '2' })]) });
  });

  test('the mapping may come from the configuration, with its fileGuids', async () => {
    byHand(oldFile, newFile, careful);
    const configuration = (more = ''): string => `source: { ssh: a@b }\ntarget: { directory: new }\npaths: [{ from: /mnt/nas-plex/, to: /media/library }, { from: /mnt/nas-plex-optimized, to: /media/optimized }]\n${more}`;
    writeFileSync(join(place, 'plexlift.yaml'), configuration());
    expect(await plexlift('prove', 'old.db', 'new.db')).toMatchObject({ exitCode: 0 });
    writeFileSync(join(place, 'other.yaml'), configuration('fileGuids: rewrite\n'));
    expect(await plexlift('prove', 'old.db', 'new.db', '-c', 'other.yaml')).toMatchObject({ exitCode: 5 });
  });

  test('a "=" in the old path is no trouble', async () => {
    makeCatalogue(join(place, 'odd'), { fill: (rows) => rows.insert('media_parts', { media_item_id: 1, file: '/mnt/a=b/c.mkv' }) });
    byHand(databaseOf(join(place, 'odd')), newFile, "UPDATE media_parts SET file = '/media/d=e/c.mkv' WHERE file = '/mnt/a=b/c.mkv'");
    expect(await plexlift('prove', databaseOf(join(place, 'odd')), 'new.db', '--map', '/mnt/a=b=/media/d=e')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('/mnt/a=b becomes /media/d=e') });
  });
});

describe('a database with a log beside it', () => {
  const inLog = `PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; ${careful}`;

  test('is read with it, and nothing is left or changed beside it', async () => {
    copyFileSync(oldFile, join(place, 'open.db'));
    const database = new DatabaseSync(join(place, 'open.db'), { enableForeignKeyConstraints: false });
    database.exec(inLog);
    for (const suffix of ['', '-wal']) copyFileSync(join(place, `open.db${suffix}`), newFile + suffix);
    database.close();
    const before = stateOf(place);
    const { exitCode, stderr } = await plexlift('prove', 'old.db', 'new.db', ...maps);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^note: ".*new\.db" was read with the log beside it, of [\d.]+ KiB\n$/);
    expect(stateOf(place)).toEqual(before);
    rmSync(`${newFile}-wal`);
    expect(await plexlift('prove', 'old.db', 'new.db', ...maps)).toMatchObject({ exitCode: 5, stderr: '' });
  });

  test('that a program has open is read as well, with a warning', async () => {
    copyFileSync(oldFile, newFile);
    const database = new DatabaseSync(newFile, { enableForeignKeyConstraints: false });
    try {
      database.exec(inLog);
      const before = stateOf(place);
      const { exitCode, stderr } = await plexlift('prove', 'old.db', 'new.db', ...maps);
      expect(exitCode).toBe(0);
      expect(stderr).toContain('is in use by a program');
      expect(stderr).toContain('take a copy first');
      expect(stateOf(place)).toEqual(before);
    } finally {
      database.close();
    }
  });
});

describe('two directories', () => {
  const settings = (text: string): string => text.replace('/mnt/nas-plex/Clips', '/media/library/Clips').replace('autoEmptyTrash="1"', 'autoEmptyTrash="0"');
  const directories = ['old', 'made'] as const;

  test('are proven with their settings; other changed settings are named, without values', async () => {
    catalogueByHand(join(place, 'old'), join(place, 'made'), { sql: careful, settings });
    const before = stateOf(place);
    const { exitCode, stdout, stderr } = await plexlift('prove', ...directories, ...maps);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('2 databases, ');
    expect(stdout).toContain('there is no plan of edits to hold them against');
    expect(stdout).toContain('their path changed as the mapping predicts: GlobalMusicVideoPath\n');
    expect(stdout).toContain('changed, for you to judge (values are not shown): autoEmptyTrash\n');
    expect(stateOf(place)).toEqual(before);
  });

  test.each([
    { what: 'another identity', change: (text: string) => text.replace('"abc"', '"abd"'), says: 'the setting "MachineIdentifier" is part of the identity of the server, and changed' },
    { what: 'another token', change: (text: string) => text.replace('s3cret', 's3cret2'), says: 'the setting "PlexOnlineToken" is part of the identity of the server, and changed' },
    { what: 'no token', change: (text: string) => text.replace(' PlexOnlineToken="s3cret"', ''), says: 'the setting "PlexOnlineToken" is part of the identity of the server, and is gone' },
    { what: 'a path that was forgotten', change: (text: string) => text.replace('/media/library/Clips', '/mnt/nas-plex/Clips'), says: 'the setting "GlobalMusicVideoPath" holds a path that the mapping changes, and did not change' },
    { what: 'a path that went elsewhere', change: (text: string) => text.replace('/media/library/Clips', '/media/Clips'), says: 'the setting "GlobalMusicVideoPath" holds another path than the mapping predicts' },
  ])('$what is a difference', async ({ change, says }) => {
    catalogueByHand(join(place, 'old'), join(place, 'made'), { sql: careful, settings: (text) => change(settings(text)) });
    const { exitCode, stdout, stderr } = await plexlift('prove', ...directories, ...maps);
    expect(exitCode).toBe(5);
    expect(stdout).toContain(`${preferencesFile}: ${says}\n`);
    expect(stdout + stderr).not.toContain('s3cret');
  });

  test('no secret is ever printed, in words or as JSON', async () => {
    catalogueByHand(join(place, 'old'), join(place, 'made'), { sql: `${careful} UPDATE metadata_items SET summary = 'token=s3cret' WHERE id = 1`, settings: (text) => text.replace('s3cret"', 's3cret" customCertificateKey="s3cret"') });
    for (const words of [[], ['--json']]) {
      const { exitCode, stdout, stderr } = await plexlift('prove', ...directories, ...maps, ...words);
      expect(exitCode).toBe(5);
      expect(stdout + stderr).toContain('customCertificateKey');
      expect(stdout + stderr).not.toContain('s3cret');
    }
  });

  test('a database that one of them lacks is a difference; a dated backup, or what a person left there, is not', async () => {
    catalogueByHand(join(place, 'old'), join(place, 'made'), { sql: careful, settings });
    const databases = join(place, 'made', databasesDirectory);
    writeFileSync(join(databases, `${libraryDatabase}.original`), 'mine');
    renameSync(join(databases, `${libraryDatabase}-2026-11-20`), join(databases, `${libraryDatabase}-2026-11-23`));
    const { exitCode, stdout } = await plexlift('prove', ...directories, ...maps);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`"${libraryDatabase}-2026-11-20", a dated backup that only OLD has\n`);
    expect(stdout).toContain(`"${libraryDatabase}-2026-11-23", a dated backup that only NEW has\n`);
    expect(stdout).toContain(`what lies beside the databases and is none: "${libraryDatabase}.original"\n`);
    rmSync(join(databases, 'com.plexapp.plugins.library.blobs.db'));
    expect(await plexlift('prove', ...directories, ...maps)).toMatchObject({ exitCode: 5, stdout: expect.stringContaining('library.blobs.db: this file is gone') });
  });

  test('without settings on one side are not proven; without any, they are just not compared', async () => {
    catalogueByHand(join(place, 'old'), join(place, 'made'), { sql: careful, settings });
    rmSync(join(place, 'made', preferencesFile));
    expect(await plexlift('prove', ...directories, ...maps)).toMatchObject({ exitCode: 5, stdout: expect.stringContaining(`${preferencesFile}: this file is gone`) });
    rmSync(join(place, 'old', preferencesFile));
    expect(await plexlift('prove', ...directories, ...maps)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`there is no ${preferencesFile}`) });
  });
});

describe('what cannot be used is one clear error', () => {
  beforeEach(() => byHand(oldFile, newFile, careful));

  test.each([
    { words: [], says: "missing required argument 'old'" },
    { words: ['old.db'], says: "missing required argument 'new'" },
    { words: ['old.db', 'new.db', 'more'], says: 'too many arguments' },
    { words: ['old.db', 'new.db'], says: 'plexlift init' },
    { words: ['old.db', 'new.db', '--map', '/a'], says: 'Cannot read the mapping "/a"' },
    { words: ['old.db', 'new.db', '--map', 'a=b'], says: '"a" is not an absolute path' },
    { words: ['old.db', 'new.db', '--map', '/a=b'], says: '"b" is not an absolute path' },
    { words: ['old.db', 'new.db', '--map', '/a=/b', '--map', '/a/=/c'], says: 'Cannot map "/a": it is given twice' },
    { words: ['old.db', 'new.db', '--map', '/a=/c', '--map', '/b=/c', '--reverse'], says: 'both went to "/c"' },
    { words: ['old.db', 'new.db', '--map', '/a=/b', '-c', 'plexlift.yaml'], says: 'Cannot use both --map and --config' },
    { words: ['old.db', 'new.db', '-c', 'none.yaml'], says: 'Cannot find the configuration' },
    { words: ['old.db', 'old.db', '--map', '/a=/b'], says: 'with itself' },
    { words: ['old.db', 'old', '--map', '/a=/b'], says: 'Cannot compare a database with a directory' },
    { words: ['old.db', 'new.db', '--guids'], says: '--guids' },
  ])('$words: exit 2', async ({ words, says }) => {
    const { exitCode, stdout, stderr } = await plexlift('prove', ...words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(says);
  });

  test.each([
    { what: 'a file that is not there', make: () => undefined, says: 'there is no such file or directory' },
    { what: 'a text', make: (file: string) => writeFileSync(file, 'x'.repeat(200)), says: 'the file is not a database' },
    { what: 'an empty file', make: (file: string) => writeFileSync(file, ''), says: 'the file is empty' },
    { what: 'a database that is cut short', make: (file: string) => { copyFileSync(newFile, file); truncateSync(file, 100_000); }, says: 'the file is cut short' },
    { what: 'a database that is damaged inside', make: (file: string) => damage(newFile, file), says: 'Cannot read both libraries to the end' },
    { what: 'an empty directory', make: (file: string) => mkdirSync(file), says: `it has no "${databasesDirectory}"` },
    { what: 'a directory without databases', make: (file: string) => mkdirSync(join(file, databasesDirectory), { recursive: true }), says: 'there is no database in its' },
    { what: 'the directory of the databases itself', make: (file: string) => cpSync(join(place, 'old', databasesDirectory), file, { recursive: true }), says: 'Name the directory two levels above it' },
    { what: 'a directory above a data directory', make: (file: string) => cpSync(join(place, 'old'), join(file, 'Plex Media Server'), { recursive: true }), says: 'Perhaps you mean "' },
    { what: 'a link that leads nowhere', make: (file: string) => symlinkSync('/nowhere/at/all', file), says: 'there is no such file or directory' },
    { what: 'a device', make: (file: string) => symlinkSync('/dev/null', file), says: 'neither a file nor a directory' },
    { what: 'malformed settings', make: (file: string) => { cpSync(join(place, 'old'), file, { recursive: true }); writeFileSync(join(file, preferencesFile), '<Preferences PlexOnlineToken="s3cret" a=b/>'); }, says: 'line 1', against: 'old' },
  ])('$what: exit 3', async ({ make, says, against }) => {
    const file = join(place, 'given');
    make(file);
    for (const words of [[file, against ?? 'new.db'], [against ?? 'old.db', file]]) {
      const { exitCode, stdout, stderr } = await plexlift('prove', ...words, ...maps);
      expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 3, stdout: '' });
      expect(stderr).toContain(says);
      expect(stderr).not.toContain('s3cret');
    }
    expect(leftBehind()).toEqual([]);
  });

  test.skipIf(process.getuid?.() === 0)('a file that may not be read: exit 3', async () => {
    chmodSync(newFile, 0);
    expect(await plexlift('prove', 'old.db', 'new.db', ...maps)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('you may not read it') });
  });

  test('a database with something beside it that is no log: exit 3, and it is named', async () => {
    writeFileSync(`${newFile}-wal`, 'x'.repeat(3000));
    const { exitCode, stderr } = await plexlift('prove', 'old.db', 'new.db', ...maps);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('the write-ahead log beside it is none');
    expect(stderr).toContain(`\n  ${newFile}\n`);
  });

  test('a log is not taken for its database', async () => {
    writeFileSync(`${newFile}-wal`, 'x');
    expect(await plexlift('prove', 'old.db', 'new.db-wal', ...maps)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Name the database itself') });
  });

  test('being stopped leaves nothing: exit 130', async () => {
    expect(await plexliftIn(place, ['prove', 'old.db', 'new.db', ...maps], { signal: AbortSignal.abort() })).toMatchObject({ exitCode: 130, stdout: '' });
    expect(leftBehind()).toEqual([]);
    expect(existsSync(newFile)).toBe(true);
    expect(readFileSync(newFile).length).toBeGreaterThan(0);
  });
});
