import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plan } from '../../src/migration/plan.ts';
import { bulkOf, cells, changedCells, differencesOf, mainDatabase, rawPreferences, treeOf } from './comparing.ts';
import type { Outcome, Scene } from './scene.ts';
import { makeScene } from './scene.ts';

let scene: Scene;
let before: ReadonlyMap<string, string>;
let outcome: Outcome;

beforeAll(async () => {
  scene = await makeScene();
  before = treeOf(scene.source, { exact: true });
  const left = join(scene.run, 'scratch', 'plexlift-examine-of-a-killed-command');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'library.db'), 'as large as the library');
  outcome = await scene.plexlift('migrate');
});

afterAll(() => scene.remove());

/** A path as the mapping of the scene has it; written without plexlift's own mapping. */
function mapped(path: string): string {
  for (const { from, to } of scene.pairs) if (path === from || path.startsWith(`${from}/`)) return to + path.slice(from.length);
  return path;
}

test('ends with 0, every step on record, and says what is true now', () => {
  expect(outcome.exitCode).toBe(0);
  expect(scene.events().filter((event) => event.type === 'step-finished').map((event) => event.step)).toEqual(plan.map((step) => step.name));
  expect(outcome.stderr).toContain('17/17');
  expect(outcome.stderr).toContain('the library is published');
  expect(outcome.stderr).toContain('plexlift rollback');
  expect(outcome.stdout).toBe('');
});

test('the run directory holds the record, the catalogues and nothing else, also of a command that was killed before', () => {
  const manifest = /^manifest-\d{8}t\d{6}-[0-9a-f]{4}\.db$/;
  expect(readdirSync(scene.run).map((name) => name.replace(manifest, 'manifest')).toSorted()).toEqual(['backup', 'catalogue', 'journal.ndjson', 'manifest', 'missing-media.ndjson', 'report.md', 'trial']);
  expect(readdirSync(join(scene.run, 'trial'))).toEqual(['before']);
});

test('the source is as it was, to the last byte', () => {
  expect(differencesOf(before, treeOf(scene.source, { exact: true }))).toEqual([]);
});

test('everything that moves unchanged lies at the target with content, mode and time, and nothing else does', () => {
  const [sent, arrived] = [bulkOf(treeOf(scene.source)), bulkOf(treeOf(scene.library))];
  expect(sent.size).toBeGreaterThan(500);
  // What is delivered later changes the time of the directory it is put into.
  expect(differencesOf(sent, arrived).filter((line) => !line.startsWith('Plug-in Support: '))).toEqual([]);
});

test('what belongs to the old machine did not come along', () => {
  for (const name of ['plexmediaserver.pid', 'Codecs', 'Drivers', 'Logs', 'Crash Reports', 'Updates', 'Diagnostics', 'Setup Plex.html']) {
    expect(existsSync(join(scene.source, name)), name).toBe(true);
    expect(existsSync(join(scene.library, name)), name).toBe(false);
  }
});

test('in the main database exactly the paths differ, as mapped', () => {
  const changed = changedCells(join(scene.source, mainDatabase), join(scene.library, mainDatabase));
  const columns = ['section_locations.root_path', 'media_parts.file', 'media_streams.url'];
  expect([...new Set(changed.map(({ place }) => place))].toSorted()).toEqual(columns.toSorted());
  for (const { place, before: was, after } of changed) {
    const expected = place === 'media_streams.url' ? `file://${mapped(String(was).slice('file://'.length))}` : mapped(String(was));
    expect(after).toBe(expected);
  }
  const files = cells(join(scene.source, mainDatabase), 'SELECT file FROM media_parts NOT INDEXED').map(String);
  expect(changed.filter(({ place }) => place === 'media_parts.file')).toHaveLength(files.filter((file) => mapped(file) !== file).length);
  expect(files.filter((file) => mapped(file) !== file).length).toBeGreaterThan(60);
});

test('every mapped media file is found where the target database says', () => {
  const files = cells(join(scene.library, mainDatabase), "SELECT file FROM media_parts NOT INDEXED WHERE file LIKE '/%'").map(String);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});

