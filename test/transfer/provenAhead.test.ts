import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytePathOfText, textOf, type BytePath, type Tree } from '../../src/transfer/entry.ts';
import { proveAhead, proveLanding, type LandingProof } from '../../src/transfer/landing.ts';
import { openManifest, type Manifest } from '../../src/transfer/manifest.ts';
import { cases, seed } from '../long.ts';
import type { LocalTarget } from './localTarget.ts';
import { localTree, testOwner } from './localTree.ts';
import { furnish, longAgoSeconds, scene, scratchDirectory, type Scene } from './scene.ts';

/** What a proof says that read some directories only. */
const readAgain: unknown = expect.objectContaining({ directoriesReadAgain: expect.any(Number) as number });

const contents = 'Metadata/Movies/a/b.bundle/Contents';

interface Proving {
  readonly stage: Scene;
  readonly ahead: () => Promise<LandingProof>;
  /** Sends the catalogue, and then what changed. */
  readonly sendRest: (manifest?: Manifest) => Promise<void>;
  readonly prove: (part?: Partial<Parameters<typeof proveLanding>[0]>) => Promise<LandingProof>;
  /** What was read back each time: directories, or everything. */
  readonly read: (readonly string[] | 'everything')[];
}

/** A scene in which the bulk has landed. */
async function sent(): Promise<Proving> {
  const stage = scene();
  furnish(stage);
  await stage.send();
  const catalogue = scratchDirectory();
  mkdirSync(join(catalogue, 'Plug-in Support/Databases'), { recursive: true });
  writeFileSync(join(catalogue, 'Plug-in Support/Databases/com.plexapp.plugins.library.db'), 'the library');
  const read: (readonly string[] | 'everything')[] = [];
  const target: LocalTarget = {
    ...stage.target,
    landed(directories) {
      read.push(directories === undefined ? 'everything' : directories.map(textOf));
      return stage.target.landed(directories);
    },
  };
  const options = { manifest: stage.manifest, target, owner: testOwner };
  return {
    stage,
    read,
    ahead: () => proveAhead(options),
    async sendRest(manifest = stage.manifest) {
      await stage.send({ treeName: 'catalogue', tree: localTree(catalogue), manifest });
      await stage.send({ manifest });
    },
    prove: (part = {}) => proveLanding({ ...options, ...part }),
  };
}

test('what was read as a whole is not read again, but where something was copied or removed since', async () => {
  const { stage, ahead, sendRest, prove, read } = await sent();
  expect(await ahead()).toMatchObject({ ok: true, since: null });
  stage.write(`${contents}/com.agent/posters/two.jpg`, 'poster two');
  unlinkSync(join(stage.source, 'Cache/PhotoTranscoder/1/2.jpg'));
  await sendRest();
  const proof = await prove();
  expect(proof.messages).toEqual([]);
  expect(read).toEqual([
    'everything',
    ['Cache', 'Cache/PhotoTranscoder', 'Cache/PhotoTranscoder/1', 'Metadata', 'Metadata/Movies', 'Metadata/Movies/a', 'Metadata/Movies/a/b.bundle', contents, `${contents}/com.agent`, `${contents}/com.agent/posters`, 'Plug-in Support', 'Plug-in Support/Databases'],
  ]);
  expect(proof).toMatchObject({ ok: true, entries: stage.manifest.totals('bulk').entries + stage.manifest.totals('catalogue').entries, since: { wholeAt: expect.stringMatching(/^\d{4}-/) as string, directoriesReadAgain: 13 } });
});

test.each<readonly [string, (posters: string) => void]>([
  ['is missing', (posters) => unlinkSync(join(posters, 'two.jpg'))],
  ['is more than was listed', (posters) => writeFileSync(join(posters, 'three.jpg'), 'x')],
  ['is a directory more', (posters) => mkdirSync(join(posters, 'three'))],
  ['is longer', (posters) => appendFileSync(join(posters, 'two.jpg'), 'x')],
  ['has another content in the same size and time', (posters) => (writeFileSync(join(posters, 'two.jpg'), 'POSTER TWO'), utimesSync(join(posters, 'two.jpg'), longAgoSeconds, longAgoSeconds))],
  ['has another time', (posters) => utimesSync(join(posters, 'one.jpg'), 5, 5)],
  ['has another mode', (posters) => chmodSync(join(posters, 'one.jpg'), 0o600)],
  ['is a link in its place', (posters) => (unlinkSync(join(posters, 'two.jpg')), symlinkSync('one.jpg', join(posters, 'two.jpg')))],
  ['is a link in place of the directory', (posters) => (renameSync(posters, `${posters}.moved`), symlinkSync('posters.moved', posters))],
])('in a directory that was touched since, what %s is found, and the next sending puts it right', async (_, damage) => {
  const { stage, ahead, sendRest, prove, read } = await sent();
  await ahead();
  stage.write(`${contents}/com.agent/posters/two.jpg`, 'poster two');
  await sendRest();
  damage(join(stage.landing, contents, 'com.agent/posters'));
  expect(await prove()).toMatchObject({ ok: false, since: null });
  expect(read.slice(1)).toEqual([expect.any(Array), 'everything']);
  await sendRest();
  expect((await prove()).messages).toEqual([]);
});

