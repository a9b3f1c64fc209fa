import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differencesOf, mainDatabase, rawPreferences, treeOf } from './comparing.ts';
import type { Scene } from './scene.ts';
import { makeScene } from './scene.ts';

let scene: Scene;
let before: ReadonlyMap<string, string>;

beforeAll(async () => {
  scene = await makeScene();
  before = treeOf(scene.source, { exact: true });
});

afterAll(() => scene.remove());

function expectUntouched(): void {
  expect(differencesOf(before, treeOf(scene.source, { exact: true }))).toEqual([]);
  expect(existsSync(join(scene.target, 'Library'))).toBe(false);
}

test('before anything was done there is nothing to roll back', async () => {
  const nothing = await scene.plexlift('rollback');
  expect(nothing.exitCode).toBe(2);
  expect(nothing.stderr).toContain('Cannot find a run');
});

// One after the other in one run directory: each migration is also the proof that the rollback before it left a way to begin anew.
test.each(['open-target', 'copy-ahead', 'stop-source', 'deliver', 'publish', 'verify'])('stopped after %s and rolled back, both sides are as they were', async (step) => {
  const migrated = await scene.plexlift('migrate', '--until', step);
  expect(migrated.stderr).not.toContain('Cannot');
  expect(migrated.exitCode).toBe(0);
  expect(existsSync(join(scene.library, mainDatabase))).toBe(['publish', 'verify'].includes(step));

  const back = await scene.plexlift('rollback');
  expect(back.exitCode).toBe(0);
  expect(back.stderr).toContain('everything is as it was');
  expectUntouched();
});

test('rolling back once more says that it was done, changes nothing and begins no other run', async () => {
  const left = treeOf(scene.target, { exact: true });
  const runs = scene.events().filter((event) => event.type === 'run-created').length;
  const again = await scene.plexlift('rollback');
  expect(again.exitCode).toBe(0);
  expect(again.stderr).toContain('Nothing was changed: everything was taken back already');
  expect(scene.events().filter((event) => event.type === 'run-created')).toHaveLength(runs);
  expect(differencesOf(left, treeOf(scene.target, { exact: true }))).toEqual([]);
  expectUntouched();
});

test('rollback says what it did, what it did not do, and what is left with the commands that remove it; finish removes what was copied, once', async () => {
  expect((await scene.plexlift('migrate')).exitCode).toBe(0);
  const { stderr: told } = await scene.plexlift('rollback');
  expect(told).toContain('Taken back: restore-settings, publish, stop-source, open-target\n');
  expect(told).toContain('Nothing was removed: what was copied, and a library that was withdrawn, stay on the volume');
  const withdrawn = readdirSync(scene.target).filter((name) => name.startsWith('Library.withdrawn-')).map((name) => join(scene.target, name));
  expect(withdrawn.length).toBeGreaterThan(1);
  for (const path of withdrawn) expect(told).toMatch(new RegExp(`${path} \\(.*B\\): the migrated library that was withdrawn\\n +rm -rf ${path}\\n`));
  expect(told).toMatch(/\.plexlift\/\S+ \(.*\): what was copied and is no library.*\n +plexlift finish\n/);
  expect(readFileSync(join(scene.run, 'report.md'), 'utf8')).toContain(`\`rm -rf ${withdrawn[0]}\``);

  const finished = await scene.plexlift('finish', '--yes', 'finish');
  expect(finished.exitCode).toBe(0);
  expect(finished.stderr).toContain('No library was removed');
  expect(finished.stderr).toContain(withdrawn[0]);
  expect(finished.stderr).not.toContain('plexlift finish\n');
  expect(readdirSync(join(scene.target, '.plexlift')).filter((name) => existsSync(join(scene.target, '.plexlift', name, 'receipts')))).toEqual([]);

  const left = treeOf(scene.target, { exact: true });
  for (const [words, said] of [[['finish'], 'Nothing was changed: this run was finished already'], [['rollback'], 'Nothing was changed: everything was taken back already']] as const) {
    const again = await scene.plexlift(...words);
    expect(again.exitCode).toBe(0);
    expect(again.stderr).toContain(said);
  }
  expect(differencesOf(left, treeOf(scene.target, { exact: true }))).toEqual([]);
  expectUntouched();
});

test('after all that, the library can be migrated as if nothing had been', async () => {
  expect((await scene.plexlift('migrate')).exitCode).toBe(0);
  expect(rawPreferences(join(scene.library, 'Preferences.xml')).get('MachineIdentifier')).toBe(scene.facts.machineIdentifier);
  expect(differencesOf(before, treeOf(scene.source, { exact: true }))).toEqual([]);
  expect((await scene.plexlift('rollback')).exitCode).toBe(0);
  expectUntouched();
});

test('the report tells what was undone', async () => {
  const undone = scene.events().filter((event) => event.type === 'undo-finished').map((event) => event.step);
  expect(undone.slice(-4)).toEqual(['restore-settings', 'publish', 'stop-source', 'open-target']);
});

test('a library that is there already is left alone without consent, set aside with it, and back after rollback', async () => {
  mkdirSync(join(scene.library, 'Plug-in Support', 'Databases'), { recursive: true });
  writeFileSync(join(scene.library, 'Preferences.xml'), '<?xml version="1.0" encoding="utf-8"?>\n<Preferences MachineIdentifier="another" ProcessedMachineIdentifier="yet-another"/>\n');
  writeFileSync(join(scene.library, mainDatabase), 'a library somebody loves');
  const loved = treeOf(join(scene.target, 'Library'), { exact: true });

  const unanswered = await scene.plexlift('migrate');
  expect(unanswered.exitCode).toBe(3);
  expect(unanswered.stderr).toContain('--yes existing-library=set-aside');
  expect(unanswered.stderr).toContain('machine identifier another');
  expect(differencesOf(loved, treeOf(join(scene.target, 'Library'), { exact: true }))).toEqual([]);

  const kept = await scene.plexlift('migrate', '--yes', 'existing-library=keep');
  expect(kept.exitCode).toBe(3);
  expect(kept.stderr).toContain('Stopped because');
  const wrong = await scene.plexlift('migrate', '--yes', 'existing-library=delete-it');
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain('--yes existing-library=set-aside');
  expect(differencesOf(loved, treeOf(join(scene.target, 'Library'), { exact: true }))).toEqual([]);

  expect((await scene.plexlift('migrate', '--yes', 'existing-library')).exitCode).toBe(0);
  expect(rawPreferences(join(scene.library, 'Preferences.xml')).get('MachineIdentifier')).toBe(scene.facts.machineIdentifier);
  const aside = readdirSync(scene.target).filter((name) => name.startsWith('Library.set-aside-'));
  expect(aside).toHaveLength(1);
  expect(differencesOf(loved, treeOf(join(scene.target, aside[0] ?? ''), { exact: true }))).toEqual([]);

  expect((await scene.plexlift('rollback')).exitCode).toBe(0);
  expect(differencesOf(loved, treeOf(join(scene.target, 'Library'), { exact: true }))).toEqual([]);
  expect(differencesOf(before, treeOf(scene.source, { exact: true }))).toEqual([]);
});
