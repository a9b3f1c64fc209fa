import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytePathOfText, textOf, type BytePath, type Entry } from '../../src/transfer/entry.ts';
import { openDelta } from '../../src/transfer/manifestDelta.ts';
import { openManifestFile } from '../../src/transfer/manifestFile.ts';
import { openListings } from '../../src/transfer/manifestListings.ts';
import { openSegments } from '../../src/transfer/manifestSegments.ts';
import { scratchDirectory } from './scene.ts';

const owner = { uid: 1000, gid: 1000 };

/** Names that sort before, at and behind a slash, so that what is beside a directory is not taken for what is in it. */
const world = fc
  .uniqueArray(fc.record({ path: fc.array(fc.constantFrom('a', 'b', 'a-', 'a0'), { minLength: 1, maxLength: 4 }), type: fc.constantFrom('file', 'link', 'directory', 'other'), changedAt: fc.constantFrom('1', '2') }), {
    selector: ({ path }) => path.join('/'),
    maxLength: 14,
  })
  .map(treeOf);

/** A tree that can be: what is above an entry is a directory. */
function treeOf(wanted: readonly { readonly path: readonly string[]; readonly type: Entry['type']; readonly changedAt: string }[]): readonly Entry[] {
  const above = new Set(wanted.flatMap(({ path }) => path.slice(1).map((_, depth) => path.slice(0, depth + 1).join('/'))));
  const entryAt = (path: string, type: Entry['type'], changedAt: string): Entry => ({
    path: bytePathOfText(path),
    type,
    sizeBytes: 3,
    modifiedAtSeconds: 5,
    changedAt,
    mode: 0o755,
    ...(type === 'link' ? { linkTarget: bytePathOfText('x') } : {}),
  });
  return [...Array.from(above, (path) => entryAt(path, 'directory', '1')), ...wanted.map(({ path, type, changedAt }) => entryAt(path.join('/'), type, changedAt)).filter(({ path }) => !above.has(textOf(path)))];
}

/** What each delta gave, where every other entry of what it sends lands at once, and the segments of the others fail. */
function deltasOf(worlds: readonly (readonly Entry[])[], mostLookedUp: number): readonly unknown[] {
  const database = openManifestFile(join(scratchDirectory(), 'manifest.db'));
  const [listings, segments] = [openListings(database), openSegments(database)];
  const texts = (paths: readonly BytePath[]): readonly string[] => paths.map((path) => textOf(path));
  const land = (entries: readonly Entry[], outcome: 'landed' | 'failed'): void =>
    segments.end(segments.begin({ tree: 'bulk', entries, owner }), { outcome, sha256Sent: 'x', sha256Received: 'x', boot: 'b', hashes: entries.map(() => 'hash'), unproven: new Set() });
  const given = worlds.map((entries) => {
    const listing = listings.beginListing('bulk');
    listings.recordListing(listing, [{ mark: null, isAllRecorded: true, entries }]);
    listings.finishListing(listing);
    const delta = openDelta(database, { tree: 'bulk', owner, mostLookedUp });
    const removals = Array.from(delta.removals(), (paths) => {
      delta.markRemoved(paths);
      return texts(paths);
    });
    const sent = Array.from(delta.leavesAndDirectories());
    for (const [position, entry] of sent.filter(({ type }) => type !== 'directory').entries()) land([entry], position % 2 === 0 ? 'landed' : 'failed');
    const directories = Array.from(delta.directories());
    if (directories.length > 0) land(directories, 'landed');
    const rows = database.prepare('SELECT CAST(path AS TEXT) AS path, listed, presence, there FROM entries ORDER BY path').all();
    return { toSend: delta.toSend, removals, sent: texts(sent.map(({ path }) => path)), directories: texts(directories.map(({ path }) => path)), rows };
  });
  database.close();
  return given;
}

test('is the same where its rows are looked up by their paths, and where each question goes through all', () => {
  fc.assert(
    fc.property(fc.array(world, { minLength: 1, maxLength: 4 }), (worlds) => {
      const goingThroughAll = deltasOf(worlds, 0);
      for (const mostLookedUp of [3, 1_000]) expect(deltasOf(worlds, mostLookedUp)).toEqual(goingThroughAll);
    }),
    { numRuns: 40 },
  );
});
