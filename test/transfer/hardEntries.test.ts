import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';
import { directoryTarget } from '../../src/targets/directory.ts';
import { send, type SendSummary } from '../../src/transfer/engine.ts';
import { openManifest } from '../../src/transfer/manifest.ts';
import { makeHardEntries, makeHugeFile } from '../bed/hardEntries.ts';
import { compareTrees, type TreeComparison } from '../bed/treeComparison.ts';
import { isLong } from '../long.ts';
import { testOwner } from './localTree.ts';

/** A data directory, and the road from it to a landing area made of nothing but real parts. */
interface Road {
  readonly data: string;
  /** Beside the data directory. */
  readonly outside: string;
  readonly sendAll: () => Promise<SendSummary>;
  readonly compare: (dereferenced?: readonly string[]) => Promise<TreeComparison>;
}

async function road(): Promise<Road> {
  const directory = mkdtempSync(join(tmpdir(), 'plexlift-hard-'));
  // Some paths are too long for what removes directories in Node, and some directories may not be written into.
  onTestFinished(() => void execFileSync('sh', ['-c', 'chmod -R u+rwX -- "$1"; rm -rf -- "$1"', 'sh', directory]));
  const [data, outside, volume] = [join(directory, 'data'), join(directory, 'outside'), join(directory, 'volume')];
  for (const made of [data, outside]) mkdirSync(made);
  const machine = thisComputer();
  const target = directoryTarget(machine, { directory: volume });
  const before = await target.describe();
  await target.open({ run: 'hard', version: null, before });
  const manifest = openManifest(join(directory, 'manifest.db'));
  onTestFinished(() => manifest.close());
  const tree = localTree(machine, { directory: data, followsLinksOut: true });
  const landing = join(volume, '.plexlift/hard/Library/Application Support/Plex Media Server');
  const signal = new AbortController().signal;
  return {
    data,
    outside,
    sendAll: () => send({ tree, treeName: 'bulk', target, manifest, owner: testOwner, mode: 'at rest', signal, progress: () => undefined }),
    compare: (dereferenced = []) => compareTrees({ expected: data, actual: landing, owner: testOwner, dereferenced }),
  };
}

describe('a data directory of entries that are hard to carry', () => {
  test('arrives whole in every type, mode, owner, size, time, link target and content, and is not sent again', { timeout: 120_000 }, async () => {
    const { data, outside, sendAll, compare } = await road();
    const facts = makeHardEntries({ directory: data, outside });
    const summary = await sendAll();
    const comparison = await compare([...facts.followed, facts.followedAbsolute]);
    expect(comparison.differences).toEqual([]);
    expect(comparison.entries).toBeGreaterThan(700);
    expect(summary).toMatchObject({ entries: comparison.entries, bytes: comparison.bytes, retries: 0, notSent: { count: 0 } });
    expect(summary.skippedOther.first.toSorted()).toEqual([...facts.unsendable].toSorted());
    expect(summary.leavingLinks.first.map((line) => line.replace(/: leads to .*/, '')).toSorted()).toEqual([...facts.leaving].toSorted());
    expect(await sendAll()).toMatchObject({ entries: 0, bytes: 0, segments: 0, removed: 0 });
    expect((await compare([...facts.followed, facts.followedAbsolute])).differences).toEqual([]);
  });

  test.runIf(isLong)('arrives with a file of more than 8 GiB', { timeout: 1_800_000 }, async () => {
    const { data, sendAll, compare } = await road();
    makeHugeFile({ directory: data });
    expect(await sendAll()).toMatchObject({ entries: 2, retries: 0 });
    expect(await compare()).toMatchObject({ entries: 2, bytes: 8 * 2 ** 30 + 4_097, differences: [] });
    expect(await sendAll()).toMatchObject({ entries: 0 });
  });
});

/** What can be at a path, and how it gets there. */
const kinds = {
  nothing: () => undefined,
  file: (path) => writeFileSync(path, `a file at ${path}`, { mode: 0o640 }),
  'empty directory': (path) => mkdirSync(path),
  directory(path) {
    mkdirSync(join(path, 'below'), { recursive: true });
    writeFileSync(join(path, 'file'), 'one');
    writeFileSync(join(path, 'below/file'), 'two');
    symlinkSync('below', join(path, 'link'));
  },
  'link to a file': (path) => symlinkSync('file to file', path),
  'link to a directory': (path) => symlinkSync('directory to directory', path),
  'link to nothing': (path) => symlinkSync('nothing at all', path),
  'link out of the data directory': (path, { outside }) => {
    const moved = join(outside, String(process.hrtime.bigint()));
    kinds.directory(moved);
    symlinkSync(moved, path);
  },
  pipe: (path) => void execFileSync('mkfifo', [path]),
} as const satisfies Record<string, (path: string, place: Pick<Road, 'outside'>) => void>;
type Kind = keyof typeof kinds;

describe('entries that become others between two sendings', () => {
  const kindNames = Object.keys(kinds) as Kind[];
  const pairs = kindNames.flatMap((from) => kindNames.map((to) => ({ path: `Metadata/changes/${from} to ${to}`, from, to })));
  const followed = (at: 'from' | 'to'): readonly string[] => pairs.filter((pair) => pair[at] === 'link out of the data directory').map(({ path }) => path);

  test('arrive as what they are now, whatever they were before', { timeout: 120_000 }, async () => {
    const { data, outside, sendAll, compare } = await road();
    mkdirSync(join(data, 'Metadata/changes'), { recursive: true });
    for (const { path, from } of pairs) kinds[from](join(data, path), { outside });
    await sendAll();
    expect((await compare(followed('from'))).differences).toEqual([]);
    for (const { path, to } of pairs) {
      rmSync(join(data, path), { recursive: true, force: true });
      kinds[to](join(data, path), { outside });
    }
    expect(await sendAll()).toMatchObject({ retries: 0, notSent: { count: 0 } });
    const comparison = await compare(followed('to'));
    expect(comparison.differences).toEqual([]);
    expect(comparison.entries).toBeGreaterThan(pairs.length);
    expect(await sendAll()).toMatchObject({ entries: 0, removed: 0 });
    rmSync(join(data, 'Metadata'), { recursive: true });
    await sendAll();
    expect(await compare()).toMatchObject({ entries: 0, differences: [] });
  });

  test('arrive anew where only mode, time or content changed, by themselves', async () => {
    const { data, sendAll, compare } = await road();
    const at = (path: string): string => join(data, 'Metadata', path);
    mkdirSync(at('directory/below'), { recursive: true });
    for (const path of ['mode', 'time', 'content', 'size', 'one name', 'directory/below/file', 'unchanged']) writeFileSync(at(path), 'content');
    linkSync(at('one name'), at('another name'));
    await sendAll();
    chmodSync(at('mode'), 0o600);
    utimesSync(at('time'), 1, new Date(-1_500));
    const { atime, mtime } = lstatSync(at('content'));
    writeFileSync(at('content'), 'CONTENT');
    utimesSync(at('content'), atime, mtime);
    writeFileSync(at('size'), 'more content');
    unlinkSync(at('another name'));
    writeFileSync(at('another name'), 'no hard link any more');
    chmodSync(at('directory/below'), 0o2711);
    renameSync(at('directory'), at('renamed'));
    const summary = await sendAll();
    expect((await compare()).differences).toEqual([]);
    // Six files; three directories: that of all, and both that were renamed. Losing a name changes the inode of the other one, too.
    expect(summary).toMatchObject({ entries: 6 + 1 + 3, removed: 3 });
    expect(await sendAll()).toMatchObject({ entries: 0 });
  });
});
