import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { proveLandingArea } from '../../src/migration/steps/proveLandingArea.ts';
import { databasesDirectory, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import type { OwnSqliteFinding } from '../../src/plex/ownSqliteFindings.ts';
import type { Finding } from '../../src/runner/check.ts';
import type { Target } from '../../src/targets/target.ts';
import type { Entry } from '../../src/transfer/entry.ts';
import { openManifest, type Manifest } from '../../src/transfer/manifest.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { sourceFacts, stepTools, targetFacts, thrownBy } from './literalFacts.ts';

const path = `${databasesDirectory}/${libraryDatabase}`;
const alarm = 'unable to validate the inverted index for FTS4 table main.fts4_tag_titles_icu: SQL logic error';
const warned: Finding = { status: 'warn', detail: `Plex SQLite found it intact, but for what it is known to say of sound libraries: ${alarm}`, remedy: 'Nothing' };

// Nothing was sent and nothing landed: what is proven of the tree is not the matter here.
const scratch = makeScratchDirectory('plexlift-landing-');
const manifest = openManifest(join(scratch, 'manifest.db'));
for (const tree of ['bulk', 'catalogue'] as const) manifest.finishListing(manifest.beginListing(tree));
afterAll(() => {
  manifest.close();
  rmSync(scratch, { recursive: true });
});

function scene(finding: Finding, ownSqlite: readonly OwnSqliteFinding[] | null, there: { readonly manifest: Manifest; readonly landed: readonly Entry[] } = { manifest, landed: [] }) {
  const asked: string[][] = [];
  const target = {
    name: 'release plex',
    async *landed() {
      yield* there.landed;
    },
    bootId: async () => 'this boot',
    landedDigest: async () => 'another',
    digestsOf: async () => new Map(),
    mounts: async () => [],
    lookUp: async function* lookUp() {
      /* no sentinels */
    },
    async checkDatabases(paths: readonly string[]) {
      asked.push([...paths]);
      return paths.map((each) => ({ path: each, finding }));
    },
  } as unknown as Target;
  const tools = stepTools({
    inspect: { source: sourceFacts(), target: targetFacts() },
    examine: { ownSqlite },
    rewrite: { files: { [path]: 'digest', [`${path}-2026-11-20`]: 'digest', 'Preferences.xml': 'digest' } },
    media: { sentinels: [] },
  });
  return { asked, tools, target, run: () => proveLandingArea.run({ run: 'run-1', target, manifest: () => there.manifest, pairs: [], rehearsal: false, ...tools }) };
}

test('damage refuses, names every file, and says what was found before the move', async () => {
  const damaged: Finding = { status: 'fail', detail: 'Plex SQLite found: row 4 missing from index index_title_sort_icu', remedy: 'Take the catalogue again' };
  const error = await thrownBy(scene(damaged, [{ file: libraryDatabase, verdict: 'sound', lines: ['ok'] }]).run());
  expect(error).toMatchObject({
    kind: 'refused',
    facts: [`${path}: Plex SQLite found: row 4 missing from index index_title_sort_icu`, `${path}, before the move: the source's own Plex SQLite found it sound`],
    remedy: expect.stringMatching(/Nothing was published.*"plexlift rollback" starts it again\. Take the catalogue again/) as string,
  });
  expect(await thrownBy(scene(damaged, null).run())).toMatchObject({ facts: [expect.any(String), `${path}, before the move: no Plex SQLite on the source examined it`] });
});

test('the known false report is a note that says what was said before the move, and after it', async () => {
  const before = scene(warned, [{ file: libraryDatabase, verdict: 'false report', lines: [alarm] }]);
  expect((await before.run()).databases).toEqual([{ path, said: warned.detail, examined: true }]);
  expect(before.tools.notes).toEqual([`${path}: before the move, the source's own Plex SQLite said: ${alarm}; after it, on release plex: ${warned.detail}`]);
  const came = scene(warned, [{ file: libraryDatabase, verdict: 'sound', lines: ['ok'] }]);
  await came.run();
  expect(came.tools.notes).toEqual([`${path}: before the move, the source's own Plex SQLite found it sound; after it, on release plex: ${warned.detail}`]);
});

test('every database is asked about, dated backups are not, and a sound one needs no words', async () => {
  const { run, asked, tools } = scene({ status: 'pass', detail: 'Plex SQLite found it intact' }, null);
  expect((await run()).databases).toEqual([{ path, said: 'Plex SQLite found it intact', examined: true }]);
  expect(asked).toEqual([[path]]);
  expect(tools.notes).toEqual([]);
});

test('where there is none, that is noted and recorded as not examined', async () => {
  const { run, tools } = scene({ status: 'skip', reason: 'There is no Plex SQLite where Plex will run' }, null);
  expect((await run()).databases).toEqual([{ path, said: 'There is no Plex SQLite where Plex will run', examined: false }]);
  expect(tools.notes).toEqual([`${path}: not examined by Plex's own SQLite where it will be used: There is no Plex SQLite where Plex will run`]);
});

test('tells how far the landing area has been read back, and what is examined then', async () => {
  const entries = Array.from({ length: 2_500 }, (_, position): Entry => ({ path: `Metadata/${position}` as Entry['path'], type: 'directory', sizeBytes: 0, modifiedAtSeconds: 0, changedAt: '0', mode: 0o755 }));
  const listed = openManifest(join(scratch, 'listed.db'));
  const listing = listed.beginListing('bulk');
  listed.recordListing(listing, [{ mark: null, isAllRecorded: true, entries: entries.slice(0, 1_500) }]);
  for (const each of [listing, listed.beginListing('catalogue')]) listed.finishListing(each);
  const { tools, run } = scene({ status: 'pass', detail: 'intact' }, null, { manifest: listed, landed: entries });
  await thrownBy(run());
  listed.close();
  // More lies there than should: that is told by the proof, not by how far it is.
  expect(tools.progressed.slice(0, 4)).toEqual([0, 0, 1_000, 1_500].map((done) => ({ what: 'reading the landing area back', done, total: 1_500, unit: 'entries' })));
  const sound = scene({ status: 'pass', detail: 'intact' }, null);
  await sound.run();
  expect(sound.tools.progressed).toEqual([{ what: 'reading the landing area back', done: 0, total: 0, unit: 'entries' }, { what: 'examining the databases where they arrived', done: 0, unit: 'seconds' }]);
});

test.each([
  ['the landing area cannot be read', { landed: 'cut off', databases: null }, 'cut off'],
  ['the databases cannot be examined', { landed: null, databases: 'no answer' }, 'no answer'],
  ['neither can be', { landed: 'cut off', databases: 'no answer' }, 'cut off'],
] as const)('where %s, nothing goes on behind it', async (_, fails, message) => {
  const { run, target } = scene({ status: 'pass', detail: 'intact' }, null);
  let isExamined = false;
  if (fails.landed !== null) Object.assign(target, { landedDigest: async () => Promise.reject(new Error(fails.landed)) });
  Object.assign(target, {
    async checkDatabases() {
      await sleep(50);
      isExamined = true;
      if (fails.databases !== null) throw new Error(fails.databases);
      return [];
    },
  });
  expect(await thrownBy(run())).toMatchObject({ message });
  expect(isExamined).toBe(true);
});
