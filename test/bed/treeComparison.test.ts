import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, linkSync, lutimesSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compareTrees, type TreeComparison, type TreesToCompare } from './treeComparison.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const long = 'd'.repeat(250);
// A number below zero would be taken for this moment.
const before1970 = new Date(-1_250);

/** Two equal trees, and what compares them. */
interface Pair {
  readonly expected: string;
  readonly actual: string;
  readonly compare: (options?: Partial<TreesToCompare>) => Promise<TreeComparison>;
}

function pair(): Pair {
  const directory = mkdtempSync(join(tmpdir(), 'plexlift-trees-'));
  onTestFinished(() => void execFileSync('rm', ['-rf', '--', directory]));
  const [expected, actual] = [join(directory, 'expected'), join(directory, 'actual')];
  for (const root of [expected, actual]) furnish(root);
  return { expected, actual, compare: async (options = {}) => await compareTrees({ expected, actual, owner, ...options }) };
}

function furnish(root: string): void {
  mkdirSync(join(root, 'a/b'), { recursive: true });
  mkdirSync(join(root, 'empty'));
  writeFileSync(join(root, 'a/file'), 'content');
  writeFileSync(join(root, 'a/b/other'), 'more');
  symlinkSync('file', join(root, 'a/link'));
  writeFileSync(oddName(root, 0xff), '');
  for (const path of ['a/file', 'a/b/other', 'a/b', 'a', 'empty']) utimesSync(join(root, path), 1_400_000_000, before1970);
  lutimesSync(join(root, 'a/link'), 1_400_000_000, 1_400_000_000);
  utimesSync(oddName(root, 0xff), 1, 1);
  utimesSync(join(root, 'a'), 1, 1);
}

function oddName(root: string, byte: number): Buffer {
  return Buffer.concat([Buffer.from(`${root}/a/no utf-8 `), Buffer.of(byte, 0x0a)]);
}

describe('equal trees', () => {
  test('have no difference, and are counted', async () => {
    const { compare } = pair();
    expect(await compare()).toEqual({ entries: 7, files: 3, bytes: 11, differences: [], differenceCount: 0 });
  });

  test('may be deeper than the longest path of a system call', async () => {
    const { expected, actual, compare } = pair();
    for (const root of [expected, actual]) execFileSync('mkdir', ['-p', '--', Array.from({ length: 20 }, () => long).join('/')], { cwd: root });
    expect(await compare({ timesNotCompared: Array.from({ length: 20 }, (_, depth) => Array.from({ length: depth + 1 }, () => long).join('/')) })).toMatchObject({ entries: 27, differences: [] });
  });

  test('have their hard links as files of their own, on either side', async () => {
    const { expected, actual, compare } = pair();
    linkSync(join(expected, 'a/file'), join(expected, 'empty/again'));
    writeFileSync(join(actual, 'empty/again'), 'content');
    for (const path of ['empty/again', 'empty']) for (const root of [expected, actual]) utimesSync(join(root, path), 5, 5);
    utimesSync(join(expected, 'a/file'), 5, 5);
    utimesSync(join(actual, 'a/file'), 5, 5);
    expect((await compare()).differences).toEqual([]);
  });
});

/** Each kind of difference: how it is made, and what has to be said of it. */
const differences: Readonly<Record<string, { readonly make: (trees: Pair) => void; readonly said: readonly string[] }>> = {
  'missing file': { make: ({ actual }) => unlinkSync(join(actual, 'a/b/other')), said: ['"a/b/other": is missing, expected is a file'] },
  'missing directory, with all below it': {
    make: ({ actual }) => rmSync(join(actual, 'a/b'), { recursive: true }),
    said: ['"a/b": is missing, expected is a directory', '"a/b/other": is missing, expected is a file'],
  },
  stranger: {
    make: ({ actual }) => cpSync(join(actual, 'a/b'), join(actual, 'empty/b'), { recursive: true }),
    said: ['"empty/b": is a directory that nobody expected', '"empty/b/other": is a file that nobody expected'],
  },
  'one byte of content': { make: ({ actual }) => writeFileSync(join(actual, 'a/file'), 'contenT'), said: ['"a/file": has other content'] },
  size: { make: ({ actual }) => truncateSync(join(actual, 'a/file'), 8), said: ['"a/file": has 8 bytes, expected are 7'] },
  'mode of a file': { make: ({ actual }) => chmodSync(join(actual, 'a/file'), 0o4644), said: ['"a/file": has mode 4644, expected is 0644'] },
  'mode of a directory': { make: ({ actual }) => chmodSync(join(actual, 'a/b'), 0o1755), said: ['"a/b": has mode 1755, expected is 0755'] },
  'time of a file before 1970, by one second': {
    make: ({ actual }) => utimesSync(join(actual, 'a/file'), 1, new Date(-1_000)),
    said: ['"a/file": has time -1, expected is -2'],
  },
  'time of a directory': { make: ({ actual }) => utimesSync(join(actual, 'a/b'), 1, 2), said: ['"a/b": has time 2, expected is -2'] },
  'time of a link': { make: ({ actual }) => lutimesSync(join(actual, 'a/link'), 1, 1), said: ['"a/link": has time 1, expected is 1400000000'] },
  'link target': { make: ({ actual }) => replaceByLink(join(actual, 'a/link'), 'b/other'), said: ['"a/link": leads to "b/other", expected is "file"'] },
  'file in place of a link': {
    make: ({ actual }) => renameSync(join(actual, 'a/file'), join(actual, 'a/link')),
    said: ['"a/file": is missing, expected is a file', '"a/link": is a file, expected is a link'],
  },
  'link in place of a directory': {
    make: ({ actual }) => replaceByLink(join(actual, 'a/b'), '../empty'),
    said: ['"a/b": is a link, expected is a directory', '"a/b/other": is missing, expected is a file'],
  },
  'directory in place of a file': {
    make({ actual }) {
      rmSync(join(actual, 'a/file'));
      cpSync(join(actual, 'a/b'), join(actual, 'a/file'), { recursive: true });
    },
    said: ['"a/file": is a directory, expected is a file', '"a/file/other": is a file that nobody expected'],
  },
  'one byte of a name': {
    make: ({ actual }) => renameSync(oddName(actual, 0xff), oddName(actual, 0xfe)),
    said: [String.raw`"a/no utf-8 \xfe\x0a": is a file that nobody expected`, String.raw`"a/no utf-8 \xff\x0a": is missing, expected is a file`],
  },
  'pipe that arrived': {
    make: ({ expected, actual }) => void execFileSync('mkfifo', [expected, actual].map((root) => join(root, 'pipe'))),
    said: ['"pipe": is a pipe, which should not arrive, and a pipe is there'],
  },
  'pipe in place of a file': {
    make({ actual }) {
      unlinkSync(join(actual, 'a/file'));
      execFileSync('mkfifo', [join(actual, 'a/file')]);
    },
    said: ['"a/file": is a pipe, expected is a file'],
  },
};

