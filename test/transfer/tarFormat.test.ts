import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { bytesOf, type Entry } from '../../src/transfer/entry.ts';
import { tarFormatOf } from '../../src/transfer/tarFormat.ts';
import { listDirectory, testOwner } from './localTree.ts';
import { scratchDirectory } from './scene.ts';

/** Whether GNU tar itself makes a ustar archive of an entry. */
function ustarHolds(directory: string, entry: Entry): boolean {
  const list = Buffer.concat([bytesOf(entry.path), Buffer.of(0)]);
  const { status } = spawnSync('tar', ['--create', '--format=ustar', '--null', '--verbatim-files-from', '--no-recursion', '--file=/dev/null', '--files-from=-'], { cwd: directory, input: list });
  return status === 0;
}

/** Makes what differs from an ordinary file. */
function furnishTree(directory: string): void {
  const put = (path: string): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), 'x');
  };
  const [d, e, f] = ['d', 'e', 'f'].map((letter) => (length: number): string => letter.repeat(length)) as [(length: number) => string, (length: number) => string, (length: number) => string];
  for (const path of [f(99), f(100), f(101), `${d(50)}/${f(49)}`, `${d(50)}/${f(50)}`, `${d(154)}/${f(100)}`, `${d(155)}/${f(100)}`, `${d(156)}/${f(10)}`, `${d(155)}/${f(101)}`]) put(path);
  for (const path of [`1${d(60)}/${e(60)}/${f(100)}`, `2${d(60)}/${e(93)}/${f(100)}`, `3${d(60)}/${e(94)}/${f(100)}`, `4${d(60)}/${e(99)}/${f(20)}`]) put(path);
  for (const path of [`5${d(98)}`, `6${d(99)}`, `7${d(60)}/${e(98)}`, `8${d(60)}/${e(99)}`, `9${d(153)}/${e(10)}`]) mkdirSync(join(directory, path), { recursive: true });
  for (const length of [99, 100, 101]) symlinkSync(f(length), join(directory, `link to ${length}`));
  for (const [name, seconds] of [['before 1970', -1], ['in 1970', 0], ['in 2242', 8 ** 11 - 1]] as const) {
    put(name);
    utimesSync(join(directory, name), seconds, seconds);
  }
  for (const [name, bytes] of [['below 8 GiB', 8 ** 11 - 1], ['8 GiB', 8 ** 11]] as const) {
    put(name);
    // Holes: nothing of it is on the disk, and tar does not read what it writes to /dev/null.
    truncateSync(join(directory, name), bytes);
  }
}

test('ustar is chosen where GNU tar can make one, and nowhere else', async () => {
  const directory = scratchDirectory();
  furnishTree(directory);
  const formats: string[] = [];
  for await (const entry of listDirectory(directory)) {
    formats.push(tarFormatOf([entry], testOwner));
    expect({ path: entry.path, format: formats.at(-1) }).toEqual({ path: entry.path, format: ustarHolds(directory, entry) ? 'ustar' : 'gnu' });
  }
  expect(formats.filter((format) => format === 'gnu').length).toBeGreaterThan(9);
  expect(formats.filter((format) => format === 'ustar').length).toBeGreaterThan(20);
});

test('one entry that does not fit makes the whole segment gnu, and so does an owner', () => {
  const entry: Entry = { path: 'a' as Entry['path'], type: 'file', sizeBytes: 1, modifiedAtSeconds: 1, changedAt: '1', mode: 0o644 };
  expect(tarFormatOf([entry, { ...entry, modifiedAtSeconds: -1 }], testOwner)).toBe('gnu');
  expect(tarFormatOf([entry], { uid: 1000, gid: 8 ** 7 })).toBe('gnu');
  expect(tarFormatOf([entry], { uid: 8 ** 7 - 1, gid: 1000 })).toBe('ustar');
});
