import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gateExitCodes } from '../../src/targets/gate/gateFailure.ts';
import { dataPath, gateVolume, temporaryDirectory } from './gateVolume.ts';

type Agreement = 'none' | 'set-aside';
const agreements: readonly Agreement[] = ['none', 'set-aside'];
const yesAndNo = [false, true];

// Which combinations a publish that was cut off anywhere can have left, and what they become. Every other one is refused.
const publishable: Readonly<Record<string, { readonly library: string; readonly aside: string | null }>> = {
  'none landing': { library: 'landing', aside: null },
  'none library': { library: 'library', aside: null },
  'set-aside landing library': { library: 'landing', aside: 'library' },
  'set-aside landing aside': { library: 'landing', aside: 'aside' },
  'set-aside library aside': { library: 'library', aside: 'aside' },
};

const withdrawable: Readonly<Record<string, { readonly library: string | null; readonly withdrawn: string }>> = {
  'none library': { library: null, withdrawn: 'library' },
  'none withdrawn': { library: null, withdrawn: 'withdrawn' },
  'set-aside library aside': { library: 'aside', withdrawn: 'library' },
  'set-aside withdrawn aside': { library: 'aside', withdrawn: 'withdrawn' },
  'set-aside library withdrawn': { library: 'library', withdrawn: 'withdrawn' },
};

function combinationsOf(names: readonly [string, string, string]) {
  return agreements.flatMap((agreement) =>
    yesAndNo.flatMap((first) =>
      yesAndNo.flatMap((second) =>
        yesAndNo.map((third) => {
          const present = [first && names[0], second && names[1], third && names[2]].filter((name) => name !== false);
          return { agreement, present, key: [agreement, ...present].join(' ') };
        }),
      ),
    ),
  );
}

const places: Readonly<Record<string, string>> = {
  landing: '.plexlift/r1/Library',
  library: 'Library',
  aside: 'Library.set-aside-r1',
  withdrawn: 'Library.withdrawn-r1',
};

function volumeWith(present: readonly string[]) {
  const volume = gateVolume();
  for (const name of present) volume.library(places[name] ?? name, name);
  return volume;
}

function stateOf(volume: ReturnType<typeof gateVolume>): string {
  return readFileSync(join(volume.root, '.plexlift/state'), 'utf8');
}

const publishCombinations = combinationsOf(['landing', 'library', 'aside']);
const withdrawCombinations = combinationsOf(['library', 'withdrawn', 'aside']);

describe('publishing that was cut off', () => {
  test('can leave five of the sixteen combinations', () => {
    expect(publishCombinations.filter(({ key }) => key in publishable)).toHaveLength(5);
    expect(publishCombinations).toHaveLength(16);
  });

  test.each(publishCombinations.filter(({ key }) => key in publishable))('$key: goes on to the end', ({ agreement, present, key }) => {
    const volume = volumeWith(present);
    volume.state('publishing', { agreement });
    expect(volume.run(['publish', 'r1', 'none'])).toMatchObject({ exitCode: 0, stdout: 'published r1\nend\n' });
    expect({ library: volume.markOf('Library'), aside: volume.markOf('Library.set-aside-r1') }).toEqual(publishable[key]);
    expect(existsSync(join(volume.root, '.plexlift/r1/Library'))).toBe(false);
    // Nothing may end up within another: a plain mv would.
    expect(readdirSync(join(volume.root, 'Library'))).toEqual(['Application Support']);
    expect(volume.run(['publish', 'r1', 'none'])).toMatchObject({ exitCode: 0, stdout: 'published r1\nend\n' });
  });

  test.each(publishCombinations.filter(({ key }) => !(key in publishable)))('$key: is left as it is', ({ agreement, present }) => {
    const volume = volumeWith(present);
    volume.state('publishing', { agreement });
    const before = stateOf(volume);
    expect(volume.run(['publish', 'r1', 'none'])).toMatchObject({ exitCode: gateExitCodes.repair, stderr: expect.stringContaining('Nothing was changed') as string });
    expect(present.map((name) => volume.markOf(places[name] ?? ''))).toEqual(present);
    expect(stateOf(volume)).toBe(before);
  });
});

test('hold also closes a gate that would finish a publish at its next start, without which nothing is withdrawn', () => {
  const volume = volumeWith(['landing']);
  volume.state('publishing');
  expect(volume.run(['withdraw', 'r1'])).toMatchObject({ exitCode: gateExitCodes.phase, stderr: 'plexlift-gate: Run "r1" is publishing and Plex may be running. Hold it first\n' });
  expect(volume.markOf('.plexlift/r1/Library')).toBe('landing');
  expect(volume.run(['hold', 'r1'])).toMatchObject({ exitCode: 0, stdout: 'published r1\nend\n' });
  expect(stateOf(volume)).toContain('held yes\n');
  expect(volume.run(['withdraw', 'r1']).exitCode).toBe(0);
  expect(volume.markOf('Library.withdrawn-r1')).toBe('landing');
});