describe('nothing is relied on', () => {
  async function ready(): Promise<Proving> {
    const proving = await sent();
    await proving.ahead();
    await proving.sendRest();
    expect((await proving.prove()).since).not.toBeNull();
    return proving;
  }

  test.each([
    ['in another boot of the node', { boot: 'another boot' }],
    ['where the boot cannot be told', { boot: null }],
    ['for another owner', { owner: { ...testOwner, uid: testOwner.uid + 1 } }],
    ['for another group', { owner: { ...testOwner, gid: testOwner.gid + 1 } }],
  ])('that was read %s', async (_, other) => {
    const { stage } = await ready();
    expect(stage.manifest.wholeProof.holdsSince({ owner: testOwner, boot: 'this boot', atMs: Date.now(), ...other })).toBeNull();
  });

  test('that was read more than half an hour ago, or in what is yet to come', async () => {
    const { stage } = await ready();
    const now = { owner: testOwner, boot: 'this boot' };
    const minutesLater = (minutes: number): string | null => stage.manifest.wholeProof.holdsSince({ ...now, atMs: Date.now() + minutes * 60_000 });
    expect([minutesLater(0), minutesLater(29)]).toEqual([expect.any(String), expect.any(String)]);
    expect([minutesLater(31), minutesLater(-5)]).toEqual([null, null]);
  });

  test('that was not read to its end', async () => {
    const { prove, stage } = await ready();
    const broken: LocalTarget = {
      ...stage.target,
      async *landed(directories) {
        yield* stage.target.landed(directories);
        throw new Error('the connection is gone');
      },
    };
    await expect(proveAhead({ manifest: stage.manifest, target: broken, owner: testOwner })).rejects.toThrow('the connection is gone');
    expect((await prove()).since).toBeNull();
  });

  test('after a proof that failed', async () => {
    const { prove, stage } = await ready();
    writeFileSync(join(stage.landing, 'stranger'), '');
    expect((await prove()).ok).toBe(false);
    expect(stage.manifest.wholeProof.holdsSince({ owner: testOwner, boot: 'this boot', atMs: Date.now() })).toBeNull();
  });
});

test('what is at fault before the rest is copied is copied with the rest, and looked at after it', async () => {
  const { stage, ahead, sendRest, prove, read } = await sent();
  unlinkSync(join(stage.landing, 'Media/localhost/e/f.bundle/Contents/Indexes/index-sd.bif'));
  mkdirSync(join(stage.landing, 'Metadata/strange/deep'), { recursive: true });
  expect(await ahead()).toMatchObject({ ok: false, missing: { count: 1 }, extra: { count: 2 } });
  await sendRest();
  expect(await prove()).toMatchObject({ ok: true, since: readAgain });
  expect(read.at(-1)).toEqual(expect.arrayContaining(['Media/localhost/e/f.bundle/Contents/Indexes', 'Metadata', 'Metadata/strange']));
});

test('a directory that was not listed, but holds what was, is no stranger beside what is copied later', async () => {
  const stage = scene();
  furnish(stage);
  const tree: Tree = {
    ...localTree(stage.source),
    async *list() {
      for await (const entry of localTree(stage.source).list()) if (!entry.path.startsWith('Cache/') || entry.type === 'file') yield entry;
    },
  };
  await stage.send({ tree });
  const options = { manifest: stage.manifest, target: stage.target, owner: testOwner };
  expect((await proveAhead(options)).messages).toEqual([]);
  stage.write('Cache/beside', 'x');
  await stage.send({ tree });
  await stage.send({ treeName: 'catalogue', tree: localTree(scratchDirectory()) });
  expect(await proveLanding(options)).toMatchObject({ messages: [], since: readAgain });
});

