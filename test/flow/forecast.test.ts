import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ToldForecast } from '../../src/migration/forecast.ts';
import { differencesOf, treeOf } from './comparing.ts';
import type { Scene } from './scene.ts';
import { makeScene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await makeScene();
});

afterAll(() => scene.remove());

async function forecast(...words: readonly string[]): Promise<ToldForecast | null> {
  const { exitCode, stdout } = await scene.plexlift('plan', '--json', ...words);
  expect(exitCode).toBe(0);
  return (JSON.parse(stdout) as { readonly forecast: ToldForecast | null }).forecast;
}

test('before a run, a sample is read, and neither side is changed nor anything kept', async () => {
  const before = treeOf(scene.source, { exact: true });
  const { exitCode, stdout, stderr } = await scene.plexlift('plan');
  expect(exitCode).toBe(0);
  expect(stderr).toContain('nothing is changed');
  expect(stdout).toMatch(/Copying ahead {2}about [^\n]+ entries, [^\n]+ to copy\n/);
  expect(stdout).toMatch(/Down time {6}about /);
  expect(stdout).toContain('Copying: from a sample of ');
  expect(differencesOf(before, treeOf(scene.source, { exact: true }))).toEqual([]);
  expect([existsSync(scene.target), existsSync(scene.run)]).toEqual([false, false]);

  const told = await forecast();
  expect(told?.copyAhead.load.entries).toBeGreaterThan(500);
  expect(told?.copyAhead.parts.map(({ basis }) => basis)).toEqual(['measured', 'sampled']);
  expect(await forecast('--offline')).toBeNull();
});

test('a limit makes it longer, for copying ahead only', async () => {
  const [free, limited] = [await forecast(), await forecast('--limit', '64K')];
  const least = ((free?.copyAhead.load.bytes ?? 0) / 65_536) * 1000;
  expect(limited?.copyAhead.lowMs).toBeGreaterThanOrEqual(least);
  expect(limited?.restsOn.join('\n')).toContain('At most 64.0 KiB a second');
});

test('a source that cannot be read is told with the way around', async () => {
  scene.configure({ source: { directory: join(scene.place, 'nowhere'), version: scene.facts.version } });
  const { exitCode, stdout, stderr } = await scene.plexlift('plan');
  expect(exitCode).toBe(4);
  expect(stdout).toContain('copy-ahead');
  expect(stderr).toContain('Cannot measure for a forecast');
  expect(stderr).toContain('plexlift plan --offline');
  scene.configure();
});

test('once this run has copied, its own figures are used, and nobody is asked', async () => {
  expect((await scene.plexlift('migrate', '--until', 'copy-ahead')).exitCode).toBe(0);
  writeFileSync(join(scene.source, 'Metadata', 'came later.txt'), 'not yet listed');
  renameSync(scene.source, `${scene.source} away`);
  const told = await forecast();
  renameSync(`${scene.source} away`, scene.source);
  expect(told?.copyAhead).toMatchObject({ load: { entries: 0, bytes: 0 } });
  expect(told?.copyAhead.parts.map(({ basis }) => basis)).toEqual(['measured', 'measured']);
  expect(told?.restsOn[0]).toBe('Copying: measured by this run while copying all of it');
  const basis = Object.fromEntries((told?.downTime.parts ?? []).map((part) => [part.what, part.basis]));
  expect(basis).toMatchObject({ 'take the databases': 'measured', 'rewrite and prove them': 'measured', 'publish, and start Plex': 'assumed' });
  expect(await forecast('--offline')).toEqual(told);
});

test('once it is published, there is nothing to foretell', async () => {
  expect((await scene.plexlift('migrate')).exitCode).toBe(0);
  const { exitCode, stdout } = await scene.plexlift('plan');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('No forecast: the library is published');
});
