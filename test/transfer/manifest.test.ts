import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bytePath, bytePathOfText, textOf, type BytePath, type Entry } from '../../src/transfer/entry.ts';
import { openManifest, type Manifest } from '../../src/transfer/manifest.ts';
import type { Delta } from '../../src/transfer/manifestDelta.ts';
import { deepestFirst, inPathOrder } from '../../src/transfer/plan.ts';
import { writeManifestOfVersion2 } from './manifestVersion2.ts';
import { scratchDirectory } from './scene.ts';

const owner = { uid: 1000, gid: 1000 };

function fileAt(path: string, part: Partial<Entry> = {}): Entry {
  return { path: bytePathOfText(path), type: 'file', sizeBytes: 3, modifiedAtSeconds: 5, changedAt: '5.0', mode: 0o644, ...part };
}

function directoryAt(path: string): Entry {
  return fileAt(path, { type: 'directory', sizeBytes: 4096, mode: 0o755 });
}

function freshManifest(): Manifest {
  const manifest = openManifest(join(scratchDirectory(), 'manifest.db'));
  onTestFinished(() => manifest.close());
  return manifest;
}

function list(manifest: Manifest, entries: readonly Entry[]): Delta {
  const listing = manifest.beginListing('bulk');
  manifest.recordListing(listing, [{ mark: null, isAllRecorded: true, entries }]);
  manifest.finishListing(listing);
  return manifest.delta('bulk', owner);
}

function land(manifest: Manifest, entries: readonly Entry[]): void {
  manifest.segments.end(manifest.segments.begin({ tree: 'bulk', entries, owner }), { outcome: 'landed', sha256Sent: 'x', sha256Received: 'x', boot: 'b', hashes: entries.map(() => 'hash'), unproven: new Set() });
}

function fail(manifest: Manifest, entries: readonly Entry[]): void {
  manifest.segments.end(manifest.segments.begin({ tree: 'bulk', entries, owner }), { outcome: 'failed', sha256Sent: null, sha256Received: null, boot: null, hashes: [], unproven: new Set() });
}

function namesIn(entries: Iterable<Entry>): readonly string[] {
  return Array.from(entries, ({ path }) => textOf(path));
}

function removalsOf(delta: Delta): readonly string[] {
  return Array.from(delta.removals(), (paths) => paths.map((path) => textOf(path))).flat();
}

test('what lies below a directory of some name is what the latest listing has of it', () => {
  const manifest = freshManifest();
  const bundle = [directoryAt('M/a/b.bundle'), fileAt('M/a/b.bundle/one'), directoryAt('M/a/b.bundle/d'), fileAt('M/a/b.bundle/d/two')];
  list(manifest, [...bundle, fileAt('M/a/b.bundles/three'), fileAt('M/a/c.bundle/four')]);
  list(manifest, [...bundle.slice(0, 3), fileAt('M/a/c.bundle/four')]);
  expect(namesIn(manifest.listedBelow(bytePathOfText('/a/b.bundle/')))).toEqual(['M/a/b.bundle/d', 'M/a/b.bundle/one']);
});