describe('a withdrawal that was cut off', () => {
  test.each(withdrawCombinations.filter(({ key }) => key in withdrawable))('$key: goes on to the end', ({ agreement, present, key }) => {
    const volume = volumeWith(present);
    volume.state('withdrawing', { agreement, withdrawn: 'Library.withdrawn-r1' });
    for (const _ of [1, 2]) {
      expect(volume.run(['withdraw', 'r1']).exitCode).toBe(0);
      expect({ library: volume.markOf('Library'), withdrawn: volume.markOf('Library.withdrawn-r1') }).toEqual(withdrawable[key]);
    }
    expect(existsSync(join(volume.root, 'Library.set-aside-r1'))).toBe(false);
  });

  test.each(withdrawCombinations.filter(({ key }) => !(key in withdrawable)))('$key: is left as it is', ({ agreement, present }) => {
    const volume = volumeWith(present);
    volume.state('withdrawing', { agreement, withdrawn: 'Library.withdrawn-r1' });
    const before = stateOf(volume);
    expect(volume.run(['withdraw', 'r1'])).toMatchObject({ exitCode: gateExitCodes.repair, stderr: expect.stringContaining('Nothing was changed') as string });
    expect(present.map((name) => volume.markOf(places[name] ?? ''))).toEqual(present);
    expect(stateOf(volume)).toBe(before);
  });
});

describe('publish from the landing area', () => {
  test.each([
    { existing: false, agreed: 'none' },
    { existing: false, agreed: 'set-aside' },
    { existing: true, agreed: 'set-aside' },
  ])('existing library $existing, agreed $agreed: published, and withdrawn again as it was', ({ existing, agreed }) => {
    const volume = volumeWith(existing ? ['landing', 'library'] : ['landing']);
    volume.state('landing');
    expect(volume.run(['publish', 'r1', agreed])).toMatchObject({ exitCode: 0, stdout: 'published r1\nend\n' });
    expect([volume.markOf('Library'), volume.markOf('Library.set-aside-r1')]).toEqual(['landing', existing ? 'library' : null]);
    expect(volume.run(['withdraw', 'r1'])).toMatchObject({ exitCode: gateExitCodes.phase, stderr: expect.stringContaining('Hold it first') as string });
    expect(volume.run(['hold', 'r1'])).toMatchObject({ exitCode: 0, stdout: 'published r1\nend\n' });
    expect(volume.run(['withdraw', 'r1']).exitCode).toBe(0);
    expect([volume.markOf('Library'), volume.markOf('Library.withdrawn-r1')]).toEqual([existing ? 'library' : null, 'landing']);
  });

  test('each state is on disk before the renames that it announces, and each rename before the state that relies on it', () => {
    const volume = volumeWith(['landing', 'library']);
    volume.state('landing');
    const bin = temporaryDirectory();
    for (const program of ['mv', 'sync']) writeFileSync(join(bin, program), `#!/bin/sh\nPATH=/usr/bin:/bin\necho "${program} $*" >>"${bin}/log"\nexec ${program} "$@"\n`, { mode: 0o755 });
    expect(volume.run(['publish', 'r1', 'set-aside'], { environment: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } })).toMatchObject({ exitCode: 0 });
    const log = readFileSync(join(bin, 'log'), 'utf8').replaceAll(`${volume.root}/`, '/').replaceAll(volume.root, '/').replace(/\.new\.\d+/g, '.new');
    const writesState = ['sync -- /.plexlift/state.new', 'mv -f -T -- /.plexlift/state.new /.plexlift/state', 'sync -- /.plexlift'];
    expect(log.trim().split('\n')).toEqual([
      `sync -f /.plexlift/r1/${dataPath}`,
      ...writesState,
      'mv -T -- /Library /Library.set-aside-r1',
      'sync -- /',
      'sync -- /',
      'mv -T -- /.plexlift/r1/Library /Library',
      'sync -- /.plexlift/r1',
      'sync -- /',
      ...writesState,
    ]);
  });

  test('without consent an existing library is left as it is', () => {
    const volume = volumeWith(['landing', 'library']);
    volume.state('landing');
    expect(volume.run(['publish', 'r1', 'none'])).toMatchObject({ exitCode: gateExitCodes.consent });
    expect([volume.markOf('Library'), volume.markOf(places['landing'] ?? '')]).toEqual(['library', 'landing']);
    expect(stateOf(volume)).toContain('phase landing\n');
  });

  test('a set-aside library of that name is never overwritten', () => {
    const volume = volumeWith(['landing', 'library', 'aside']);
    volume.state('landing');
    expect(volume.run(['publish', 'r1', 'set-aside'])).toMatchObject({ exitCode: gateExitCodes.repair });
    expect(volume.markOf('Library.set-aside-r1')).toBe('aside');
  });

  test('published again after a withdrawal, the second withdrawal takes a name of its own', () => {
    const volume = volumeWith(['landing', 'withdrawn']);
    volume.state('landing');
    for (const verb of [['publish', 'r1', 'none'], ['hold', 'r1'], ['withdraw', 'r1']]) expect(volume.run(verb).exitCode).toBe(0);
    expect([volume.markOf('Library.withdrawn-r1'), volume.markOf('Library.withdrawn-r1.2'), volume.markOf('Library')]).toEqual(['withdrawn', 'landing', null]);
  });

  test.each([
    { verb: ['publish', 'r2', 'set-aside'], code: 'phase' },
    { verb: ['publish', 'r1'], code: 'usage' },
    { verb: ['publish', '../r1', 'none'], code: 'usage' },
    { verb: ['publish', 'state', 'none'], code: 'usage' },
    { verb: ['withdraw', 'r2'], code: 'phase' },
    { verb: ['finish', 'r1'], code: 'phase' },
    { verb: ['discard', 'r2'], code: 'phase' },
    { verb: ['open', 'r2'], code: 'phase' },
    { verb: ['hold', 'r2'], code: 'phase' },
    { verb: ['release', 'r1'], code: 'phase' },
    { verb: ['overwrite'], code: 'usage' },
  ] as const)('$verb is refused ($code) while run r1 lands', ({ verb, code }) => {
    const volume = volumeWith(['landing', 'library']);
    volume.state('landing');
    expect(volume.run(verb)).toMatchObject({ exitCode: gateExitCodes[code], stderr: expect.stringMatching(/^plexlift-gate: .+\n$/) as string });
    expect([volume.markOf('Library'), volume.markOf(places['landing'] ?? '')]).toEqual(['library', 'landing']);
  });

  test('a publish whose landing area is gone changes nothing', () => {
    const volume = volumeWith(['landing', 'library']);
    volume.state('landing');
    rmSync(join(volume.root, '.plexlift/r1'), { recursive: true });
    expect(volume.run(['publish', 'r1', 'set-aside'])).toMatchObject({ exitCode: gateExitCodes.repair });
    expect(volume.markOf('Library')).toBe('library');
  });
});

