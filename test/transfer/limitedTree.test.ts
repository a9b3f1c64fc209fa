import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Process } from '../../src/machines/machine.ts';
import type { Tree } from '../../src/transfer/entry.ts';
import { byteLimit, type ByteLimit } from '../../src/transfer/limit.ts';
import { limitedTree } from '../../src/transfer/limitedTree.ts';
import { scene } from './scene.ts';
import { localTree, testOwner } from './localTree.ts';

const entries: Parameters<Tree['read']>[0] = [];

/** A tree whose tar is this stream. */
function treeOf(stdout: Readable): Tree {
  const process: Process = { stdin: new PassThrough(), stdout, ended: Promise.resolve({ exitCode: 0, signal: null, stderrTail: '' }), kill: () => undefined };
  return { name: 'a tree', list: () => (async function* none() {})(), read: () => process };
}

/** A limit that nothing waits for, and that remembers what passed. */
function counting(): ByteLimit & { readonly passed: number[] } {
  const passed: number[] = [];
  return { bytesPerSecond: 1, pieceBytes: 10_000, passed, pass: async (bytes) => void passed.push(bytes) };
}

test('every byte passes once, unchanged, in pieces, and how the program ended is told as before', async () => {
  const bytes = Buffer.from(Array.from({ length: 123_457 }, (_, at) => at % 251));
  const limit = counting();
  const process = limitedTree(treeOf(Readable.from([bytes.subarray(0, 99_999), bytes.subarray(99_999)])), limit).read(entries, testOwner);
  const hash = createHash('sha256');
  await pipeline(process.stdout, hash);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(limit.passed.reduce((sum, piece) => sum + piece, 0)).toBe(bytes.length);
  expect(Math.max(...limit.passed)).toBe(limit.pieceBytes);
  expect(await process.ended).toMatchObject({ exitCode: 0 });
});

test('nothing is gathered while nobody reads', async () => {
  let made = 0;
  const endless = new Readable({
    read() {
      made += 65_536;
      this.push(Buffer.alloc(65_536));
    },
  });
  const { stdout } = limitedTree(treeOf(endless), counting()).read(entries, testOwner);
  stdout.pause();
  await delay(50);
  expect(made).toBeLessThan(1024 ** 2);
  stdout.destroy();
});

test('whoever stops reading ends the reading and the waiting', async () => {
  const endless = new Readable({
    read() {
      setImmediate(() => this.push(Buffer.alloc(65_536)));
    },
  });
  const waits: AbortSignal[] = [];
  const forEver: ByteLimit = {
    bytesPerSecond: 1,
    pieceBytes: 1,
    pass: async (_, signal) => {
      waits.push(signal);
      await delay(600_000, undefined, { signal });
    },
  };
  const { stdout } = limitedTree(treeOf(endless), forEver).read(entries, testOwner);
  stdout.resume();
  await delay(20);
  stdout.destroy();
  await delay(20);
  expect(endless.destroyed).toBe(true);
  expect(waits.map(({ aborted }) => aborted)).toEqual([true]);
});

test('a stream that breaks is told to whoever reads', async () => {
  const broken = new Readable({
    read() {
      this.destroy(new Error('the line is dead'));
    },
  });
  const { stdout } = limitedTree(treeOf(broken), counting()).read(entries, testOwner);
  await expect(pipeline(stdout, new PassThrough().resume())).rejects.toThrow('the line is dead');
});

test('a copy is held to its limit, however many segments are in flight, and a quarter of the limit takes four times as long', async () => {
  const durations: number[] = [];
  for (const bytesPerSecond of [4 * 1024 ** 2, 1024 ** 2]) {
    const stage = scene();
    for (let file = 0; file < 32; file += 1) stage.write(`Metadata/${file}`, Buffer.alloc(65_536, file));
    const summary = await stage.send({ tree: limitedTree(localTree(stage.source), byteLimit(bytesPerSecond)), limits: { entries: 8, bytes: 1e9 } });
    expect(summary).toMatchObject({ bytes: 2 * 1024 ** 2, retries: 0, notSent: { count: 0 } });
    // No load of this machine can make it quicker than it may be.
    expect(summary.durationMs).toBeGreaterThan((summary.bytes / bytesPerSecond - 0.25) * 1000);
    durations.push(summary.durationMs);
  }
  const [quick = 0, slow = 0] = durations;
  expect(slow / quick).toBeGreaterThan(1.3);
  expect(slow / quick).toBeLessThan(6);
});

test('a limit never looks like a stream that stands still', async () => {
  const stage = scene();
  for (let file = 0; file < 4; file += 1) stage.write(`Metadata/${file}`, Buffer.alloc(40_000, file));
  // The least limit there is, with two in flight; a stall would be told after two pieces' time.
  const summary = await stage.send({ tree: limitedTree(localTree(stage.source), byteLimit(65_536)), limits: { entries: 2, bytes: 1e9 }, patience: { stallMs: 1_000, settleMs: 60_000, graceMs: 300, retryDelaysMs: [] } });
  expect(summary).toMatchObject({ retries: 0, entries: 5 });
});