describe('the delta', () => {
  const tree = [directoryAt('d'), fileAt('d/a'), fileAt('d/b'), directoryAt('e'), fileAt('e/c')];

  test.each([
    ['size', { sizeBytes: 4 }],
    ['modification time', { modifiedAtSeconds: 6 }],
    ['inode change time', { changedAt: '5.1' }],
    ['permissions', { mode: 0o600 }],
  ] as const)('a file with another %s is sent, and so is its directory', (_what, part) => {
    const manifest = freshManifest();
    list(manifest, tree);
    land(manifest, tree);
    const delta = list(manifest, tree.with(1, fileAt('d/a', part)));
    expect(namesIn(delta.leavesAndDirectories())).toEqual(['d', 'd/a']);
    expect(namesIn(delta.directories())).toEqual(['d']);
    expect(removalsOf(delta)).toEqual([]);
  });

  test('a link that leads elsewhere is sent, even if nothing else tells', () => {
    const manifest = freshManifest();
    const linkTo = (target: string): Entry => fileAt('link', { type: 'link', linkTarget: bytePathOfText(target) });
    list(manifest, [linkTo('a')]);
    land(manifest, [linkTo('a')]);
    expect(namesIn(list(manifest, [linkTo('b')]).leavesAndDirectories())).toEqual(['link']);
    expect(removalsOf(manifest.delta('bulk', owner))).toEqual([]);
  });

  test('the size of a directory is the business of its file system', () => {
    const manifest = freshManifest();
    list(manifest, tree);
    land(manifest, tree);
    expect(list(manifest, tree.with(0, { ...directoryAt('d'), sizeBytes: 8192 })).toSend.entries).toBe(0);
  });

  test('what was sent for another user or another group is sent again, and only that', () => {
    const manifest = freshManifest();
    list(manifest, tree);
    land(manifest, tree);
    for (const other of [{ uid: 1001, gid: 1000 }, { uid: 1000, gid: 1001 }]) {
      const delta = manifest.delta('bulk', other);
      expect([namesIn(delta.leavesAndDirectories()), namesIn(delta.directories())]).toEqual([['d', 'd/a', 'd/b', 'e', 'e/c'], ['d', 'e']]);
      land(manifest, tree);
    }
    expect(manifest.delta('bulk', owner).toSend.entries).toBe(0);
  });

  test('what is gone is removed children first, its directory is sent again, and its row is kept', () => {
    const manifest = freshManifest();
    list(manifest, tree);
    land(manifest, tree);
    const delta = list(manifest, [directoryAt('d'), fileAt('d/a')]);
    expect(removalsOf(delta)).toEqual(['e/c', 'e', 'd/b']);
    expect(namesIn(delta.directories())).toEqual(['d']);
    delta.markRemoved(['e/c', 'e', 'd/b'].map(bytePathOfText));
    expect(removalsOf(manifest.delta('bulk', owner))).toEqual([]);
    expect(list(manifest, tree).toSend.entries).toBe(4);
  });

  test('what comes back after it was gone is listed again', () => {
    const manifest = freshManifest();
    list(manifest, tree);
    land(manifest, tree);
    list(manifest, [directoryAt('d'), fileAt('d/a')]);
    expect(manifest.totals('bulk')).toMatchObject({ entries: 2, provenEntries: 1 });
    const delta = list(manifest, tree);
    expect(manifest.totals('bulk').entries).toBe(tree.length);
    expect(removalsOf(delta)).toEqual([]);
  });

  test('a listing of what has not changed writes next to nothing', () => {
    const file = join(scratchDirectory(), 'manifest.db');
    const manifest = openManifest(file);
    onTestFinished(() => manifest.close());
    const many = Array.from({ length: 5_000 }, (_, position) => fileAt(`d${position % 70}/x${position}`));
    list(manifest, many);
    land(manifest, many);
    const writtenBefore = statSync(`${file}-wal`).size;
    list(manifest, many);
    expect(statSync(`${file}-wal`).size - writtenBefore).toBeLessThan(100_000);
  });

  test('nothing is gone while a listing is unfinished', () => {
    const manifest = freshManifest();
    list(manifest, tree);
    land(manifest, tree);
    manifest.recordListing(manifest.beginListing('bulk'), [{ mark: null, isAllRecorded: true, entries: [directoryAt('d')] }]);
    expect(() => manifest.delta('bulk', owner)).toThrow('no complete listing');
  });

  test('a segment that failed proves nothing, but what it may have left there is removed when it is gone', () => {
    const manifest = freshManifest();
    list(manifest, tree);
    fail(manifest, [fileAt('d/a')]);
    expect(manifest.totals('bulk').provenEntries).toBe(0);
    // The directory was made by the way, when the file was extracted.
    expect(removalsOf(list(manifest, [directoryAt('e'), fileAt('e/c')]))).toEqual(['d/a', 'd']);
  });

  test('so is what lies far apart in a tree of which everything else landed before', () => {
    const manifest = freshManifest();
    const landed = [directoryAt('d'), ...Array.from({ length: 100 }, (_, number) => fileAt(`d/${100 + number}`))];
    list(manifest, landed);
    land(manifest, landed);
    const fresh = [directoryAt('a'), fileAt('a/first'), directoryAt('e'), directoryAt('e/f'), fileAt('e/f/last')];
    list(manifest, [...landed, ...fresh]);
    fail(manifest, [fileAt('a/first'), fileAt('e/f/last')]);
    expect(removalsOf(list(manifest, landed))).toEqual(['e/f/last', 'e/f', 'e', 'a/first', 'a']);
  });

  test('the name of a segment is that of its list and owner, and of nothing else', () => {
    const manifest = freshManifest();
    list(manifest, tree);
    const nameOf = (entries: readonly Entry[], by = owner): string => manifest.segments.begin({ tree: 'bulk', entries, owner: by }).segment.name;
    expect(nameOf(tree)).toBe(nameOf([...tree]));
    expect(nameOf(tree)).toMatch(/^bulk-[0-9a-f]{24}$/);
    const others = [tree.slice(1), tree.toReversed(), tree.with(1, fileAt('d/a', { changedAt: '5.1' })), tree.with(1, fileAt('d/a', { mode: 0o600 }))];
    expect(new Set([nameOf(tree), nameOf(tree, { uid: 1, gid: 1 }), ...others.map((entries) => nameOf(entries))]).size).toBe(6);
  });

  test('comes in the order of the plan, page by page, while others are recorded as landed', () => {
    const manifest = freshManifest();
    const many = Array.from({ length: 5_000 }, (_, position) => [directoryAt(`d${position % 70}/x${position}`), fileAt(`d${position % 70}/x${position}/f`)]).flat();
    const delta = list(manifest, many);
    const inOrder: Entry[] = [];
    for (const entry of delta.leavesAndDirectories()) {
      inOrder.push(entry);
      if (inOrder.length % 500 === 0) land(manifest, inOrder.slice(-500).filter(({ type }) => type === 'file'));
    }
    expect(namesIn(inOrder)).toEqual(namesIn(many.toSorted(inPathOrder)));
    const directories: Entry[] = [];
    for (const entry of delta.directories()) {
      directories.push(entry);
      if (directories.length % 500 === 0) land(manifest, directories.slice(-500));
    }
    expect(namesIn(directories)).toEqual(namesIn(many.filter(({ type }) => type === 'directory').toSorted(deepestFirst)));
    expect(manifest.delta('bulk', owner).toSend.entries).toBe(0);
  });

  test('of one tree does not mind that of the other', () => {
    const manifest = freshManifest();
    const bulk = list(manifest, tree);
    manifest.finishListing(manifest.beginListing('catalogue'));
    manifest.delta('catalogue', owner);
    expect(namesIn(bulk.leavesAndDirectories())).toEqual(['d', 'd/a', 'd/b', 'e', 'e/c']);
    expect(namesIn(bulk.directories())).toEqual(['d', 'e']);
  });

  test('a directory below which there is nothing to send comes last, and so does what is above it', () => {
    const manifest = freshManifest();
    const delta = list(manifest, [directoryAt('a'), directoryAt('a/empty'), fileAt('a/x'), directoryAt('b'), directoryAt('b/c'), fileAt('b/c/x')]);
    expect([namesIn(delta.leavesAndDirectories()), namesIn(delta.directories())]).toEqual([['a/x', 'b', 'b/c', 'b/c/x'], ['a/empty', 'b/c', 'a', 'b']]);
  });

  test('any path comes back as it was listed', () => {
    const anyPath = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => bytePath(bytes));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(anyPath, fc.option(anyPath)), { selector: ([path]) => path }), (pairs) => {
        const manifest = openManifest(join(scratchDirectory(), 'manifest.db'));
        const entries = pairs.map(([path, linkTarget]): Entry => ({ ...fileAt('x'), path, ...(linkTarget === null ? {} : { type: 'link', linkTarget }) }));
        expect([...list(manifest, entries).leavesAndDirectories()]).toEqual(entries.toSorted(inPathOrder));
        manifest.close();
      }),
      { numRuns: 30 },
    );
  });
});

