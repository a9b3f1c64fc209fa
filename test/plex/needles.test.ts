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
  it.each([
    ['x=/mnt/a/c&token=s3cret', 2, '/mnt/a/c'],
    ['{"p":"/mnt/a","token":"s3cret"}', 6, '/mnt/a'],
    ['/mnt/a/cut.sh --password s3cret', 0, '/mnt/a/cut.sh'],
    ['/mnt/a:s3cret', 0, '/mnt/a'],
    ['/mnt/a=s3cret', 0, '/mnt/a'],
  ])('of %j shows nothing beside the path', (value, at, path) => {
    expect(pathAt(value, { at, known: '/mnt'.length, longest: 80 })).toBe(path);
  });

  it.each([' --p s3cret', '&t=s3cret', '"s3cret', '?t=s3cret', ';s3cret', ',s3cret', '#s3cret', ':s3cret', '}s3cret', '\ns3cret'])('stops at %j where it is percent-encoded too', (rest) => {
    const once = encodeURIComponent(`/mnt/a/b${rest}`);
    expect(pathAt(once, { at: 0, known: '%2Fmnt'.length, longest: 80 })).toBe('%2Fmnt%2Fa%2Fb');
    expect(pathAt(once.replaceAll('%', '%25'), { at: 0, known: '%252Fmnt'.length, longest: 80 })).toBe('%252Fmnt%252Fa%252Fb');
    expect(pathAt(once.toLowerCase(), { at: 0, known: '%2Fmnt'.length, longest: 80 })).toBe('%2fmnt%2fa%2fb');
  });

  it('shows the whole mapped directory, whatever is in its name, and cuts the rest short', () => {
    expect(pathAt('/mnt/my films (a;b)/x y', { at: 0, known: '/mnt/my films (a;b)'.length, longest: 80 })).toBe('/mnt/my films (a;b)/x');
    expect(pathAt('/mnt/abcdef', { at: 0, known: 4, longest: 6 })).toBe('/mnt/a…');
  });
});