test('what was listed and never sent is looked for', async () => {
  const { stage, ahead, sendRest, prove, read } = await sent();
  await sendRest();
  await ahead();
  stage.write('Cache/PhotoTranscoder/1/unsent', 'x');
  // Listed by somebody who was killed before anything was sent.
  const other = openManifest(stage.manifestFile);
  const listing = other.beginListing('bulk');
  const entries = [];
  for await (const entry of localTree(stage.source).list()) entries.push(entry);
  other.recordListing(listing, [{ mark: null, isAllRecorded: true, entries }]);
  other.finishListing(listing);
  other.close();
  expect(await prove()).toMatchObject({ ok: false, missing: { count: 1, first: ['Cache/PhotoTranscoder/1/unsent'] } });
  expect(read.at(-2)).toContain('Cache/PhotoTranscoder/1');
});

// What happens on the source between the two, by kind and place.
const places = ['Metadata/Movies/a/b.bundle', 'Metadata/Movies/c', 'Media/localhost/e', 'Cache', 'new', 'new/deeper'];
const changes = fc.array(fc.record({ what: fc.constantFrom('write', 'write below', 'remove', 'make', 'link', 'rename', 'touch'), place: fc.constantFrom(...places) }), { maxLength: 6 });

function change(stage: Scene, { what, place }: { readonly what: string; readonly place: string }): void {
  const at = join(stage.source, place);
  try {
    if (what === 'write') stage.write(place, 'a file in its place');
    if (what === 'write below') stage.write(`${place}/some/new file`, what);
    if (what === 'remove') rmSync(at, { recursive: true, force: true });
    if (what === 'make') mkdirSync(at, { recursive: true });
    if (what === 'link') symlinkSync('elsewhere', at);
    if (what === 'rename') renameSync(at, `${at} renamed`);
    if (what === 'touch') utimesSync(at, 7, 7);
  } catch {
    // Not every change can be made to what the one before left.
  }
}

test('whatever changes on the source between, the directories that are read again say what everything says', async () => {
  await fc.assert(
    fc.asyncProperty(changes, fc.nat(), async (several, victim) => {
      const { stage, ahead, sendRest, prove } = await sent();
      await ahead();
      for (const each of several) change(stage, each);
      await sendRest();
      expect(await prove()).toMatchObject({ ok: true, messages: [], since: readAgain });
      const whole = await prove({ manifest: { ...stage.manifest, wholeProof: { ...stage.manifest.wholeProof, holdsSince: () => null } } });
      expect(whole).toMatchObject({ ok: true, messages: [], since: null });
      // And what is lost of what was touched is missed by both.
      const touched = new Set<BytePath>(stage.manifest.wholeProof.touched());
      const below = (await namesIn(stage)).filter((path) => touched.has(bytePathOfText(path.slice(0, path.lastIndexOf('/')))));
      const lost = below[victim % below.length];
      if (lost !== undefined) rmSync(join(stage.landing, lost), { recursive: true });
      expect((await prove()).ok).toBe(lost === undefined);
    }),
    { numRuns: cases(12, 300), seed: seed(11) },
  );
});

async function namesIn(stage: Scene): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { path } of stage.target.landed()) if (path.includes('/')) names.push(textOf(path));
  return names;
}

describe('the catalogue, which is sent before the rest of the bulk', () => {
  test('and lay there already when the manifest began, is not removed with the strangers of the bulk', async () => {
    const { stage, sendRest } = await sent();
    await sendRest();
    const manifest = openManifest(join(scratchDirectory(), 'another.db'));
    try {
      const options = { manifest, target: stage.target, owner: testOwner };
      await stage.send({ manifest });
      expect(await proveAhead(options)).toMatchObject({ ok: false, extra: { count: 2 } });
      await sendRest(manifest);
      expect(await proveLanding(options)).toMatchObject({ ok: true });
    } finally {
      manifest.close();
    }
  });

  test('with a stranger beside it, is sent again without it, and proven by that', async () => {
    const { stage, sendRest, prove } = await sent();
    await sendRest();
    const unproven = (): number => stage.manifest.unproven('catalogue', { owner: testOwner, boot: 'this boot' });
    expect(unproven()).toBe(0);
    writeFileSync(join(stage.landing, 'Plug-in Support/Databases/stray.db'), 'nobody knows it');
    expect(await prove()).toMatchObject({ ok: false });
    expect(unproven()).toBeGreaterThan(0);
    await sendRest();
    expect(await prove()).toMatchObject({ ok: true });
  });
});