describe('the file of a manifest', () => {
  test('survives being closed and opened', () => {
    const file = join(scratchDirectory(), 'manifest.db');
    const before = openManifest(file);
    list(before, [fileAt('a'), fileAt('b')]);
    land(before, [fileAt('a')]);
    before.close();
    const after = openManifest(file);
    expect(namesIn(after.delta('bulk', owner).leavesAndDirectories())).toEqual(['b']);
    expect(after.pathsWithDigest('hash')).toEqual(['a']);
    after.close();
  });

  test('of an older version goes on where it was', () => {
    const file = join(scratchDirectory(), 'manifest.db');
    writeManifestOfVersion2(file);
    const manifest = openManifest(file);
    onTestFinished(() => manifest.close());
    const delta = manifest.delta('bulk', owner);
    expect([removalsOf(delta), namesIn(delta.leavesAndDirectories()), manifest.totals('bulk')]).toEqual([['stranger', 'gone'], ['b'], { entries: 2, bytes: 6, provenEntries: 1, provenBytes: 3 }]);
    expect(removalsOf(list(manifest, [fileAt('a'), fileAt('b'), fileAt('stranger')]))).toEqual(['gone']);
  });

  test('is refused when it is no manifest, empty, damaged, or of another version; never taken for empty', () => {
    const directory = scratchDirectory();
    const fileWith = (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    const other = join(directory, 'other.db');
    const database = new DatabaseSync(other);
    database.exec('CREATE TABLE t (x); PRAGMA user_version = 1');
    database.close();
    const newer = join(directory, 'newer.db');
    openManifest(newer).close();
    const edited = new DatabaseSync(newer);
    edited.exec('PRAGMA user_version = 99');
    edited.close();
    for (const file of [fileWith('text', 'this is no database'.repeat(100)), fileWith('empty', ''), other, newer]) {
      const before = readFileSync(file);
      expect(() => openManifest(file)).toThrow(`Cannot open the manifest "${file}"`);
      expect({ file, unchanged: readFileSync(file).equals(before) }).toEqual({ file, unchanged: true });
    }
  });

  test('is refused when it was cut short', () => {
    const file = join(scratchDirectory(), 'manifest.db');
    const manifest = openManifest(file);
    list(manifest, Array.from({ length: 1_000 }, (_, position) => fileAt(`file ${position}`)));
    manifest.close();
    truncateSync(file, 20_000);
    expect(() => openManifest(file)).toThrow(/^Cannot open the manifest/);
  });

  test('is whole after being killed at any time', () => {
    const file = join(scratchDirectory(), 'manifest.db');
    for (const killAfterMs of [0, 40, 150]) {
      const killed = spawnSync(process.execPath, [join(import.meta.dirname, 'killedLister.ts'), file, String(killAfterMs)], { encoding: 'utf8' });
      expect(killed).toMatchObject({ signal: 'SIGKILL', stderr: '' });
      expect(existsSync(file)).toBe(true);
      const manifest = openManifest(file);
      const { entries, provenEntries } = manifest.totals('bulk');
      // 300 entries a transaction.
      expect([entries % 300, provenEntries % 300]).toEqual([0, 0]);
      manifest.close();
    }
    const checked = new DatabaseSync(file);
    expect(checked.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    checked.close();
  });
});

test('equal bytes are equal paths', () => {
  expect(bytePath(Buffer.from('ä')) satisfies BytePath).toBe(bytePathOfText('ä'));
});
