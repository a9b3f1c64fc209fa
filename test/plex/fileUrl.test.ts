import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapFileUrl, pathOfFileUrl } from '../../src/plex/fileUrl.ts';
import { mapPath, parseMapping, type MappingPair } from '../../src/plex/pathMapping.ts';

const plain: readonly MappingPair[] = [{ from: '/mnt/nas-plex', to: '/media/library' }];
const spaced: readonly MappingPair[] = [{ from: '/mnt/my media', to: '/media/100% library' }];

function mapped(pairs: readonly MappingPair[], url: string): string | null {
  return mapFileUrl(parseMapping(pairs), Buffer.from(url))?.url.toString() ?? null;
}

describe('mapFileUrl', () => {
  it.each([
    ['file:///mnt/nas-plex/외국TV/A%20(2021)%20[x]/100%25.srt', 'file:///media/library/외국TV/A%20(2021)%20[x]/100%25.srt'],
    ['file:///mnt/nas-plex/A (2019) [x]/a.srt', 'file:///media/library/A (2019) [x]/a.srt'],
    ['file:///mnt/nas-plex/100%.srt', 'file:///media/library/100%.srt'],
    ['file:///mnt/nas-plex', 'file:///media/library'],
    ['file:///mnt/nas-plex-optimized/a.srt', null],
    ['file://mnt/nas-plex/a.srt', null],
    ['blob://mnt/nas-plex/a', null],
    ['media:///mnt/nas-plex/a', null],
    ['http://127.0.0.1:32400/mnt/nas-plex/a', null],
    ['/mnt/nas-plex/a', null],
    ['', null],
  ])('maps %j to %j', (url, expected) => {
    expect(mapped(plain, url)).toBe(expected);
  });

  it("writes the target in the URL's own style", () => {
    expect(mapped(spaced, 'file:///mnt/my%20media/a%20b.srt')).toBe('file:///media/100%25%20library/a%20b.srt');
    expect(mapped(spaced, 'file:///mnt/my media/a b.srt')).toBe('file:///media/100% library/a b.srt');
    expect(mapped([{ from: '/mnt/a', to: '/media/b c' }], 'file:///mnt/a/x.srt')).toBe('file:///media/b%20c/x.srt');
  });

  it('maps an escaped URL as the path it names is mapped', () => {
    const segment = fc.constantFrom('a', 'b c', '100%', '%20', '[x]', "it's", 'é', '%', ' ');
    const directory = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `/${segments.join('/')}`);
    fc.assert(
      fc.property(directory, directory, directory, (from, to, tail) => {
        const mapping = parseMapping([{ from, to }]);
        const path = from + tail;
        const url = `file://${path.replaceAll('%', '%25').replaceAll(' ', '%20')}`;
        const result = mapFileUrl(mapping, Buffer.from(url))?.url;
        expect(result).toBeDefined();
        expect(pathOfFileUrl(result ?? Buffer.alloc(0))?.toString()).toBe(mapPath(mapping, Buffer.from(path))?.path.toString());
      }),
    );
  });
});
