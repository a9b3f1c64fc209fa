import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';
import { bytePathOfText, textOf, type Entry, type Tree } from '../../src/transfer/entry.ts';
import { listInto } from '../../src/transfer/listing.ts';
import type { ListingSummary } from '../../src/transfer/listingFindings.ts';
import { openManifest, type Manifest } from '../../src/transfer/manifest.ts';
import { cases, seed } from '../long.ts';
import { scratchDirectory } from './scene.ts';

const owner = { uid: 1000, gid: 1000 };

function freshManifest(): Manifest {
  const manifest = openManifest(join(scratchDirectory(), 'manifest.db'));
  onTestFinished(() => manifest.close());
  return manifest;
}

/** A file by its path, and what tells its states apart. */
type World = ReadonlyMap<string, number>;

/** The entries of a world in pages of its directories; every other page of them goes into the one before, as with what lies behind a bundle. */
function pagesOf(world: World, shift: number): readonly { readonly path: string; readonly entries: readonly Entry[] }[] {
  const pages: { path: string; entries: Entry[] }[] = [];
  for (const [path, state] of [...world].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const directory = path.slice(0, path.indexOf('/'));
    const entry: Entry = { path: bytePathOfText(path), type: 'file', sizeBytes: state, modifiedAtSeconds: state, changedAt: String(state), mode: 0o644 };
    const last = pages.at(-1);
    if (last === undefined || (last.path !== directory && (shift + directory.charCodeAt(0)) % 3 > 0)) pages.push({ path: directory, entries: [entry] });
    else last.entries.push(entry);
  }
  return pages;
}

/** Lists a world, and stops before the end where `upTo` says so. */
function list(manifest: Manifest, pages: ReturnType<typeof pagesOf>, options: { readonly usesMarks: boolean; readonly upTo: number | null; readonly isAllRecorded?: boolean }): number {
  const { usesMarks, upTo, isAllRecorded = true } = options;
  let recalled = 0;
  const listing = manifest.beginListing('bulk');
  for (const { path, entries } of pages.slice(0, upTo ?? pages.length)) {
    const mark = { path: bytePathOfText(path), digest: createHash('sha256').update(JSON.stringify(entries)).digest('hex') };
    if (usesMarks && manifest.recallPage(listing, mark) !== null) recalled += 1;
    else manifest.recordListing(listing, [{ mark: usesMarks ? mark : null, isAllRecorded, entries }]);
  }
  if (upTo === null) manifest.finishListing(listing);
  return recalled;
}

function standOf(manifest: Manifest): unknown {
  const delta = manifest.delta('bulk', owner);
  return { totals: manifest.totals('bulk'), send: Array.from(delta.leavesAndDirectories(), ({ path, changedAt }) => [path, changedAt]), remove: [...delta.removals()].flat() };
}

function land(manifest: Manifest): void {
  const delta = manifest.delta('bulk', owner);
  for (const paths of delta.removals()) delta.markRemoved(paths);
  const entries = [...delta.leavesAndDirectories()];
  const segment = manifest.segments.begin({ tree: 'bulk', entries, owner });
  manifest.segments.end(segment, { outcome: 'landed', sha256Sent: 'x', sha256Received: 'x', boot: 'b', hashes: entries.map(() => 'hash'), unproven: new Set() });
}

const paths = ['a', 'b', 'c', 'd', 'e'].flatMap((directory) => [`${directory}/1`, `${directory}/2`]);
const worlds = fc.dictionary(fc.constantFrom(...paths), fc.integer({ min: 1, max: 2 })).map((record): World => new Map(Object.entries(record)));
// Worlds come back as they were, since a clock may jump, and a rename may leave every time alone.
const passes = fc.array(fc.record({ world: fc.nat(2), shift: fc.nat(1), cut: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(4) }), isAllRecorded: fc.boolean(), lands: fc.boolean() }), { minLength: 3, maxLength: 8 });

test('a manifest that knows pages again says what one says that reads everything', () => {
  fc.assert(
    fc.property(fc.tuple(worlds, worlds, worlds), passes, (three, several) => {
      const [knowing, reading] = [openManifest(join(scratchDirectory(), 'manifest.db')), openManifest(join(scratchDirectory(), 'manifest.db'))];
      try {
        for (const { world, shift, cut, isAllRecorded, lands } of several) {
          const pages = pagesOf(three[world] ?? new Map(), shift);
          list(knowing, pages, { usesMarks: true, upTo: cut, isAllRecorded });
          list(reading, pages, { usesMarks: false, upTo: cut });
          if (cut !== null) continue;
          expect(standOf(knowing)).toEqual(standOf(reading));
          if (lands) for (const manifest of [knowing, reading]) land(manifest);
        }
      } finally {
        knowing.close();
        reading.close();
      }
    }),
    { numRuns: cases(60, 2_000), seed: seed(3) },
  );
});

