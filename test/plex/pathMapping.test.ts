import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import { mapPath, parseMapping, type MappingPair } from '../../src/plex/pathMapping.ts';

const nas: readonly MappingPair[] = [
  { from: '/mnt/nas-plex', to: '/media/library' },
  { from: '/mnt/nas-plex-optimized', to: '/media/optimized' },
];

function mapped(pairs: readonly MappingPair[], path: string): string | null {
  return mapPath(parseMapping(pairs), Buffer.from(path))?.path.toString() ?? null;
}

describe('mapPath', () => {
  it.each([
    ['/mnt/nas-plex', '/media/library'],
    ['/mnt/nas-plex/', '/media/library/'],
    ['/mnt/nas-plex/Movies/A/a.mkv', '/media/library/Movies/A/a.mkv'],
    ['/mnt/nas-plex-optimized', '/media/optimized'],
    ['/mnt/nas-plex-optimized/Plex Versions/x.mp4', '/media/optimized/Plex Versions/x.mp4'],
    ['/mnt/nas-plex/mnt/nas-plex/x', '/media/library/mnt/nas-plex/x'],
    ['/mnt/nas-plexus/x', null],
    ['/mnt/nas_plex/x', null],
    ['/mnt/NAS-PLEX/x', null],
    ['/mnt/nas-ple', null],
    ['/mnt', null],
    ['', null],
    ['mnt/nas-plex/x', null],
    ['/data/mnt/nas-plex/x', null],
    ['C:\\mnt\\nas-plex\\x', null],
    ['\\\\nas\\plex\\x', null],
  ])('maps %j to %j', (path, expected) => {
    expect(mapped(nas, path)).toBe(expected);
  });

  it('keeps every byte of a path of 64 KiB', () => {
    const tail = `/${'é '.repeat(32_768)}end`;
    expect(mapped(nas, `/mnt/nas-plex${tail}`)).toBe(`/media/library${tail}`);
  });

  it('takes the longest directory first, in whatever order the pairs stand', () => {
    const pairs = [{ from: '/a', to: '/x' }, { from: '/a/b/c', to: '/z' }, { from: '/a/b', to: '/y' }];
    for (const order of [pairs, pairs.toReversed()]) {
      expect(mapped(order, '/a/b/c/1')).toBe('/z/1');
      expect(mapped(order, '/a/b/cd')).toBe('/y/cd');
      expect(mapped(order, '/a/bc')).toBe('/x/bc');
    }
  });

  it('maps once: neither a swap nor a chain is mapped again', () => {
    const swap = [{ from: '/a', to: '/b' }, { from: '/b', to: '/a' }];
    expect([mapped(swap, '/a/1'), mapped(swap, '/b/1')]).toEqual(['/b/1', '/a/1']);
    const chain = [{ from: '/a', to: '/b' }, { from: '/b', to: '/c' }];
    expect([mapped(chain, '/a/1'), mapped(chain, '/b/1')]).toEqual(['/b/1', '/c/1']);
  });

  it('maps from and to the root', () => {
    expect(mapped([{ from: '/', to: '/media' }], '/')).toBe('/media');
    expect(mapped([{ from: '/', to: '/media' }], '/films/1')).toBe('/media/films/1');
    expect(mapped([{ from: '/', to: '/media' }], 'C:\\films')).toBe(null);
    expect(mapped([{ from: '/mnt', to: '/' }], '/mnt')).toBe('/');
    expect(mapped([{ from: '/mnt', to: '/' }], '/mnt/')).toBe('/');
    expect(mapped([{ from: '/mnt', to: '/' }], '/mnt/1')).toBe('/1');
  });

  it('compares bytes: NFC and NFD are two names, and bytes that are no UTF-8 survive', () => {
    const mapping = parseMapping([{ from: '/mnt/Müller', to: '/media' }]);
    expect(mapPath(mapping, Buffer.from('/mnt/Müller/1'.normalize('NFC')))?.path.toString()).toBe('/media/1');
    expect(mapPath(mapping, Buffer.from('/mnt/Müller/1'.normalize('NFD')))).toBe(null);
    const broken = Buffer.concat([Buffer.from('/mnt/nas-plex/'), Buffer.from([0xff, 0xc3, 0x28])]);
    expect(mapPath(parseMapping(nas), broken)?.path.subarray(-3)).toEqual(Buffer.from([0xff, 0xc3, 0x28]));
  });

  const segment = fc.oneof(
    fc.constantFrom('a', 'b', 'nas', 'nas-plex', 'nas-plex-optimized', 'n_s', '%', "it's", '"x"', '🎬', 'é', 'e\u0301', ' '),
    fc.string({ minLength: 1, maxLength: 4, unit: 'binary' }).filter((text) => !text.includes('/') && !text.includes('\0') && text !== '.' && text !== '..' && text.isWellFormed()),
  );
  const directory = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
  const pairs = fc.uniqueArray(fc.record({ from: directory, to: directory }), { minLength: 1, maxLength: 5, selector: ({ from }) => from });

  it('moves exactly what lies in a directory, and keeps the rest of the path', () => {
    fc.assert(
      fc.property(pairs, directory, fc.boolean(), fc.nat(), (pairs, tail, inside, pick) => {
        const path = inside ? `${pairs[pick % pairs.length]?.from ?? ''}${tail}` : tail;
        // The rule in other words: of all directories that are the path or above it, the one with the most segments.
        const above = pairs.filter(({ from }) => `${path}/`.startsWith(`${from}/`)).toSorted((left, right) => right.from.split('/').length - left.from.split('/').length);
        const expected = above[0] === undefined ? null : above[0].to + path.slice(above[0].from.length);
        expect(mapped(pairs, path)).toBe(expected);
      }),
    );
  });
});

describe('parseMapping', () => {
  it('takes trailing slashes off', () => {
    expect(parseMapping([{ from: '/mnt/a///', to: '/media/' }]).rules[0]).toMatchObject({ from: '/mnt/a', to: '/media' });
  });

  it.each([
    [[], 'no pair is given'],
    [[{ from: '', to: '/a' }], '"from" is empty'],
    [[{ from: '/a', to: '' }], '"to" is empty'],
    [[{ from: 'mnt/a', to: '/a' }], '"mnt/a" is not an absolute path'],
    [[{ from: 'D:\\films', to: '/a' }], 'is not an absolute path'],
    [[{ from: '/mnt/../a', to: '/a' }], '"." or ".."'],
    [[{ from: '/mnt//a', to: '/a' }], 'empty segment'],
    [[{ from: '/mnt/a', to: '/x\0y' }], 'no path can hold'],
    [[{ from: '/mnt/a', to: '/x' }, { from: '/mnt/a/', to: '/y' }], 'given twice, to "/x" and to "/y"'],
  ])('refuses %j', (pairs, fact) => {
    const thrown = catching(() => parseMapping(pairs));
    expect(thrown).toMatchObject({ kind: 'usage', message: expect.stringContaining(fact) as string, remedy: expect.stringMatching(/\S/) as string });
  });
});

function catching(action: () => unknown): PlexliftError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof PlexliftError) return thrown;
    throw thrown;
  }
  throw new Error('Nothing was thrown');
}
