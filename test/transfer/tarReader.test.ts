import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { tarReader, type TarMember } from '../../src/transfer/tarReader.ts';
import { scratchDirectory } from './scene.ts';
import { tarHeader } from './tarHeader.ts';

interface Read {
  readonly members: readonly TarMember[];
  readonly contents: readonly string[];
  readonly isWhole: boolean;
}

/** Reads a tar in pieces of the given length. */
function read(tar: Buffer, pieceBytes = tar.length): Read {
  const members: TarMember[] = [];
  const contents: string[] = [];
  let content = '';
  const reader = tarReader({
    member: (member) => void members.push(member),
    content(piece) {
      expect(piece.length).toBeGreaterThan(0);
      content += piece.toString('latin1');
    },
    contentEnded() {
      contents.push(content);
      content = '';
    },
  });
  for (let at = 0; at < tar.length; at += pieceBytes) reader.write(tar.subarray(at, at + pieceBytes));
  return { members, contents, isWhole: reader.isWhole() };
}

function gnuTar(directory: string, names: readonly string[]): Buffer {
  return execFileSync('tar', ['--create', '--format=gnu', '--no-recursion', '--numeric-owner', '--owner=:1234', '--group=:3000000', `--directory=${directory}`, '--null', '--verbatim-files-from', '--files-from=-'], { input: names.map((name) => `${name}\0`).join('') });
}

const endMark = Buffer.alloc(1_024);

test('what GNU tar wrote is read as it is, in pieces of any length', () => {
  const directory = scratchDirectory();
  const long = Array.from({ length: 12 }, (_, number) => `${number}`.padEnd(200, 'n')).join('/');
  mkdirSync(join(directory, long), { recursive: true });
  writeFileSync(join(directory, 'of 100 bytes'.padEnd(100, 'x')), 'exactly fits');
  writeFileSync(join(directory, long, 'deep'), 'y'.repeat(700));
  symlinkSync('t'.repeat(300), join(directory, long, 'link'));
  symlinkSync('near', join(directory, 'short link'));
  writeFileSync(join(directory, 'old'), '');
  utimesSync(join(directory, 'old'), new Date(-86_400_000), new Date(-86_400_000));
  const names = ['of 100 bytes'.padEnd(100, 'x'), `${long}/deep`, `${long}/link`, 'short link', 'old', long];
  const tar = gnuTar(directory, names);
  const expected = read(tar);

  expect(expected.members.map(({ name }) => name)).toEqual([...names.slice(0, -1), `${long}/`]);
  expect(expected.members.map(({ type }) => type)).toEqual(['file', 'file', 'link', 'link', 'file', 'directory']);
  expect(expected.members.map(({ sizeBytes }) => sizeBytes)).toEqual([12, 700, 0, 0, 0, 0]);
  expect(expected.contents).toEqual(['exactly fits', 'y'.repeat(700), '', '', '', '']);
  expect(expected.members.map(({ linkName }) => linkName)).toEqual(['', '', 't'.repeat(300), 'near', '', '']);
  // A group beyond what seven octal digits hold, and a time before 1970, are written in binary.
  expect(expected.members[4]).toMatchObject({ modifiedAtSeconds: -86_400, uid: 1234, gid: 3_000_000 });
  expect(expected.isWhole).toBe(true);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000 }), (pieceBytes) => {
      expect(read(tar, pieceBytes)).toEqual(expected);
    }),
    { numRuns: 50, examples: [[1], [511], [512], [513]] },
  );
});

test('a header whose checksum is wrong, and one of another format, are none', () => {
  const withoutChecksum = tarHeader();
  withoutChecksum[0] = 0x4e;
  const posix = tarHeader((block) => void block.fill('ustar\x0000', 257, 265, 'latin1'));
  for (const none of [withoutChecksum, posix]) expect(() => read(Buffer.concat([tarHeader(), none]))).toThrow('something at byte 512 that is no header of GNU tar');
});

test.each([
  ['no number', '0000000000x\0'],
  ['a number and something behind its end', '00000001\x001\0\0'],
  ['a digit too high', '00000000008\0'],
  ['nothing', '\0\0\0\0\0\0\0\0\0\0\0\0'],
  ['less than nothing', `\xff${'\xff'.repeat(11)}`],
  ['more than can be counted', `\x80${'\xff'.repeat(11)}`],
])('a member whose size is %s is refused', (_, size) => {
  expect(() => read(tarHeader((block) => void block.write(size, 124, 'latin1')))).toThrow('impossible size at byte 0');
});

test('a number may be filled up with spaces in front of it, and with spaces and NULs behind it', () => {
  const member = tarHeader((block) => void block.write('      17 \0\0\0', 124, 'latin1'));
  expect(read(Buffer.concat([member, Buffer.alloc(512), endMark])).members[0]?.sizeBytes).toBe(15);
});

test('a name longer than any is refused before it is read', () => {
  const longName = tarHeader((block) => {
    block.write('L', 156);
    block.write('00001000000\0', 124);
  });
  expect(() => read(longName)).toThrow('a name of 262144 bytes');
});

test('nothing may follow the end mark but zeros, and half of it is no end', () => {
  expect(read(Buffer.concat([tarHeader(), endMark])).isWhole).toBe(true);
  expect(read(Buffer.concat([tarHeader(), Buffer.alloc(10_240)])).isWhole).toBe(true);
  expect(read(Buffer.concat([tarHeader(), Buffer.alloc(512)])).isWhole).toBe(false);
  expect(read(Buffer.concat([tarHeader(), Buffer.alloc(1_023)])).isWhole).toBe(false);
  expect(read(Buffer.concat([tarHeader(), Buffer.alloc(1_500)])).isWhole).toBe(false);
  expect(() => read(Buffer.concat([tarHeader(), Buffer.alloc(512), tarHeader()]))).toThrow('something at byte 1024');
});

test('a type that is not asked of tar is told as none, and its content is passed over', () => {
  const fifo = tarHeader((block) => void block.write('6', 156));
  expect(read(Buffer.concat([fifo, tarHeader(), endMark])).members.map(({ type }) => type)).toEqual([null, 'file']);
});
