import { appendFileSync, closeSync, copyFileSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { differencesOf, mainDatabase, treeOf } from './comparing.ts';
import type { Scene } from './scene.ts';
import { makeScene } from './scene.ts';

let scene: Scene;

beforeEach(async () => {
  scene = await makeScene({ missingMedia: 2 });
});

afterEach(() => scene.remove());

/** Overwrites the root page of a table with zeros: damage as a bad disk leaves it. */
function zeroRootPage(file: string, table: string): void {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database.prepare('SELECT rootpage, (SELECT page_size FROM pragma_page_size) AS size FROM sqlite_master WHERE name = ?').get(table);
  database.close();
  const size = Number(row?.['size']);
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(size), 0, size, (Number(row?.['rootpage']) - 1) * size);
  closeSync(descriptor);
}

test('a damaged database stops the run before the target is touched, named with its table; once repaired, the same command goes on', async () => {
  const database = join(scene.source, mainDatabase);
  const sound = join(scene.place, 'sound.db');
  copyFileSync(database, sound);
  zeroRootPage(database, 'media_parts');

  const damaged = await scene.plexlift('migrate');
  expect(damaged.exitCode).toBe(3);
  expect(existsSync(scene.target)).toBe(false);
  const report = readFileSync(join(scene.run, 'report.md'), 'utf8');
  expect(report).toMatch(/com\.plexapp\.plugins\.library\.db, table media_parts: /);
  expect(damaged.stderr).toContain('Repair');

  copyFileSync(sound, database);
  const repaired = await scene.plexlift('migrate', '--until', 'examine');
  expect(repaired.stderr).not.toContain('damage');
  expect(repaired.exitCode).toBe(0);
});

test('a library directory that no mapping covers is named, with its library, and nothing is begun at the target', async () => {
  scene.configure({ paths: [scene.pairs[1]] });
  const refused = await scene.plexlift('migrate');
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain('mapping-covers-libraries');
  const bare = scene.facts.libraries.flatMap(({ name, roots }) => roots.map((root) => ({ name, root }))).filter(({ root }) => root.startsWith(`${scene.facts.mediaPath}/`));
  expect(bare.length).toBeGreaterThan(5);
  for (const { name, root } of bare) expect(refused.stderr).toContain(`"${root}" of library "${name}"`);
  expect(existsSync(scene.target)).toBe(false);

  scene.configure();
  expect((await scene.plexlift('migrate', '--until', 'examine')).exitCode).toBe(0);
});

test('a failed check is asked anew of both sides when the command is run again, and one that stays can be accepted by name', async () => {
  scene.configure({ source: { directory: scene.source } });
  const refused = await scene.plexlift('migrate');
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain('source-version-known');
  expect(refused.stderr).toContain('--accept same-version');

  scene.configure();
  expect((await scene.plexlift('migrate', '--until', 'preflight')).exitCode).toBe(0);

  scene.configure({ source: { directory: scene.source }, run: join(scene.place, 'other-run') });
  expect((await scene.plexlift('check')).exitCode).toBe(3);
  const accepted = await scene.plexlift('check', '--accept', 'source-version-known', '--accept', 'same-version');
  expect(accepted.exitCode).toBe(0);
  expect(accepted.stderr).toContain('accepted: same-version');
  expect(existsSync(join(scene.place, 'other-run'))).toBe(false);
});

test('a changed mapping discards what was found from "examine" on, and nothing before it', async () => {
  expect((await scene.plexlift('migrate', '--until', 'copy-ahead')).exitCode).toBe(0);
  scene.configure({ paths: [...scene.pairs, { from: '/mnt/more', to: join(scene.place, 'more') }] });
  const changed = await scene.plexlift('migrate', '--until', 'copy-ahead');
  expect(changed.exitCode).toBe(0);
  const discarded = scene.events().filter((event) => event.type === 'results-discarded');
  expect(discarded.map((event) => event.steps)).toEqual([['examine', 'open-target', 'media', 'copy-ahead']]);
  const begun = scene.events().filter((event) => event.type === 'step-begun').map((event) => event.step);
  expect(begun).toEqual(['inspect', 'preflight', 'back-up', 'examine', 'open-target', 'media', 'copy-ahead', 'examine', 'open-target', 'media', 'copy-ahead']);
});

test('missing media are listed and keep the emptying of the trash off', async () => {
  const migrated = await scene.plexlift('migrate');
  expect(migrated.exitCode).toBe(0);
  const listed = readFileSync(join(scene.run, 'missing-media.ndjson'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { path: string }).path);
  const expected = scene.facts.missingMedia.map((path) => scene.pairs.reduce((mapped, { from, to }) => (path.startsWith(`${from}/`) ? to + path.slice(from.length) : mapped), path));
  expect(listed.toSorted()).toEqual(expected.toSorted());
  expect(readFileSync(join(scene.library, 'Preferences.xml'), 'utf8')).toContain('autoEmptyTrash="0"');
  expect(migrated.stderr).toContain('--accept missing-media');

  expect((await scene.plexlift('migrate', '--again', 'restore-settings', '--accept', 'missing-media')).exitCode).toBe(0);
  expect(readFileSync(join(scene.library, 'Preferences.xml'), 'utf8')).not.toContain('autoEmptyTrash');
});

