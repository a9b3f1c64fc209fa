import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { textOf, type Tree } from '../../src/transfer/entry.ts';
import { openManifest } from '../../src/transfer/manifest.ts';
import type { Receipt, Segment } from '../../src/transfer/segment.ts';
import { VolumeFull } from '../../src/transfer/volumeFull.ts';
import { withOneByteChanged, withReceipts } from './localTarget.ts';
import { localTree, openProgram, snapshot, tarArguments, tarList } from './localTree.ts';
import { furnish, impatience, scene } from './scene.ts';

/** `fault` for the first `times` calls, `usual` afterwards. */
function atFirst<Arguments extends readonly unknown[], Result>(
  times: number,
  fault: (...given: Arguments) => Result,
  usual: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  let calls = 0;
  return (...given) => {
    calls += 1;
    return calls <= times ? fault(...given) : usual(...given);
  };
}

/** Reads a stream to its end. */
async function drain(tar: Readable): Promise<void> {
  for await (const chunk of tar) void chunk;
}

const never = new Promise<never>(() => undefined);

describe('a target that fails', () => {
  test('one changed byte is found by the receipt, and the segment is sent again under its name', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'the content of a');
    const receive = atFirst(1, async (segment: Segment, tar: Readable) => stage.target.receive(segment, withOneByteChanged(tar, 515)), stage.target.receive);
    const summary = await stage.send({ target: { ...stage.target, receive } });
    expect(summary).toMatchObject({ retries: 1, entries: 2 });
    const names = stage.target.received.map(({ name }) => name);
    expect(names).toHaveLength(2);
    expect(new Set(names).size).toBe(1);
  });

  test('bytes that change every time end in an error that names the file', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'the content of a');
    stage.write('Metadata/b', 'the content of b');
    const receive = async (segment: Segment, tar: Readable) => stage.target.receive(segment, withOneByteChanged(tar, 512 * 3 + 2));
    await expect(stage.send({ target: { ...stage.target, receive } })).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/^Cannot deliver segment "bulk-\w+" \(3 entries\), tried 4 times: what arrived is not what was sent$/),
      facts: ['Metadata/b: arrived with other content'],
    });
    expect(stage.manifest.totals('bulk').provenEntries).toBe(0);
  });

  test('a receipt that was lost is asked for again, without sending again', async () => {
    const stage = scene();
    furnish(stage);
    const receive = async (segment: Segment, tar: Readable) => stage.target.receive(segment, tar).then(() => null);
    const receiptOf = atFirst(1, async (_segment: Segment) => null, stage.target.receiptOf);
    expect(await stage.send({ target: { ...stage.target, receive, receiptOf } })).toMatchObject({ retries: 0, notSent: { count: 0 } });
  });

  test('a receipt that came with the end of receiving is not asked for again', async () => {
    const stage = scene();
    furnish(stage);
    const receiptOf = async (): Promise<Receipt | null> => Promise.reject(new Error('asked for'));
    expect(await stage.send({ target: { ...stage.target, receiptOf } })).toMatchObject({ retries: 0, notSent: { count: 0 } });
    expect(stage.manifest.totals('bulk')).toMatchObject({ provenEntries: stage.manifest.totals('bulk').entries });
  });

  test('the receipt of another segment counts for nothing', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    const target = withReceipts(stage.target, (receipt) => (receipt === null ? null : { ...receipt, segment: 'another' }));
    await expect(stage.send({ target })).rejects.toThrow('the target answered with that of "another"');
  });

  test('receiving that ends well in the middle of the stream is not believed', async () => {
    const stage = scene();
    stage.write('Metadata/large', Buffer.alloc(3_000_000, 1));
    const receive = atFirst(
      1,
      async (_segment: Segment, tar: Readable): Promise<Receipt | null> => {
        for await (const chunk of tar) {
          if ((chunk as Buffer).length > 0) break;
        }
        return null;
      },
      stage.target.receive,
    );
    expect(await stage.send({ target: { ...stage.target, receive } })).toMatchObject({ retries: 1, entries: 2 });
  });

  test('an error after everything arrived does not matter: the receipt decides', async () => {
    const stage = scene();
    furnish(stage);
    const receive = async (segment: Segment, tar: Readable): Promise<never> => {
      await stage.target.receive(segment, tar);
      throw new Error('the connection was lost at the very end');
    };
    expect(await stage.send({ target: { ...stage.target, receive } })).toMatchObject({ retries: 0, notSent: { count: 0 } });
  });

  test('one that is full is not tried again, and is named rather than the pipe that broke', async () => {
    const stage = scene();
    stage.write('Metadata/large', Buffer.alloc(3_000_000, 1));
    const receive = atFirst(
      1,
      async (_segment: Segment, tar: Readable): Promise<Receipt | null> => {
        tar.on('error', () => undefined);
        await once(tar, 'data');
        tar.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
        await pause(20);
        throw new VolumeFull('a target', ['tar: large: Cannot write: No space left on device']);
      },
      stage.target.receive,
    );
    await expect(stage.send({ target: { ...stage.target, receive } })).rejects.toMatchObject({ message: 'The volume of a target is full', facts: ['tar: large: Cannot write: No space left on device'] });
    expect(stage.target.received).toEqual([]);
    expect(await stage.send({ target: { ...stage.target, receive } })).toMatchObject({ entries: 2, retries: 0 });
  });

  test('one that reads nothing is ended by the watchdog, and the segment is sent again', async () => {
    const stage = scene();
    stage.write('Metadata/large', Buffer.alloc(3_000_000, 1));
    const receive = atFirst(1, async (_segment: Segment, _tar: Readable): Promise<Receipt | null> => never, stage.target.receive);
    const summary = await stage.send({ target: { ...stage.target, receive }, patience: { ...impatience, stallMs: 300 } });
    expect(summary).toMatchObject({ retries: 1, entries: 2 });
  });

  test('one that never finishes, and never answers, ends in an error in bounded time', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    const target = { ...stage.target, receive: async (_segment: Segment, tar: Readable) => drain(tar).then(async () => never), receiptOf: async () => never };
    const patience = { ...impatience, settleMs: 200, graceMs: 50, retryDelaysMs: [1] };
    await expect(stage.send({ target, patience })).rejects.toThrow(/tried 2 times: .*no answer within/);
  });

  test('one that reads back what it received is given the time that the size takes', async () => {
    const stage = scene();
    stage.write('Metadata/large', Buffer.alloc(10_000_000, 1));
    const receive = async (segment: Segment, tar: Readable): Promise<Receipt | null> => {
      const receipt = await stage.target.receive(segment, tar);
      await pause(800);
      return receipt;
    };
    // For ten megabytes it is two seconds more than for nothing.
    const patience = { ...impatience, settleMs: 50, graceMs: 50, retryDelaysMs: [] };
    expect(await stage.send({ target: { ...stage.target, receive, receiptOf: async () => null }, patience })).toMatchObject({ retries: 0, notSent: { count: 0 } });
  });

  test('one segment that cannot be delivered ends the others in flight', async () => {
    const stage = scene();
    for (let file = 0; file < 20; file += 1) stage.write(`Metadata/${file}`, Buffer.alloc(1000));
    // The first hangs for longer than this test may take.
    const receive = atFirst(1, async (_segment: Segment, _tar: Readable): Promise<Receipt | null> => never, async (_segment, tar) => {
      await drain(tar);
      throw new Error('no space left on the volume');
    });
    const target = { ...stage.target, receive, receiptOf: async () => null };
    const patience = { ...impatience, stallMs: 60_000, settleMs: 60_000, retryDelaysMs: [] };
    await expect(stage.send({ target, patience, limits: { entries: 5, bytes: 1e9 } })).rejects.toThrow('no space left on the volume');
  });
});

