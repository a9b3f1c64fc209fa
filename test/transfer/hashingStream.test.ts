import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytePathOfText, type Entry } from '../../src/transfer/entry.ts';
import { hashingStream, type Passed } from '../../src/transfer/hashingStream.ts';
import { deepestFirst } from '../../src/transfer/plan.ts';
import { localTree, snapshot, testOwner } from './localTree.ts';
import { scratchDirectory } from './scene.ts';
import { tarHeader } from './tarHeader.ts';

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function tarOf(directory: string, entries: readonly Entry[]): Promise<Buffer> {
  const reading = localTree(directory).read(entries, testOwner);
  const chunks: Buffer[] = [];
  for await (const chunk of reading.stdout) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function entriesIn(directory: string): Promise<readonly Entry[]> {
  return [...(await snapshot(directory)).values()].toSorted(deepestFirst);
}

/** Passes a tar in pieces of the given length, and gives what came out, and what was found. */
async function pass(tar: Buffer, entries: readonly Entry[], pieceBytes = 65_536): Promise<{ readonly out: Buffer; readonly passed: Passed | null }> {
  const { stream, passed } = hashingStream(entries, testOwner);
  const pieces = Array.from({ length: Math.ceil(tar.length / pieceBytes) }, (_, piece) => tar.subarray(piece * pieceBytes, (piece + 1) * pieceBytes));
  const out: Buffer[] = [];
  await pipeline(Readable.from(pieces), stream, async (through: AsyncIterable<Buffer>) => {
    for await (const chunk of through) out.push(chunk);
  });
  return { out: Buffer.concat(out), passed: passed() };
}

/** The header of a member that belongs to whom all is sent for. */
function header(name: string, { size, type = '0' }: { readonly size: Buffer; readonly type?: string }): Buffer {
  return tarHeader((block) => {
    block.write(`${name}\0`, 0, 'latin1');
    block.write(`${testOwner.uid.toString(8).padStart(7, '0')}\0`, 108);
    block.write(`${testOwner.gid.toString(8).padStart(7, '0')}\0`, 116);
    size.copy(block, 124);
    block.write(type, 156);
  });
}

describe('a tar that passes', () => {
  test('is unchanged, hashed whole and file by file, whatever the pieces it comes in', async () => {
    const directory = scratchDirectory();
    mkdirSync(join(directory, 'd'));
    const contents = ['', 'x', 'y'.repeat(511), 'z'.repeat(512), 'w'.repeat(513), 'v'.repeat(40_000)];
    for (const [position, content] of contents.entries()) writeFileSync(join(directory, `d/${position}`), content);
    symlinkSync('nowhere', join(directory, 'd/link'));
    linkSync(join(directory, 'd/5'), join(directory, 'd/another name of 5'));
    const entries = await entriesIn(directory);
    const tar = await tarOf(directory, entries);
    const expected = entries.map(({ path, type }) => {
      if (type !== 'file') return null;
      return sha256(contents[Number(path.at(-1))] ?? '');
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20_000 }), async (pieceBytes) => {
        const { out, passed } = await pass(tar, entries, pieceBytes);
        expect(out.equals(tar)).toBe(true);
        expect(passed).toEqual({ sha256: sha256(tar), bytes: tar.length, hashes: expected, deviations: [] });
      }),
      { numRuns: 20 },
    );
  });

  test('may hold files from before 1970', async () => {
    const directory = scratchDirectory();
    writeFileSync(join(directory, 'old'), 'old');
    utimesSync(join(directory, 'old'), new Date(-1_000_000), new Date(-1_000_000));
    const entries = await entriesIn(directory);
    expect(entries[0]?.modifiedAtSeconds).toBe(-1000);
    expect((await pass(await tarOf(directory, entries), entries)).passed?.deviations).toEqual([]);
  });

  test('is compared with the sizes that were listed, also beyond 8 GiB', async () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size.writeUIntBE(9 * 1024 ** 3, 6, 6);
    const entry: Entry = { path: bytePathOfText('huge'), type: 'file', sizeBytes: 9 * 1024 ** 3, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 };
    const { stream, passed, bytesSoFar } = hashingStream([entry], testOwner);
    const ended = new Promise<Error>((resolve) => stream.on('error', resolve));
    stream.resume();
    stream.write(header('huge', { size }));
    stream.end(Buffer.alloc(100_000));
    // The header was understood: it is the end that comes too soon.
    expect((await ended).message).toBe('The tar broke off after 100512 bytes');
    expect(bytesSoFar()).toBe(100_512);
    expect(passed()).toBeNull();
  });

  test('keeps pace with whoever reads it', async () => {
    const entry: Entry = { path: bytePathOfText('large'), type: 'file', sizeBytes: 50_000_000, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 };
    const { stream, bytesSoFar } = hashingStream([entry], testOwner);
    let given = 0;
    function* pieces(): Generator<Buffer> {
      yield header('large', { size: Buffer.from(`${entry.sizeBytes.toString(8).padStart(11, '0')}\0`) });
      for (; given < entry.sizeBytes; given += 50_000) yield Buffer.alloc(50_000);
      yield Buffer.alloc(1_024 + ((512 - (entry.sizeBytes % 512)) % 512));
    }
    const source = Readable.from(pieces());
    source.pipe(stream);
    await pause(50);
    expect(bytesSoFar()).toBeLessThan(1_000_000);
    let out = 0;
    for await (const chunk of stream) out += (chunk as Buffer).length;
    expect(out).toBe(bytesSoFar());
  });
});