function replaceByLink(path: string, target: string): void {
  rmSync(path, { recursive: true });
  symlinkSync(target, path);
  lutimesSync(path, 1_400_000_000, 1_400_000_000);
}

describe('a difference is found:', () => {
  test.each(Object.entries(differences))('%s', async (_name, { make, said }) => {
    const trees = pair();
    make(trees);
    const found = await trees.compare();
    // What was made just now has a time of just now, and so has its directory.
    expect(found.differences.filter((line) => !/: has time \d{10}, expected is/.test(line))).toEqual(said);
    expect(found.differenceCount).toBe(found.differences.length);
  });

  test('owner, of the root too', async () => {
    const { compare } = pair();
    const found = await compare({ owner: { uid: owner.uid + 1, gid: owner.gid } });
    expect(found.differenceCount).toBe(8);
    expect(found.differences).toContain(`"a/link": belongs to ${owner.uid}:${owner.gid}, expected is ${owner.uid + 1}:${owner.gid}`);
    expect((await compare({ owner: { uid: owner.uid, gid: owner.gid + 1 } })).differenceCount).toBe(8);
  });

  test('more than can be named are counted all the same', async () => {
    const { actual, compare } = pair();
    for (let file = 0; file < 300; file += 1) writeFileSync(join(actual, `stranger ${file}`), '');
    const found = await compare();
    expect(found).toMatchObject({ entries: 7, differenceCount: 300 });
    expect(found.differences).toHaveLength(200);
  });
});

describe('what was agreed on is not a difference:', () => {
  test('paths left out, but not those that only begin like them', async () => {
    const { actual, compare } = pair();
    rmSync(join(actual, 'a'), { recursive: true });
    writeFileSync(join(actual, 'another'), '');
    expect((await compare({ leave: ['a'] })).differences).toEqual(['"another": is a file that nobody expected']);
  });

  test('times of directories that were named', async () => {
    const { actual, compare } = pair();
    utimesSync(join(actual, 'a/b'), 9, 9);
    expect((await compare({ timesNotCompared: ['a/b'] })).differences).toEqual([]);
  });

  test('sockets, pipes and devices that did not arrive', async () => {
    const { expected, compare } = pair();
    execFileSync('mkfifo', [join(expected, 'pipe')]);
    expect(await compare()).toMatchObject({ entries: 7, differences: [] });
  });

  test('a link to a directory that arrived as that directory, whose content is compared', async () => {
    const { expected, actual, compare } = pair();
    renameSync(join(expected, 'a/b'), join(expected, '../elsewhere'));
    symlinkSync('../../elsewhere', join(expected, 'a/b'));
    utimesSync(join(expected, 'a'), 1, 1);
    expect((await compare()).differences).toEqual(['"a/b": is a directory, expected is a link', '"a/b/other": is a file that nobody expected']);
    expect(await compare({ dereferenced: ['a/b'] })).toMatchObject({ entries: 7, files: 3, differences: [] });
    writeFileSync(join(actual, 'a/b/other'), 'MORE');
    utimesSync(join(actual, 'a/b/other'), 1, before1970);
    expect((await compare({ dereferenced: ['a/b'] })).differences).toEqual(['"a/b/other": has other content']);
  });
});

test('what cannot be compared is no answer', async () => {
  const { actual, compare } = pair();
  await expect(compare({ actual: join(actual, 'nowhere') })).rejects.toThrow('No such file or directory');
});
