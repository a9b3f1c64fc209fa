import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runDirectoryAt } from '../../src/migration/runDirectory.ts';
import { media } from '../../src/migration/steps/media.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import type { Source } from '../../src/sources/source.ts';
import type { MediaFinding, Target } from '../../src/targets/target.ts';
import type { LibraryFacts } from '../bed/library/facts.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { sourceFacts, stepTools, targetFacts, thrownBy } from './literalFacts.ts';

let place: string;
let facts: LibraryFacts;
const pairs = [{ from: '/mnt/nas-plex', to: '/media/library' }, { from: '/mnt/nas-plex-optimized', to: '/media/optimized' }];

beforeAll(async () => {
  place = makeScratchDirectory('plexlift-media-');
  const directory = runDirectoryAt(join(place, 'run'));
  facts = await makeLibrary({ dataDirectory: join(directory.trial, 'before'), mediaDirectory: join(place, 'm'), optimizedDirectory: join(place, 'o'), items: 60 });
});

afterAll(() => rmSync(place, { recursive: true, force: true }));
beforeEach(() => rmSync(join(place, 'run', 'missing-media.ndjson'), { force: true }));

function run(answer: (path: string) => MediaFinding | null, options: { readonly mounts?: 'answers' | 'absent'; readonly accepted?: ReadonlySet<string> } = {}) {
  const directory = runDirectoryAt(join(place, 'run'));
  const target = {
    name: 'release plex',
    mounts: async (paths: readonly string[]) => paths.map((path) => ({ path, status: options.mounts ?? 'answers', detail: 'd' })),
    async *lookUp(paths: readonly string[]) {
      for (const path of paths) {
        const finding = answer(path);
        if (finding !== null) yield finding;
      }
    },
    sampleMedia: async () => ({ sizeBytes: 1, sha256: 'same' }),
  } as unknown as Target;
  const source = { name: 'alex@old', sampleMedia: async () => ({ sizeBytes: 1, sha256: 'same' }) } as unknown as Source;
  const tools = stepTools({ inspect: { source: sourceFacts(), target: targetFacts() } });
  return { tools, directory, result: media.run({ source, target, directory, pairs, mapping: parseMapping(pairs), accepted: options.accepted ?? new Set(), record: () => undefined, ...tools }) };
}

const present = (path: string): MediaFinding => ({ path, status: 'present', sizeBytes: 1 });

test('every mapped file is looked up; sentinels are picked for each mount and compared with the source', async () => {
  const { result, directory } = run(present);
  const found = await result;
  expect(found).toMatchObject({ missing: 0, unreadable: 0, notLookedUp: 0 });
  expect(found.lookedUp).toBeGreaterThan(60);
  expect(found.present).toBe(found.lookedUp);
  expect(new Set(found.sentinels.map(({ mount }) => mount))).toEqual(new Set(['/media/library', '/media/optimized']));
  expect(found.comparedFiles).toBe(found.sentinels.length);
  expect(found.sentinels.every(({ mount, path }) => path.startsWith(`${mount}/`))).toBe(true);
  expect(readFileSync(directory.missingMedia, 'utf8')).toBe('');
});

test('missing and unreadable files are listed with library and title, and do not block', async () => {
  const film = facts.libraries.find(({ name }) => name === 'Movies');
  const { result, directory, tools } = run((path) => {
    if (path.startsWith('/media/library/Movies/')) return { path, status: 'missing', sizeBytes: null };
    return path.startsWith('/media/library/Music/') ? { path, status: 'unreadable', sizeBytes: null } : present(path);
  });
  const found = await result;
  expect(found.missing).toBeGreaterThan(0);
  expect(found.missingByLibrary).toEqual({ [film?.name ?? '']: found.missing });
  expect(found.unreadable).toBeGreaterThan(0);
  const lines = readFileSync(directory.missingMedia, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { path: string; library: string; title: string | null });
  expect(lines).toHaveLength(found.missing + found.unreadable);
  expect(lines.find(({ path }) => path.startsWith('/media/library/Movies/'))).toMatchObject({ library: 'Movies', title: expect.any(String) });
  expect(tools.notes).toHaveLength(2);
});

test('an absent mount refuses the run before anything is looked up', async () => {
  const { result, directory } = run(present, { mounts: 'absent' });
  expect(await thrownBy(result)).toMatchObject({ kind: 'refused' });
  expect(existsSync(directory.missingMedia)).toBe(false);
});

test('a file that the target does not speak of is no file that is there, and half a list is not kept', async () => {
  const { result, directory } = run((path) => (path.startsWith('/media/optimized/') ? null : present(path)));
  expect(await thrownBy(result)).toMatchObject({ message: expect.stringContaining('gave no answer') });
  expect(existsSync(directory.missingMedia)).toBe(false);
});

test('a mount that shows not one of its files is another share, until somebody knows better', async () => {
  const nothingOptimized = (path: string): MediaFinding => (path.startsWith('/media/optimized/') ? { path, status: 'missing', sizeBytes: null } : present(path));
  const refused = await thrownBy(run(nothingOptimized).result);
  expect(refused).toMatchObject({ kind: 'refused' });
  expect(JSON.stringify(refused)).toContain('/media/optimized');
  expect(JSON.stringify(refused)).not.toContain('/media/library');

  const accepted = await run(nothingOptimized, { accepted: new Set(['mounts-show-media']) }).result;
  expect(accepted.sentinels.map(({ mount }) => mount)).not.toContain('/media/optimized');
});