describe('a source that fails', () => {
  /** A tree whose tar passes through a shell line, and whose ending is what the test says. */
  function treeThrough(source: string, line: string, ending: { readonly exitCode: number | null; readonly stderrTail?: string }): Tree {
    return {
      ...localTree(source),
      read(entries, owner) {
        const reading = openProgram('sh', ['-c', `tar "$@" | ${line}`, 'sh', ...tarArguments(source, owner)]);
        reading.stdin.end(tarList(entries));
        return { ...reading, ended: reading.ended.then(() => ({ signal: null, stderrTail: '', ...ending })) };
      },
    };
  }

  test('a tar that breaks off on a record boundary, with exit code 0, is not taken for whole', async () => {
    const stage = scene();
    stage.write('Metadata/a', Buffer.alloc(10_240 - 512, 1));
    stage.write('Metadata/b', 'b');
    await expect(stage.send({ mode: 'while running', tree: treeThrough(stage.source, 'head -c 10240', { exitCode: 0 }) })).rejects.toThrow('The tar broke off after 10240 bytes');
  });

  test('a tar that breaks off within a file is not taken for whole', async () => {
    const stage = scene();
    stage.write('Metadata/a', Buffer.alloc(100_000, 1));
    await expect(stage.send({ mode: 'while running', tree: treeThrough(stage.source, 'head -c 20480', { exitCode: null }) })).rejects.toThrow(/broke off/);
  });

  test('read errors, for which tar sends zeros and exits with 2, are never taken for content', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    for (const mode of ['while running', 'at rest'] as const) {
      const tree = treeThrough(stage.source, 'cat', { exitCode: 2, stderrTail: 'tar: Metadata/a: Read error at byte 0' });
      await expect(stage.send({ mode, tree })).rejects.toMatchObject({ message: expect.stringContaining('reading ended with exit code 2'), facts: expect.arrayContaining(['tar: Metadata/a: Read error at byte 0']) });
    }
    expect(stage.manifest.totals('bulk').provenEntries).toBe(0);
  });

  test('a file that changed while tar read it is left for the next time, or is an error at rest', async () => {
    const stage = scene();
    stage.write('Metadata/a: b', 'a');
    stage.write('Metadata/c', 'c');
    const stderrTail = 'tar: Metadata/a\\: b: file changed as we read it\n';
    const tree = treeThrough(stage.source, 'cat', { exitCode: 1, stderrTail });
    await expect(stage.send({ tree })).rejects.toThrow('files changed while they were read');
    const summary = await stage.send({ tree, mode: 'while running' });
    expect(summary.notSent).toEqual({ count: 1, first: ['Metadata/a: b: changed while it was read'] });
    expect(await stage.send()).toMatchObject({ entries: 2 });
  });

  test('garbage instead of a tar is an error', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    await expect(stage.send({ tree: treeThrough(stage.source, 'tr "a-z" "b-za"', { exitCode: 0 }) })).rejects.toThrow(/that is no header of GNU tar/);
  });

  test('a program that says nothing is ended by the watchdog', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    const tree: Tree = { ...localTree(stage.source), read: () => ({ stdin: new PassThrough(), stdout: new PassThrough(), ended: never, kill: () => undefined }) };
    const patience = { ...impatience, stallMs: 100, graceMs: 50, retryDelaysMs: [] };
    await expect(stage.send({ tree, patience })).rejects.toThrow(/tried 1 times?: No byte passed/);
  });
});

