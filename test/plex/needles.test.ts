import { describe, expect, it } from 'vitest';
import { endsName, needlesOf, pathAt } from '../../src/plex/needles.ts';

describe('needlesOf', () => {
  it('knows every spelling in which a directory was seen', () => {
    const texts = needlesOf('/mnt/nas-plex').map(({ bytes }) => bytes.toString());
    expect(texts).toEqual(expect.arrayContaining(['/mnt/nas-plex', '%2Fmnt%2Fnas-plex', '%2fmnt%2fnas-plex', '%2Fmnt%2Fnas%2Dplex', '\\/mnt\\/nas-plex', '%252Fmnt%252Fnas-plex']));
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe('endsName', () => {
  it.each([
    ['', true],
    ['/Movies', true],
    ['%2FMovies', true],
    ['%2fMovies', true],
    ['%252FMovies', true],
    ['\\/Movies', true],
    ['"', true],
    ['&x=1', true],
    ['%26x', true],
    ['-optimized', false],
    ['%2Doptimized', false],
    ['%252Doptimized', false],
    ['us', false],
    ['_2', false],
    ['%C3%A9', false],
  ])('before %j: %j', (rest, expected) => {
    expect(endsName(`/mnt/nas-plex${rest}`, '/mnt/nas-plex'.length)).toBe(expected);
  });
});

describe('pathAt', () => {
  it('stops at whatever may begin another value, and is cut short', () => {
    expect(pathAt('x=/mnt/a b/c&token=s3cret', { at: 2, longest: 80 })).toBe('/mnt/a b/c');
    expect(pathAt('{"p":"/mnt/a","token":"s3cret"}', { at: 6, longest: 80 })).toBe('/mnt/a');
    expect(pathAt('/mnt/abcdef', { at: 0, longest: 6 })).toBe('/mnt/a…');
  });
});