test('a rehearsal walks the road into a directory and leaves source and target alone', async () => {
  const before = treeOf(scene.source, { exact: true });
  const directory = join(scene.place, 'rehearsed');
  const rehearsed = await scene.plexlift('rehearse', directory);
  expect(rehearsed.exitCode).toBe(0);
  expect(rehearsed.stderr).toContain('16/16');
  expect(existsSync(join(directory, 'Library', 'Application Support', 'Plex Media Server', mainDatabase))).toBe(true);
  expect(existsSync(scene.target)).toBe(false);
  expect(existsSync(scene.run)).toBe(false);
  expect(differencesOf(before, treeOf(scene.source, { exact: true }))).toEqual([]);
});

test('a target inside the source is refused', async () => {
  scene.configure({ target: { directory: join(scene.source, 'Metadata', 'new') } });
  const refused = await scene.plexlift('check');
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain('directory-not-inside-source');
});

test('a final slash in a mapping changes nothing', async () => {
  scene.configure({ paths: scene.pairs.map(({ from, to }) => ({ from: `${from}/`, to: `${to}/` })) });
  expect((await scene.plexlift('migrate', '--until', 'media')).exitCode).toBe(0);
  const looked = scene.events().findLast((event) => event.type === 'step-finished' && event.step === 'media');
  expect(looked).toMatchObject({ result: { notLookedUp: 0, missing: 2, sentinels: expect.arrayContaining([expect.anything()]) } });
});

test('a database that changes after it was taken is not published; --again stop-source takes it anew', async () => {
  expect((await scene.plexlift('migrate', '--until', 'prove-landing')).exitCode).toBe(0);
  const database = new DatabaseSync(join(scene.source, mainDatabase));
  database.exec('PRAGMA user_version = 4711');
  database.close();
  const refused = await scene.plexlift('migrate');
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toContain('changed after they were taken');
  expect(existsSync(join(scene.target, 'Library'))).toBe(false);

  expect((await scene.plexlift('migrate', '--again', 'stop-source')).exitCode).toBe(0);
  expect(existsSync(join(scene.library, mainDatabase))).toBe(true);
});

test('what falls over in the landing area before publish is found, and the same command repairs it', async () => {
  expect((await scene.plexlift('migrate', '--until', 'deliver')).exitCode).toBe(0);
  const run = scene.events().findLast((event) => event.type === 'run-created');
  const landing = join(scene.target, '.plexlift', run?.type === 'run-created' ? run.run : '', 'Library', 'Application Support', 'Plex Media Server');
  rmSync(join(landing, 'Metadata'), { recursive: true });
  appendFileSync(join(landing, 'Preferences.xml'), ' ');
  const refused = await scene.plexlift('migrate');
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toContain('Run the same command again: what differs is sent again');
  expect(existsSync(join(scene.target, 'Library'))).toBe(false);

  const repaired = await scene.plexlift('migrate');
  expect(repaired.stderr).not.toContain('Cannot');
  expect(repaired.exitCode).toBe(0);
});

test('a first Ctrl-C ends with 130 and the same command continues', async () => {
  const stop = new AbortController();
  stop.abort();
  const interrupted = await scene.plexliftOn({ signal: stop.signal }, 'migrate');
  expect(interrupted.exitCode).toBe(130);
  expect((await scene.plexlift('migrate', '--until', 'examine')).exitCode).toBe(0);
  const rollback = await scene.plexliftOn({ signal: stop.signal }, 'rollback');
  expect(rollback.exitCode).toBe(130);
  expect((await scene.plexlift('rollback')).exitCode).toBe(0);
});

test.each([' 7/17', '13/17'])('a Ctrl-C in the middle of step %s ends with 130; the same command continues to the end', async (step) => {
  const stop = new AbortController();
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.toString('utf8').includes(step)) stop.abort();
      done();
    },
  });
  expect((await scene.plexliftOn({ signal: stop.signal, stderr }, 'migrate')).exitCode).toBe(130);
  expect(scene.events().findLast((event) => event.type === 'command-ended')).toMatchObject({ outcome: 'interrupted' });
  expect(existsSync(join(scene.target, 'Library'))).toBe(false);
  expect((await scene.plexlift('migrate', '--until', 'publish')).exitCode).toBe(0);
  expect(existsSync(join(scene.library, mainDatabase))).toBe(true);
});
