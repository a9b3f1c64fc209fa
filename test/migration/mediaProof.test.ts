import { expect, test } from 'vitest';
import { requireMounts, requireSameShare, requireSentinels } from '../../src/migration/mediaProof.ts';
import type { Source } from '../../src/sources/source.ts';
import type { MediaFinding, MountFinding } from '../../src/targets/target.ts';
import { thrownBy } from './literalFacts.ts';

const pairs = [{ from: '/mnt/a', to: '/media/a' }, { from: '/mnt/b', to: '/media/b' }];

function mountsOf(second: MountFinding['status']) {
  return { name: 'release plex', mounts: async (paths: readonly string[]) => paths.map((path): MountFinding => ({ path, status: path === '/media/b' ? second : 'answers', detail: 'as seen' })) };
}

test('mounts that answer are given back', async () => {
  expect(await requireMounts({ target: mountsOf('answers'), pairs, facts: { mounts: ['/media'] }, note: () => undefined })).toEqual(['/media/a', '/media/b']);
});

test.each([
  { status: 'absent', says: 'is not there' },
  { status: 'empty', says: 'is empty' },
  { status: 'hangs', says: 'does not answer' },
  { status: 'not a mount', says: 'is an ordinary directory, not a mount' },
] as const)('a mount that is $status refuses the run, named', async ({ status, says }) => {
  const error = await thrownBy(requireMounts({ target: mountsOf(status), pairs, facts: { mounts: ['/media'] }, note: () => undefined }));
  expect(error).toMatchObject({ kind: 'refused', facts: [`"/media/b" ${says}: as seen`], remedy: expect.stringContaining('Plex must not start without them') });
});

test('a target that mounts nothing is only told of, and what is not there is not looked at', async () => {
  const notes: string[] = [];
  expect(await requireMounts({ target: mountsOf('absent'), pairs, facts: { mounts: null }, note: (text) => void notes.push(text) })).toEqual(['/media/a']);
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

const sides = (there: Awaited<ReturnType<Source['sampleMedia']>>, here: Awaited<ReturnType<Source['sampleMedia']>>) => ({
  source: { name: 'alex@old', sampleMedia: async () => there } as unknown as Source,
  target: { name: 'release plex', sampleMedia: async () => here },
});
const files = [{ from: '/mnt/a/1', to: '/media/a/1' }];

test('the same first bytes are the same share; what only one side has says nothing', async () => {
  expect(await requireSameShare(sides({ sizeBytes: 1, sha256: 'x' }, { sizeBytes: 1, sha256: 'x' }), files)).toBe(1);
  expect(await requireSameShare(sides(null, { sizeBytes: 1, sha256: 'x' }), files)).toBe(0);
  expect(await requireSameShare(sides({ sizeBytes: 1, sha256: 'x' }, null), files)).toBe(0);
});

test.each([
  { there: { sizeBytes: 1, sha256: 'x' }, here: { sizeBytes: 1, sha256: 'y' }, says: 'differ' },
  { there: { sizeBytes: 1, sha256: 'x' }, here: { sizeBytes: 2, sha256: 'x' }, says: 'are equal' },
])('another share is refused: $there.sizeBytes/$here.sizeBytes bytes, digests $says', async ({ there, here, says }) => {
  const error = await thrownBy(requireSameShare(sides(there, here), files));
  expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('"/media/a/1" on release plex is not the file "/mnt/a/1" on alex@old') });
  expect((error as { facts: string[] }).facts.join()).toContain(says);
});