describe('a tar that is not what was asked for', () => {
  const none = Buffer.from('00000000000\0');
  const end = Buffer.alloc(10_240);
  const entryAt = (path: string): Entry => ({ path: bytePathOfText(path), type: 'file', sizeBytes: 0, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 });

  test('fails for a member that was not asked for', async () => {
    await expect(pass(Buffer.concat([header('b', { size: none }), end]), [entryAt('a')])).rejects.toThrow('The tar carries "b", which was not asked for');
  });

  test('fails for members in another order, or twice', async () => {
    const members = (...names: string[]): Buffer => Buffer.concat([...names.map((name) => header(name, { size: none })), end]);
    await expect(pass(members('b', 'a'), [entryAt('a'), entryAt('b')])).rejects.toThrow('not in the order asked for');
    await expect(pass(members('a', 'a'), [entryAt('a')])).rejects.toThrow('twice');
  });

  test('fails for another owner', async () => {
    const { stream } = hashingStream([entryAt('a')], { uid: 12_345, gid: 0 });
    const failed = new Promise<Error>((resolve) => stream.on('error', resolve));
    stream.resume();
    stream.end(Buffer.concat([header('a', { size: none }), end]));
    expect((await failed).message).toContain('not to 12345:0');
  });

  test('fails without its end mark', async () => {
    await expect(pass(header('a', { size: none }), [entryAt('a')])).rejects.toThrow('The tar broke off after 512 bytes');
    await expect(pass(Buffer.alloc(0), [entryAt('a')])).rejects.toThrow('The tar broke off after 0 bytes');
  });

  test('names what is missing, and what is unlike its listing', async () => {
    const tar = Buffer.concat([header('a', { size: none }), header('c', { size: none, type: '5' }), end]);
    const entries = [{ ...entryAt('a'), mode: 0o600 }, entryAt('b'), entryAt('c'), entryAt('d')];
    expect((await pass(tar, entries)).passed?.deviations).toEqual([
      { position: 0, what: 'has other permissions than when it was listed' },
      { position: 1, what: 'vanished, or could not be read' },
      { position: 2, what: 'was a file when listed and is a directory now' },
      { position: 3, what: 'vanished, or could not be read' },
    ]);
  });
});
