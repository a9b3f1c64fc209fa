import { Writable } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { liveLine, type LiveLine } from '../../src/ui/liveLine.ts';

let writes: string[];
let nowMs: number;
let live: LiveLine;

beforeEach(() => {
  writes = [];
  nowMs = 0;
  live = liveLine(new Writable({ write: (chunk: Buffer, _encoding, done) => (writes.push(chunk.toString('utf8')), done()) }), () => nowMs);
});

test('a line is written over in one piece, and what is left of the one before is erased behind it', () => {
  live.show('a long line', 'a');
  nowMs += 300;
  live.show('a line', 'a');
  expect(writes).toEqual(['a long line\u001B[K', '\ra line\u001B[K']);
});

test('four times a second at most, and only what changed; another kind at once', () => {
  for (let at = 0; at < 1_000; at += 50) {
    nowMs = at;
    live.show(`${at}`, 'a');
  }
  expect(writes).toHaveLength(4);
  nowMs = 2_000;
  live.show('750', 'a');
  expect(writes).toHaveLength(4);
  live.show('other', 'b');
  live.show('another', 'c');
  expect(writes).toHaveLength(6);
});

test('is taken away for what is to stay, once', () => {
  live.clear();
  live.show('a', 'a');
  live.clear();
  live.clear();
  live.show('a', 'a');
  expect(writes).toEqual(['a\u001B[K', '\r\u001B[K', 'a\u001B[K']);
});
