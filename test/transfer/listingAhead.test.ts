import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Progress } from '../../src/runner/step.ts';
import { bytePathOfText, pagesIn, type Page, type Tree } from '../../src/transfer/entry.ts';
import { listInto } from '../../src/transfer/listing.ts';
import { listingAhead } from '../../src/transfer/listingAhead.ts';
import { openManifest } from '../../src/transfer/manifest.ts';
import { localTree } from './localTree.ts';
import { furnish, scene, type Scene } from './scene.ts';

const signal = new AbortController().signal;

function begin(ahead: ReturnType<typeof listingAhead>, { manifest, source }: Pick<Scene, 'manifest' | 'source'>, tree: Tree = localTree(source)): void {
  ahead.begin({ tree, treeName: 'bulk', manifest, signal });
}

/** A tree that tells how often it was walked, and whose last page waits until it is let go. */
function watchedTree(directory: string): { readonly tree: Tree; walks: number; letGo(): void } {
  const last = Promise.withResolvers<undefined>();
  const plain = localTree(directory);
  const watched = {
    walks: 0,
    letGo: () => last.resolve(undefined),
    tree: {
      ...plain,
      async *pages(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Page> {
        watched.walks += 1;
        yield* pagesIn(plain, options.signal);
        const over = Promise.withResolvers<undefined>();
        options.signal?.addEventListener('abort', () => over.resolve(undefined));
        await Promise.race([last.promise, over.promise]);
      },
    },
  };
  return watched;
}

/** A furnished scene whose listing was begun, and goes on until it is let go. */
function begunWatched() {
  const stage = scene();
  furnish(stage);
  const watched = watchedTree(stage.source);
  const ahead = listingAhead();
  begin(ahead, stage, watched.tree);
  return { stage, watched, ahead };
}

test('what is sent later was listed before, once, and is told as if it had been listed then', async () => {
  const { stage, watched, ahead } = begunWatched();
  watched.letGo();
  const plain = scene();
  furnish(plain);
  const summary = await stage.send({ tree: watched.tree, listingAhead: ahead });
  expect(summary.listed).toEqual(await listInto(plain.manifest, { tree: localTree(plain.source), treeName: 'bulk', signal, progress: () => undefined }));
  expect(summary.entries).toBe(summary.listed.entries);
  expect(watched.walks).toBe(1);
});

test('it is there for one sending: the next lists anew', async () => {
  const stage = scene();
  furnish(stage);
  const ahead = listingAhead();
  begin(ahead, stage);
  await stage.send({ listingAhead: ahead });
  stage.write('Metadata/came later', 'since');
  expect(await ahead.take(() => undefined)).toBeNull();
  expect(await stage.send({ listingAhead: ahead })).toMatchObject({ notSent: { count: 0 } });
  expect(stage.manifest.listedBelow(bytePathOfText('came later'))).toHaveLength(1);
});

test('how far it is, is told to whom waits for it, and to nobody before', async () => {
  const { watched, ahead } = begunWatched();
  await pause(50);
  const told: Progress[] = [];
  const taken = ahead.take((progress) => told.push(progress));
  expect(told).toEqual([]);
  watched.letGo();
  const summary = await taken;
  expect(told.at(-1)).toEqual({ what: 'listing', done: summary?.entries, unit: 'entries' });
});

/** A tree whose connection is lost so many times. */
function cutTree(directory: string, times: number): Tree {
  let left = times;
  return {
    ...localTree(directory),
    async *pages() {
      const [first, ...others] = await Array.fromAsync(pagesIn(localTree(directory)));
      if (first !== undefined) yield first;
      left -= 1;
      if (left >= 0) throw new Error('the line was cut');
      yield* others;
    },
  };
}

test('what failed ahead is listed anew, and a cause that stays is told by that', async () => {
  const stage = scene();
  furnish(stage);
  const ahead = listingAhead();
  const once = cutTree(stage.source, 1);
  begin(ahead, stage, once);
  await pause(20);
  const summary = await stage.send({ tree: once, listingAhead: ahead });
  expect(summary.entries).toBe(summary.listed.entries);
  expect(summary.entries).toBeGreaterThan(10);

  const always = cutTree(stage.source, 2);
  begin(ahead, stage, always);
  await expect(stage.send({ tree: always, listingAhead: ahead })).rejects.toThrow('the line was cut');
});

test('who is interrupted does not list anew', async () => {
  const stage = scene();
  furnish(stage);
  const watched = watchedTree(stage.source);
  const ahead = listingAhead();
  const life = new AbortController();
  ahead.begin({ tree: watched.tree, treeName: 'bulk', manifest: stage.manifest, signal: life.signal });
  const sending = stage.send({ tree: watched.tree, listingAhead: ahead, signal: life.signal });
  await pause(20);
  life.abort();
  await expect(sending).rejects.toMatchObject({ kind: 'interrupted' });
  expect(watched.walks).toBe(1);
});

test('nobody takes it: closing ends it before the manifest closes, and the next listing is whole', async () => {
  const stage = scene();
  furnish(stage);
  const before = await stage.send();
  const ahead = listingAhead();
  begin(ahead, stage, watchedTree(stage.source).tree);
  await pause(20);
  await ahead.close();
  stage.manifest.close();
  const manifest = openManifest(stage.manifestFile);
  try {
    expect(() => manifest.totals('bulk')).not.toThrow();
    expect(() => manifest.unproven('bulk', { owner: { uid: 0, gid: 0 }, boot: null })).toThrow('no complete listing');
    const listed = await listInto(manifest, { tree: localTree(stage.source), treeName: 'bulk', signal, progress: () => undefined });
    expect(listed).toEqual(before.listed);
  } finally {
    manifest.close();
  }
  await ahead.close();
});

test('the other tree is sent meanwhile', async () => {
  const { stage, watched, ahead } = begunWatched();
  const other = scene();
  other.write('Preferences.xml', '<Preferences/>');
  expect(await stage.send({ tree: localTree(other.source), treeName: 'catalogue' })).toMatchObject({ entries: 1 });
  watched.letGo();
  const summary = await stage.send({ tree: watched.tree, listingAhead: ahead });
  expect(watched.walks).toBe(1);
  expect(summary.entries).toBe(summary.listed.entries);
  expect(stage.manifest.totals('catalogue')).toMatchObject({ entries: 1, provenEntries: 1 });
});

test('a second is not begun beside the first', async () => {
  const stage = scene();
  const ahead = listingAhead();
  begin(ahead, stage);
  expect(() => begin(ahead, stage)).toThrow('begun ahead already');
  await ahead.close();
});
