import { describe, expect, test } from 'vitest';
import { compareShares, mountsShowMedia, requireMounts, requireSentinels, sameShares } from '../../src/migration/mediaProof.ts';
import type { MediaFinding, MountFinding } from '../../src/targets/target.ts';
import { thrownBy } from './literalFacts.ts';

const pairs = [{ from: '/mnt/a', to: '/media/a' }, { from: '/mnt/b', to: '/media/b' }];

function mountsOf(second: MountFinding['status']) {
  return { name: 'release plex', mounts: async (paths: readonly string[]) => paths.map((path): MountFinding => ({ path, status: path === '/media/b' ? second : 'answers', detail: 'as seen', mountPointsBelow: path === '/media/b' ? ['/media/b/other disk'] : [] })) };
}

const owner = { uid: 1000, gid: 1001 };
const facts = { mounts: ['/media'], owner };

test('mounts that answer are given back, with what is mounted below them, because each can be away by itself', async () => {
  expect(await requireMounts({ target: mountsOf('answers'), pairs, facts, note: () => undefined })).toEqual(['/media/a', '/media/b', '/media/b/other disk']);
});

test.each([
  { status: 'absent', says: 'is not there' },
  { status: 'empty', says: 'is empty' },
  { status: 'unreadable', says: 'cannot be read by uid 1000, gid 1001, whom Plex runs as', remedy: 'Let uid 1000, gid 1001 read the share' },
  { status: 'hangs', says: 'does not answer' },
  { status: 'not a mount', says: 'is an ordinary directory, not a mount' },
] as const)('a mount that is $status refuses the run, named', async ({ status, says, remedy = 'Mount the share again' }: { readonly status: MountFinding['status']; readonly says: string; readonly remedy?: string }) => {
  const error = await thrownBy(requireMounts({ target: mountsOf(status), pairs, facts, note: () => undefined }));
  expect(error).toMatchObject({ kind: 'refused', facts: [`"/media/b" ${says}: as seen`], remedy: expect.stringMatching(new RegExp(`^${remedy}.* Plex must not start without them`)) });
});

test('a target that mounts nothing is only told of, and what is not there is not looked at', async () => {
  const notes: string[] = [];
  expect(await requireMounts({ target: mountsOf('absent'), pairs, facts: { mounts: null, owner }, note: (text) => void notes.push(text) })).toEqual(['/media/a']);
  expect(notes).toEqual(['"/media/b" cannot be looked at on release plex (as seen): media below it were not looked up']);
});

const sentinels = [
  { mount: '/media/a', path: '/media/a/1', sizeBytes: 1 },
  { mount: '/media/a', path: '/media/a/2', sizeBytes: 2 },
  { mount: '/media/b', path: '/media/b/3', sizeBytes: 3 },
];

function seeing(findings: readonly MediaFinding[]) {
  return {
    name: 'release plex',
    async *lookUp(paths: readonly string[]) {
      for (const finding of findings) if (paths.includes(finding.path)) yield finding;
    },
  };
}

const present = (path: string, sizeBytes: number): MediaFinding => ({ path, status: 'present', sizeBytes });

test('one sentinel of each mount is enough', async () => {
  const seen = seeing([present('/media/a/2', 2), { path: '/media/a/1', status: 'missing', sizeBytes: null }, present('/media/b/3', 3)]);
  await expect(requireSentinels(seen, sentinels)).resolves.toBeUndefined();
});

test.each([
  { what: 'missing', finding: { path: '/media/b/3', status: 'missing', sizeBytes: null } },
  { what: 'unreadable', finding: { path: '/media/b/3', status: 'unreadable', sizeBytes: 3 } },
  { what: 'of another size', finding: present('/media/b/3', 4) },
] as const)('a mount whose sentinels are all $what refuses the run', async ({ finding }) => {
  const error = await thrownBy(requireSentinels(seeing([present('/media/a/1', 1), finding]), sentinels));
  expect(error).toMatchObject({ kind: 'refused', message: 'Cannot find the media below "/media/b" on release plex', facts: ['expected "/media/b/3" with 3 bytes'] });
});

type Sample = { readonly sizeBytes: number; readonly sha256: string } | null;