describe('the end of a run', () => {
  test('finish removes landing area and receipts, and no library; it may be repeated, and another run may begin', () => {
    const volume = volumeWith(['library', 'aside', 'withdrawn']);
    volume.library('.plexlift/r0/receipts', 'of an earlier run');
    volume.library('.plexlift/r1/Library', 'left over');
    volume.state('published', { agreement: 'set-aside' });
    for (const _ of [1, 2]) expect(volume.run(['finish', 'r1'])).toMatchObject({ exitCode: 0, stdout: 'finished r1\nend\n' });
    expect(existsSync(join(volume.root, '.plexlift/r1'))).toBe(false);
    expect(existsSync(join(volume.root, '.plexlift/r0'))).toBe(false);
    expect(['Library', 'Library.set-aside-r1', 'Library.withdrawn-r1'].map((name) => volume.markOf(name))).toEqual(['library', 'aside', 'withdrawn']);
    expect(volume.run(['withdraw', 'r1'])).toMatchObject({ exitCode: gateExitCodes.phase });
    expect(volume.run(['open', 'r1'])).toMatchObject({ exitCode: gateExitCodes.phase });
    expect(volume.run(['open', 'r2'])).toMatchObject({ exitCode: 0, stdout: 'landing r2\nend\n' });
  });

  test('discard forgets a run that was never published; every library stays', () => {
    const volume = volumeWith(['landing', 'library', 'withdrawn']);
    volume.state('withdrawn');
    for (const _ of [1, 2]) expect(volume.run(['discard', 'r1'])).toMatchObject({ exitCode: 0, stdout: 'none -\nend\n' });
    expect(volume.run(['state'])).toMatchObject({ exitCode: 0, stdout: 'none -\nend\n' });
    expect(existsSync(join(volume.root, '.plexlift/r1'))).toBe(false);
    expect([volume.markOf('Library'), volume.markOf('Library.withdrawn-r1')]).toEqual(['library', 'withdrawn']);
  });

  test('a withdrawn run can be opened again', () => {
    const volume = volumeWith(['library', 'withdrawn']);
    volume.state('withdrawn');
    expect(volume.run(['open', 'r1'])).toMatchObject({ exitCode: 0, stdout: 'landing r1\nend\n' });
  });
});
