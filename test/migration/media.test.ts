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

/** A share of its own, below a mapped directory. */
const seriesDisk = '/media/library/TV Shows';

beforeAll(async () => {
  place = makeScratchDirectory('plexlift-media-');
  const directory = runDirectoryAt(join(place, 'run'));
  facts = await makeLibrary({ dataDirectory: join(directory.trial, 'before'), mediaDirectory: join(place, 'm'), optimizedDirectory: join(place, 'o'), items: 60 });
});

afterAll(() => rmSync(place, { recursive: true, force: true }));
beforeEach(() => rmSync(join(place, 'run', 'missing-media.ndjson'), { force: true }));

type Sample = { readonly sizeBytes: number; readonly sha256: string } | null;

function run(answer: (path: string) => MediaFinding | null, options: { readonly mounts?: 'answers' | 'absent'; readonly accepted?: ReadonlySet<string>; readonly onSource?: (path: string) => Sample } = {}) {
  const directory = runDirectoryAt(join(place, 'run'));
  const target = {
    name: 'release plex',
    mounts: async (paths: readonly string[]) => paths.map((path) => ({ path, status: options.mounts ?? 'answers', detail: 'd', mountPointsBelow: path === '/media/library' ? [seriesDisk] : [] })),
    async *lookUp(paths: readonly string[]) {
      for (const path of paths) {
        const finding = answer(path);
        if (finding !== null) yield finding;
      }
    },
    sampleMedia: async () => ({ sizeBytes: 1, sha256: 'same' }),
  } as unknown as Target;
  const source = { name: 'alex@old', sampleMedia: async (path: string) => (options.onSource === undefined ? { sizeBytes: 1, sha256: 'same' } : options.onSource(path)) } as unknown as Source;
  const tools = stepTools({ inspect: { source: sourceFacts(), target: targetFacts() } });
  return { tools, directory, result: media.run({ source, target, directory, pairs, mapping: parseMapping(pairs), accepted: options.accepted ?? new Set(), record: () => undefined, ...tools }) };
}

const present = (path: string): MediaFinding => ({ path, status: 'present', sizeBytes: 1 });

interface ListedLine {
  readonly path: string;
  readonly status: string;
  readonly library: string;
  readonly title: string | null;
}

const listed = (file: string): readonly ListedLine[] => readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as ListedLine);

test('every mapped file is looked up; sentinels are picked for each mount and compared with the source', async () => {
  const { result, directory } = run(present);
  const found = await result;
  expect(found).toMatchObject({ missing: 0, unreadable: 0, notLookedUp: 0 });
  expect(found.lookedUp).toBeGreaterThan(60);
  expect(found.present).toBe(found.lookedUp);
  expect(new Set(found.sentinels.map(({ mount }) => mount))).toEqual(new Set(['/media/library', seriesDisk, '/media/optimized']));
  expect(found.comparedFiles).toBe(found.sentinels.length);
  expect(found.sentinels.every(({ mount, path }) => path.startsWith(`${mount}/`))).toBe(true);
  expect(found.sentinels.some(({ mount, path }) => mount === '/media/library' && path.startsWith(`${seriesDisk}/`))).toBe(false);
  expect(listed(directory.missingMedia).every(({ status }) => status === 'other size')).toBe(true);
});

test('the files that are compared and watched are picked from all of a mount, and are none that are empty', async () => {
  const empty = new Set<string>();
  const { result } = run((path) => {
    if (empty.size < 40) empty.add(path);
    return { path, status: 'present', sizeBytes: empty.has(path) ? 0 : 1 };
  });
  expect((await result).sentinels.filter(({ path }) => empty.has(path))).toEqual([]);
  const { sentinels } = await run(present).result;
  const picked = new Set(sentinels.map(({ path }) => path));
  for (let look = 0; look < 5; look += 1) for (const { path } of (await run(present).result).sentinels) picked.add(path);
  expect(picked.size).toBeGreaterThan(sentinels.length);
});

test('a share of which the source sees nothing is not known to be the same, until somebody knows better', async () => {
  const onSource = (path: string): Sample => (path.startsWith('/mnt/nas-plex-optimized/') ? null : { sizeBytes: 1, sha256: 'same' });
  const refused = await thrownBy(run(present, { onSource }).result);
  expect(refused).toMatchObject({ kind: 'refused', remedy: expect.stringContaining('--accept same-shares') as string });
  expect(JSON.stringify(refused)).toContain('no file below \\"/media/optimized\\" could be compared');
  expect(await run(present, { onSource, accepted: new Set(['same-shares']) }).result).toMatchObject({ missing: 0 });
});

test('a share below a mapped directory that shows another content is refused, whatever is beside it', async () => {
  const onSource = (path: string): Sample => ({ sizeBytes: 1, sha256: path.startsWith('/mnt/nas-plex/TV Shows/') ? 'another' : 'same' });
  expect(await thrownBy(run(present, { onSource }).result)).toMatchObject({ kind: 'refused', message: expect.stringMatching(/^Cannot trust the mapping: "\/media\/library\/TV Shows\//) as string });
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
  const lines = listed(directory.missingMedia);
  expect(lines).toHaveLength(found.missing + found.unreadable + found.otherSize);
  expect(lines.find(({ path }) => path.startsWith('/media/library/Movies/'))).toMatchObject({ library: 'Movies', title: expect.any(String) });
  expect(tools.notes).toEqual([`${found.missing} of ${found.lookedUp} media files are missing on the target; they are listed in ${directory.missingMedia} and do not block`, expect.stringContaining("cannot be opened as Plex's user"), expect.stringContaining('another size')]);
});

test('files of another size than Plex recorded are listed, those of the same are not', async () => {
  const { result, directory } = run((path) => ({ path, status: 'present', sizeBytes: path.length }));
  const { otherSize } = await result;
  expect(otherSize).toBeGreaterThan(0);
  expect(listed(directory.missingMedia).filter(({ status }) => status === 'other size')).toHaveLength(otherSize);
});

test('an episode is listed behind its show, a track behind artist and album', async () => {
  const { result, directory } = run((path) => (/\/(?:TV Shows|Music)\//.test(path) && path.length % 2 === 0 ? { path, status: 'missing', sizeBytes: null } : present(path)));
  await result;
  const titles = listed(directory.missingMedia).filter(({ status }) => status === 'missing').map(({ library, title }) => `${library}: ${title ?? ''}`);
  expect(titles.filter((title) => title.startsWith('TV Shows: ')).every((title) => title.includes(', '))).toBe(true);
  expect(titles.some((title) => /^Music: .*, .*, ./.test(title))).toBe(true);
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