const sides = (there: Sample | Error, here: Sample) => ({
  source: { name: 'alex@old', sampleMedia: async () => (there instanceof Error ? Promise.reject(there) : there) },
  target: { name: 'release plex', sampleMedia: async () => here },
});
const x = { sizeBytes: 1, sha256: 'x' };
const files = ['1', '2'].map((name) => ({ mount: '/media/a', from: `/mnt/a/${name}`, to: `/media/a/${name}` }));

test.each([
  { what: 'both sides have it, and it is the same', there: x, here: x, compared: 2 },
  { what: 'the source has it not', there: null, here: x, compared: 0, obstacle: 'alex@old has no "/mnt/a/1"' },
  { what: 'the source cannot read it', there: new Error('Permission denied'), here: x, compared: 0, obstacle: 'Permission denied' },
  { what: 'it went meanwhile', there: x, here: null, compared: 0, obstacle: '"/media/a/1" is gone from release plex' },
])('a file counts as compared only where it was: $what', async ({ there, here, compared, obstacle }) => {
  const [mount] = await compareShares(sides(there, here), files);
  expect(mount).toMatchObject({ mount: '/media/a', compared });
  expect(mount?.obstacles).toHaveLength(2 - compared);
  expect(mount?.obstacles.join()).toContain(obstacle ?? '');
});

test.each([
  { there: x, here: { sizeBytes: 1, sha256: 'y' }, says: 'differ' },
  { there: x, here: { sizeBytes: 2, sha256: 'x' }, says: 'are equal' },
])('another share is refused: $there.sizeBytes/$here.sizeBytes bytes, digests $says', async ({ there, here, says }) => {
  const error = await thrownBy(compareShares(sides(there, here), files));
  expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('"/media/a/1" on release plex is not the file "/mnt/a/1" on alex@old') });
  expect((error as { facts: string[] }).facts.join()).toContain(says);
});

describe('that a mount is the right share', () => {
  const equal = (mount: string) => ({ mount, compared: 5, obstacles: [] });
  const unknown = { mount: '/media/b', compared: 0, obstacles: ['alex@old has no "/mnt/b/1"'] };

  test('is proven by files of each mount', async () => {
    expect(await sameShares.run({ compared: [equal('/media/a'), equal('/media/b/other disk')], pairs, facts })).toEqual({ status: 'pass', detail: '5 files of "/media/a", 5 files of "/media/b/other disk"' });
  });

  test('is not, where nothing of one could be compared, whatever the others show', async () => {
    const finding = await sameShares.run({ compared: [equal('/media/a'), unknown], pairs, facts });
    expect(finding).toMatchObject({ status: 'fail', detail: 'no file below "/media/b" could be compared with the source\'s: alex@old has no "/mnt/b/1"', remedy: expect.stringContaining('mounted on the source too') });
    expect(await sameShares.run({ compared: [equal('/media/a'), unknown], pairs, facts: { mounts: null } })).toMatchObject({ status: 'warn' });
  });

  test('is told as open, where the library names no file of it that is there', async () => {
    expect(await sameShares.run({ compared: [equal('/media/a')], pairs, facts })).toMatchObject({ status: 'warn', detail: 'no media file is there to compare below "/media/b"' });
  });
});

describe('a mount that shows none of its files', () => {
  const shown = (missing: number, unreadable: number) => mountsShowMedia.run({ shown: [{ mount: '/media/a', named: 3, missing: 1, unreadable: 1 }, { mount: '/media/b', named: 3, missing, unreadable }, { mount: '/media/c', named: 0, missing: 0, unreadable: 0 }], facts });

  test.each([
    { missing: 3, unreadable: 0, remedy: /^Check which share is mounted there, and the paths in the configuration$/ },
    { missing: 0, unreadable: 3, remedy: /^Let uid 1000, gid 1001 read the share \(.*root_squash.*\)$/ },
    { missing: 1, unreadable: 2, remedy: /^Let uid 1000.*\. Check which share/ },
  ])('fails: $missing missing, $unreadable unreadable', async ({ missing, unreadable, remedy }) => {
    const says = `of 3 files that the library names below "/media/b", ${missing} are missing, and ${unreadable} cannot be read by uid 1000, gid 1001, whom Plex runs as`;
    expect(await shown(missing, unreadable)).toEqual({ status: 'fail', detail: says, remedy: expect.stringMatching(remedy) as string });
  });

  test('is no longer one when it shows a single one', async () => {
    expect(await shown(1, 1)).toMatchObject({ status: 'pass', detail: '/media/a, /media/b' });
  });
});