test('the other databases arrived as they were', () => {
  for (const path of scene.facts.databases.filter((name) => !name.endsWith('/com.plexapp.plugins.library.db') && name.endsWith('.db'))) {
    expect(changedCells(join(scene.source, path), join(scene.library, path)), path).toEqual([]);
  }
  for (const path of scene.facts.databases.filter((name) => !name.endsWith('.db'))) {
    expect(readFileSync(join(scene.library, path)).equals(readFileSync(join(scene.source, path))), path).toBe(true);
  }
});

test('the identity is the same to the last bit, and exactly the settings of the old machine differ', () => {
  const [was, is] = [rawPreferences(join(scene.source, 'Preferences.xml')), rawPreferences(join(scene.library, 'Preferences.xml'))];
  const identity = ['MachineIdentifier', 'ProcessedMachineIdentifier', 'AnonymousMachineIdentifier', 'CertificateUUID', 'PlexOnlineToken', 'PlexOnlineUsername', 'PlexOnlineMail'];
  for (const name of identity) {
    expect(was.get(name), name).not.toBeUndefined();
    expect(is.get(name), name).toBe(was.get(name));
  }
  const changed = [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name));
  expect(changed.toSorted()).toEqual([
    'CinemaTrailersPrerollID', 'DownloadsTempDirectory', 'FriendlyName', 'GlobalMusicVideoPath', 'HardwareDevicePath',
    'LastAutomaticMappedPort', 'PreferredNetworkInterface', 'TranscoderTempDirectory', 'VaapiDriver',
  ]);
});

test('the token of the server is nowhere in what was recorded or said', () => {
  const { token } = scene.facts;
  expect(token.length).toBeGreaterThan(10);
  for (const text of [readFileSync(join(scene.run, 'journal.ndjson'), 'utf8'), readFileSync(join(scene.run, 'report.md'), 'utf8'), outcome.stderr]) expect(text).not.toContain(token);
});

test('running it again does nothing and ends with 0', async () => {
  const steps = (): number => scene.events().filter((event) => event.type === 'step-begun').length;
  const earlier = steps();
  expect((await scene.plexlift('migrate')).exitCode).toBe(0);
  expect(steps()).toBe(earlier);
});

test('status and report tell the whole run', async () => {
  const status = await scene.plexlift('status');
  expect(status.stdout.match(/finished/g)).toHaveLength(plan.length);
  const report = await scene.plexlift('report');
  expect(report.stdout.trim()).toBe(join(scene.run, 'report.md'));
  const text = readFileSync(join(scene.run, 'report.md'), 'utf8');
  for (const heading of ['In short', 'The library', 'Backup', 'Media files', 'What was copied', 'What was rewritten', 'Proof', 'Checks', 'Commands carried out']) expect(text).toContain(`## ${heading}`);
  expect(text).toContain('17 of 17 steps are done');
  expect(text).not.toContain('recorded by another version');
});

test('the mapping cannot be changed any more, and finish asks before it ends the way back', async () => {
  scene.configure({ paths: [...scene.pairs, { from: '/mnt/more', to: '/media/more' }] });
  const changed = await scene.plexlift('migrate');
  expect(changed.exitCode).toBe(3);
  expect(changed.stderr).toContain('Cannot change the path mapping');
  scene.configure();

  const unanswered = await scene.plexlift('finish');
  expect(unanswered.exitCode).toBe(3);
  expect(unanswered.stderr).toContain('--yes finish=finish');
  const kept = await scene.plexlift('finish', '--yes', 'finish=keep');
  expect(kept.exitCode).toBe(3);
  const ended = await scene.plexlift('finish', '--yes', 'finish');
  expect(ended.stderr + ended.stdout).toContain('was removed');
  expect(ended.exitCode).toBe(0);
  expect(existsSync(join(scene.library, mainDatabase))).toBe(true);
  const tooLate = await scene.plexlift('rollback');
  expect(tooLate.exitCode).toBe(3);
  expect(existsSync(join(scene.library, mainDatabase))).toBe(true);
});
