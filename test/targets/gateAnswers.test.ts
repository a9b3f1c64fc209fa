import { describe, expect, test } from 'vitest';
import { array, assert, constantFrom, nat, property, tuple, uint8Array } from 'fast-check';
import { parseDatabaseChecks, parseEntries, parseIdentity, parseLookUp, parseMounts, parseRoom, parseSample, parseState } from '../../src/targets/gate/gateAnswers.ts';

describe('state', () => {
  test.each([
    ['none -\n', { phase: 'none', run: null }],
    ['landing r1\n', { phase: 'landing', run: 'r1' }],
    ['withdrawing r1\n', { phase: 'withdrawn', run: 'r1' }],
    ['finished r1\n', { phase: 'finished', run: 'r1' }],
  ])('%j', (answer, state) => expect(parseState(answer)).toEqual(state));

  test.each(['', 'landing', 'unheard-of r1\n'])('%j is refused', (answer) => expect(() => parseState(answer)).toThrow('unknown form'));
});

describe('room', () => {
  test('is bytes and inodes', () => {
    expect(parseRoom(' 123456 1000 77 ext4\n')).toEqual({ freeBytes: 123_456, freeInodes: 77, fileSystem: 'ext4' });
  });

  test.each(['5 0 0 btrfs', '5 - - fuseblk'])('a file system without a count of inodes never runs out: %s', (answer) => {
    expect(parseRoom(answer).freeInodes).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('nothing is not room', () => expect(() => parseRoom('\n')).toThrow('unknown form'));
});

test('an identity without an answer is refused, not taken for an empty volume', () => {
  expect(() => parseIdentity('')).toThrow('unknown form');
});

describe('mounts', () => {
  const info = [
    '21 1 8:1 / / rw - ext4 /dev/sda1 rw',
    String.raw`22 21 0:50 / /media/my\040library rw shared:1 - nfs4 nas:/export/a\040b rw`,
    '23 21 0:51 / /media/my rw - tmpfs tmpfs rw',
    '24 21 0:52 / /media/over rw - tmpfs tmpfs rw',
    '26 21 0:54 / /media/my/other\\040disk rw - nfs nas:/other rw',
    '25 24 0:53 / /media/over rw - nfs nas:/over rw',
    '',
  ].join('\n');

  test('the longest mount above a path counts, whole segments only, and the last one mounted there', () => {
    const paths = ['/media/my library/films', '/media/my', '/media/myself', '/media/over', '/media/empty/', '/media/gone', '/media/stuck', '/media/my/'];
    const answer = `answers\nanswers\nanswers\nanswers\nempty\nabsent No such file or directory\nhangs no answer within 10 s\nabsent Permission denied\nmountinfo\n${info}`;
    expect(parseMounts(answer, { paths, anyDirectory: false })).toEqual([
      { path: paths[0], status: 'answers', detail: 'nfs4 from nas:/export/a b, mounted at /media/my library', mountPointsBelow: [] },
      { path: paths[1], status: 'answers', detail: 'tmpfs from tmpfs, mounted at /media/my', mountPointsBelow: ['/media/my/other disk'] },
      { path: paths[2], status: 'not a mount', detail: 'ext4 from /dev/sda1, mounted at /', mountPointsBelow: [] },
      { path: paths[3], status: 'answers', detail: 'nfs from nas:/over, mounted at /media/over', mountPointsBelow: [] },
      { path: paths[4], status: 'not a mount', detail: 'ext4 from /dev/sda1, mounted at /', mountPointsBelow: [] },
      { path: paths[5], status: 'absent', detail: 'No such file or directory', mountPointsBelow: [] },
      { path: paths[6], status: 'hangs', detail: 'no answer within 10 s (ext4 from /dev/sda1, mounted at /)', mountPointsBelow: [] },
      { path: paths[7], status: 'unreadable', detail: 'Permission denied (tmpfs from tmpfs, mounted at /media/my)', mountPointsBelow: ['/media/my/other disk'] },
    ]);
  });

  test('fewer answers than paths are refused', () => {
    expect(() => parseMounts(`answers\nmountinfo\n${info}`, { paths: ['/a', '/b'], anyDirectory: true })).toThrow('unknown form');
  });
});

describe('media', () => {
  function answerOf(sections: readonly [string, string, string], outcome: string): Buffer {
    return Buffer.from(`${sections.map((section) => Buffer.byteLength(section)).join(' ')} ${outcome}\n${sections.join('')}`);
  }

  test('when something hung, nothing is called missing or present', () => {
    const answer = answerOf(['/a\x005\x0081a4\0/b\x006', '', 'No such file or directory\n'], 'hangs');
    expect(parseLookUp(answer, ['/a', '/b', '/c'])).toEqual({
      hung: true,
      findings: [
        { path: '/a', status: 'unreadable', sizeBytes: 5 },
        { path: '/b', status: 'unreadable', sizeBytes: null },
        { path: '/c', status: 'unreadable', sizeBytes: null },
      ],
    });
  });

  test('reasons other than absence make a file unreadable', () => {
    const reasons = ['Permission denied', 'Stale file handle', 'Not a directory', 'Input/output error', 'No such file or directory'];
    const paths = reasons.map((_, position) => `/${position}`);
    const { findings } = parseLookUp(answerOf(['', '', reasons.map((reason) => `${reason}\n`).join('')], 'answers'), paths);
    expect(findings.map(({ status }) => status)).toEqual(['unreadable', 'unreadable', 'missing', 'unreadable', 'missing']);
  });

  test('an answer of another length, or with too few reasons, is refused', () => {
    expect(() => parseLookUp(Buffer.from('5 0 0 answers\nabc'), [])).toThrow('unknown form');
    expect(() => parseLookUp(answerOf(['', '', ''], 'answers'), ['/a'])).toThrow('unknown form');
  });

  test('a sample is a size and a digest, or missing', () => {
    expect(parseSample(`7 ${'0f'.repeat(32)}\n`)).toEqual({ sizeBytes: 7, sha256: '0f'.repeat(32) });
    expect(parseSample('missing\n')).toBeNull();
    expect(() => parseSample('7 \n')).toThrow('unknown form');
  });
});

describe('a listing', () => {
  const bytes = uint8Array({ minLength: 1, maxLength: 20 }).map((raw) => Buffer.from(raw.map((byte) => (byte === 0 ? 1 : byte))));

  test('is the same however it is cut into pieces', () => {
    assert(
      property(array(tuple(constantFrom('f', 'd', 'l', 's'), nat(), bytes), { maxLength: 20 }), nat({ max: 200 }), (rows, pieceBytes) => {
        const whole = Buffer.concat(rows.map(([type, size, name]) => Buffer.concat([Buffer.from(`${type}\0${size}\x001500000000.7500000000\x001.5\x00755\0`), Buffer.from(type === 'l' ? 'to\x001000:1000\0' : '\x001000:1000\0'), name, Buffer.of(0)])));
        const paths: string[] = [];
        let rest = Buffer.alloc(0);
        for (let offset = 0; offset < whole.length; offset += pieceBytes + 1) {
          rest = Buffer.concat([rest, whole.subarray(offset, offset + pieceBytes + 1)]);
          const { entries, usedBytes } = parseEntries(rest);
          paths.push(...entries.map((entry) => entry.path));
          rest = rest.subarray(usedBytes);
        }
        expect(rest).toHaveLength(0);
        expect(paths).toEqual(rows.map(([, , name]) => name.toString('latin1')));
      }),
    );
  });

  test('times are whole seconds, cut off also before 1970', () => {
    const { entries } = parseEntries(Buffer.from('f\x001\x00-1.5000000000\x009.25\x000\x00\x000:4\x00a\0s\x000\x001.9\x001\x00777\x00\x001000:1000\x00b\0'));
    expect(entries).toEqual([
      { path: 'a', type: 'file', sizeBytes: 1, modifiedAtSeconds: -2, changedAt: '9.25', mode: 0, belongsTo: '0:4' },
      { path: 'b', type: 'other', sizeBytes: 0, modifiedAtSeconds: 1, changedAt: '1', mode: 0o777, belongsTo: '1000:1000' },
    ]);
  });
});

describe('databases', () => {
  test('sections in another order, or missing, are refused', () => {
    expect(() => parseDatabaseChecks('database b\nline ok\nexit 0\n', ['a'])).toThrow('unknown form');
    expect(() => parseDatabaseChecks('database a\nline ok\nexit 0\n', ['a', 'b'])).toThrow('unknown form');
  });

  test('an end that names damage is told as damage, any other as a check that could not be made', () => {
    const of = (problem: string) => parseDatabaseChecks(`database a\nproblem ${problem}\nexit 1\n`, ['a'])[0]?.finding;
    expect(of('Error: in prepare, database disk image is malformed (11)')).toMatchObject({ status: 'fail', detail: 'Plex SQLite found: Error: in prepare, database disk image is malformed (11)' });
    expect(of('cp: error writing: No space left on device')).toMatchObject({ status: 'fail', detail: 'Plex SQLite could not check it: cp: error writing: No space left on device' });
  });

  test('only the two known false reports are no damage', () => {
    const of = (table: string) => parseDatabaseChecks(`database a\nline unable to validate the inverted index for FTS4 table main.${table}: SQL logic error\nexit 0\n`, ['a'])[0]?.finding.status;
    expect(['fts4_metadata_titles_icu', 'fts4_tag_titles_icu', 'fts4_metadata_titles', 'other'].map(of)).toEqual(['warn', 'warn', 'fail', 'fail']);
  });
});
