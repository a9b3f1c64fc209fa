import { describe, expect, it } from 'vitest';
import { compareVersions, parseVersion, sameVersion, type Version } from '../../src/plex/versions.ts';

function version(text: string): Version {
  const parsed = parseVersion(text);
  if (parsed === null) throw new Error(`"${text}" was not read`);
  return parsed;
}

describe('versions', () => {
  it('reads four numbers and a hash', () => {
    expect(version(' 1.43.0.10492-121068a07\n')).toEqual({ text: '1.43.0.10492-121068a07', numbers: [1, 43, 0, 10492], hash: '121068a07' });
  });

  it.each(['latest', 'beta', '1.43.0', '1.43.0.x-121068a07', 'v1.43.0.10492', ''])('reads nothing in %j', (text) => {
    expect(parseVersion(text)).toBe(null);
  });

  it('compares numbers as numbers, and hashes not at all', () => {
    expect(compareVersions(version('1.43.0.9999-aaaaaaaaa'), version('1.43.0.10492-121068a07'))).toBeLessThan(0);
    expect(compareVersions(version('1.100.0.1'), version('1.43.4.10718'))).toBeGreaterThan(0);
    expect(compareVersions(version('1.43.0.1-aaaaaaaaa'), version('1.43.0.1-bbbbbbbbb'))).toBe(0);
  });

  it('tells two builds of the same numbers apart', () => {
    expect(sameVersion(version('1.43.0.1-aaaaaaaaa'), version('1.43.0.1-bbbbbbbbb'))).toBe(false);
    expect(sameVersion(version('1.43.0.1-aaaaaaaaa'), version('1.43.0.1'))).toBe(true);
    expect(sameVersion(version('1.43.0.1-aaaaaaaaa'), version('1.43.0.2-aaaaaaaaa'))).toBe(false);
  });
});
