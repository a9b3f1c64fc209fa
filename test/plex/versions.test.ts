import { describe, expect, it } from 'vitest';
import { compareVersions, isBelow, parseMinimum, parseVersion, readWitness, sameVersion, toldByRunningServer, type Version } from '../../src/plex/versions.ts';

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

describe('parseMinimum', () => {
  it.each([
    ['1.41.0.8992', { kind: 'version', numbers: [1, 41, 0, 8992] }],
    [' 1.43.4.10718-1e3cb7a60 ', { kind: 'version', numbers: [1, 43, 4, 10718] }],
    ['1.44', { kind: 'version', numbers: [1, 44] }],
    ['20260401000000', { kind: 'migration', stamp: '20260401000000' }],
    ['202604010000', { kind: 'version', numbers: [202_604_010_000] }],
    ['soon', { kind: 'unreadable' }],
    ['v1.44', { kind: 'unreadable' }],
    ['1..4', { kind: 'unreadable' }],
    ['', { kind: 'unreadable' }],
  ])('reads %j', (text, minimum) => {
    expect(parseMinimum(text)).toEqual(minimum);
  });

  it.each([
    [[1, 43, 4, 10718], false],
    [[1, 43, 4, 10719], true],
    [[1, 43, 4], false],
    [[1, 44], true],
    [[1], false],
    [[2], true],
    [[1, 43, 4, 10718, 0], false],
    [[1, 43, 4, 10718, 1], true],
  ])('1.43.4.10718 is below %j: %j', (numbers, expected) => {
    expect(isBelow(version('1.43.4.10718-1e3cb7a60'), numbers)).toBe(expected);
  });
});

describe('readWitness', () => {
  it('reads what was written, and takes nothing else for a running server', () => {
    expect(readWitness(toldByRunningServer(null))).toEqual({ byRunningServer: true, otherPackage: null });
    expect(readWitness(toldByRunningServer('1.43.0.10492-121068a07'))).toEqual({ byRunningServer: true, otherPackage: '1.43.0.10492-121068a07' });
    for (const text of ['dpkg-query', 'rpm', 'the configuration', 'no running server and no package told it']) expect(readWitness(text)).toEqual({ byRunningServer: false, otherPackage: null });
  });
});