test('pages that say the same are known again, and after a listing that was cut off none is', () => {
  const manifest = freshManifest();
  const pages = pagesOf(new Map([['a/1', 1], ['b/1', 1], ['d/1', 1], ['e/1', 1]]), 1);
  const recalled = [null, null, 1, null, null].map((upTo) => list(manifest, pages, { usesMarks: true, upTo }));
  expect([pages.length, ...recalled]).toEqual([2, 0, 2, 1, 0, 2]);
});

/** Lists a real directory, counting the pages that were read. */
async function listed(manifest: Manifest, tree: Tree): Promise<{ readonly summary: ListingSummary; readonly read: readonly string[] }> {
  const read: string[] = [];
  const watched: Tree = {
    ...tree,
    async *pages(options) {
      for await (const page of tree.pages?.(options) ?? []) yield { ...page, entries: () => (read.push(page.mark === null ? '-' : textOf(page.mark.path)), page.entries()) };
    },
  };
  const summary = await listInto(manifest, { tree: watched, treeName: 'bulk', signal: new AbortController().signal, progress: () => undefined });
  return { summary, read: read.filter((path) => path !== '-') };
}

function library(): string {
  const directory = scratchDirectory();
  for (const bundle of ['one', 'two', 'three']) {
    mkdirSync(join(directory, 'Metadata', `${bundle}.bundle`, 'Contents'), { recursive: true });
    writeFileSync(join(directory, 'Metadata', `${bundle}.bundle`, 'Contents', 'poster'), 'content');
  }
  return directory;
}

test.each<readonly [string, (bundle: string) => void]>([
  ['a file is modified', (bundle) => writeFileSync(join(bundle, 'Contents/poster'), 'changed')],
  ['a file is modified and given its old time', (bundle) => (writeFileSync(join(bundle, 'Contents/poster'), 'CONTENT'), utimesSync(join(bundle, 'Contents/poster'), 5, 5))],
  ['a file is added', (bundle) => writeFileSync(join(bundle, 'Contents/art'), '')],
  ['a file is removed', (bundle) => rmSync(join(bundle, 'Contents/poster'))],
  ['a file is renamed', (bundle) => renameSync(join(bundle, 'Contents/poster'), join(bundle, 'Contents/Poster'))],
  ['a directory is renamed', (bundle) => renameSync(join(bundle, 'Contents'), join(bundle, 'contents'))],
  ['a link is added', (bundle) => symlinkSync('poster', join(bundle, 'Contents/_combined'))],
])('of a real directory only the page is read in which %s', async (_, change) => {
  const directory = library();
  const [manifest, tree] = [freshManifest(), localTree(thisComputer(), { directory })];
  expect((await listed(manifest, tree)).read.toSorted()).toEqual(['Metadata', 'Metadata/one.bundle', 'Metadata/three.bundle', 'Metadata/two.bundle']);
  const before = await listed(manifest, tree);
  expect(before.read).toEqual([]);
  change(join(directory, 'Metadata/two.bundle'));
  const after = await listed(manifest, tree);
  expect(after.read).toEqual(['Metadata/two.bundle']);
  const fresh = freshManifest();
  expect(after.summary).toEqual((await listed(fresh, tree)).summary);
  expect(manifest.totals('bulk')).toEqual(fresh.totals('bulk'));
});

test('what people are told of is told of in every listing, and what a link leads to is followed in every listing', async () => {
  const [directory, elsewhere] = [library(), scratchDirectory()];
  writeFileSync(join(elsewhere, 'moved'), 'there');
  symlinkSync('/nowhere', join(directory, 'Metadata/one.bundle/leaving'));
  symlinkSync(elsewhere, join(directory, 'Metadata/two.bundle/Stored'));
  const [manifest, tree] = [freshManifest(), localTree(thisComputer(), { directory, followsLinksOut: true })];
  const first = await listed(manifest, tree);
  expect(first.summary).toMatchObject({ entries: 13, leavingLinks: { count: 1 } });
  const second = await listed(manifest, tree);
  expect(second.summary).toEqual(first.summary);
  expect(second.read.toSorted()).toEqual(['Metadata/one.bundle', 'Metadata/two.bundle']);
  expect(standOf(manifest)).toMatchObject({ totals: { entries: 13 }, remove: [] });
});