describe('a transfer that is cut off', () => {
  test('an interruption ends it soon, and the next sending continues', async () => {
    const stage = scene();
    for (let file = 0; file < 12; file += 1) stage.write(`Metadata/${String(file).padStart(2, '0')}`, Buffer.alloc(10_000));
    const interruption = new AbortController();
    let received = 0;
    const receive = async (segment: Segment, tar: Readable): Promise<Receipt | null> => {
      received += 1;
      if (received > 3) {
        interruption.abort();
        await never;
      }
      return await stage.target.receive(segment, tar);
    };
    const limits = { entries: 1, bytes: 1e9 };
    await expect(stage.send({ target: { ...stage.target, receive }, limits, signal: interruption.signal })).rejects.toMatchObject({ kind: 'interrupted' });
    const { provenEntries } = stage.manifest.totals('bulk');
    expect(provenEntries).toBeGreaterThanOrEqual(2);
    expect(await stage.send({ limits })).toMatchObject({ entries: 13 - provenEntries });
  });

  test('at most as many segments are in flight as asked for, and directories across several of them come one after another, last', async () => {
    const stage = scene();
    for (let file = 0; file < 12; file += 1) stage.write(`Metadata/${file % 2}/${file}`, 'x');
    let inFlight = 0;
    const most = { file: 0, directory: 0, link: 0, other: 0 };
    const kinds: string[] = [];
    const receive = async (segment: Segment, tar: Readable): Promise<Receipt | null> => {
      const type = segment.entries[0]?.type ?? 'other';
      inFlight += 1;
      most[type] = Math.max(most[type], inFlight);
      await pause(20);
      const receipt = await stage.target.receive(segment, tar);
      inFlight -= 1;
      kinds.push(type);
      return receipt;
    };
    await stage.send({ target: { ...stage.target, receive }, limits: { entries: 3, bytes: 1e9 } });
    expect(most).toMatchObject({ file: 2, directory: 1 });
    expect(kinds.indexOf('directory')).toBe(kinds.lastIndexOf('file') + 1);
  });

  test('after the sending process was killed, only what has no receipt is sent', async () => {
    const stage = scene();
    for (let file = 0; file < 12; file += 1) stage.write(`Metadata/${String(file).padStart(2, '0')}/x`, `content ${file}`);
    stage.manifest.close();
    const killed = spawnSync(process.execPath, [join(import.meta.dirname, 'killedSender.ts'), stage.source, stage.landing, stage.manifestFile, '5'], { encoding: 'utf8' });
    expect(killed).toMatchObject({ signal: 'SIGKILL', stderr: '' });
    const manifest = openManifest(stage.manifestFile);
    const { provenEntries } = manifest.totals('bulk');
    // Four files, each with its directory.
    expect(provenEntries).toBe(8);
    const summary = await stage.send({ manifest });
    expect(summary.entries).toBe(25 - provenEntries);
    const sent = stage.target.received.flatMap(({ entries }) => entries.filter(({ type }) => type === 'file').map(({ path }) => textOf(path)));
    expect(sent).toHaveLength(12 - provenEntries / 2);
    expect((await snapshot(stage.landing)).size).toBe(25);
    manifest.close();
  });
});
