import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Transform, type Readable } from 'node:stream';
import type { Target } from '../../src/targets/target.ts';
import { bytesOf, type BytePath } from '../../src/transfer/entry.ts';
import type { Receipt, Segment } from '../../src/transfer/segment.ts';
import { parentOf } from '../../src/transfer/plan.ts';
import { listDirectory, openProgram, tarArguments, tarList } from './localTree.ts';

/** What a target in these tests can do. */
export type LocalTarget = Pick<Target, 'bootId' | 'receive' | 'receiptOf' | 'remove' | 'landed' | 'digestsOf'>;

/** The bytes of a path below a directory. */
export function below(directory: string, path: BytePath): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), bytesOf(path)]);
}

/** A target that extracts with the tar of this computer into a directory, and makes receipts by making the tar again. */
export function localTarget(directory: string): LocalTarget & { readonly received: Segment[] } {
  mkdirSync(directory, { recursive: true });
  const received: Segment[] = [];
  const receipts = new Map<string, Receipt>();
  return {
    received,
    bootId: async () => 'this boot',
    async receive(segment: Segment, tar: Readable) {
      received.push(segment);
      receipts.delete(segment.name);
      const extraction = openProgram('tar', ['--extract', '--absolute-names', '--preserve-permissions', '--numeric-owner', `--directory=${directory}`]);
      extraction.stdout.resume();
      // tar closes its input at the end mark of the archive, which may be before we do: its exit code tells.
      await Promise.allSettled([pipeline(tar, extraction.stdin)]);
      const ending = await extraction.ended;
      if (ending.exitCode !== 0) throw new Error(`tar ended with ${ending.exitCode}: ${ending.stderrTail}`);
      const again = spawnSync('tar', tarArguments(directory, segment.owner), { input: tarList(segment.entries), maxBuffer: 1 << 30 });
      if (again.status !== 0) throw new Error(`tar ended with ${again.status}: ${String(again.stderr)}`);
      const receipt = { segment: segment.name, boot: 'this boot', sha256: createHash('sha256').update(again.stdout).digest('hex') };
      receipts.set(segment.name, receipt);
      return receipt;
    },
    receiptOf: async (segment) => receipts.get(segment.name) ?? null,
    async remove(paths) {
      for (const path of paths) removeOne(below(directory, path));
    },
    async *landed(directories) {
      for await (const entry of listDirectory(directory)) {
        const parent = parentOf(entry.path);
        if (directories === undefined || parent === null || directories.includes(parent)) yield entry;
      }
    },
    async digestsOf(paths) {
      return new Map(paths.flatMap((path) => {
        const content = readIfThere(below(directory, path));
        return content === null ? [] : [[path, createHash('sha256').update(content).digest('hex')] as const];
      }));
    },
  };
}

/** A target that tells other receipts than it has, whenever it tells one. */
export function withReceipts<Kind extends LocalTarget>(target: Kind, told: (receipt: Receipt | null) => Receipt | null): Kind {
  return {
    ...target,
    receive: async (segment, tar) => told(await target.receive(segment, tar)),
    receiptOf: async (segment) => told(await target.receiptOf(segment)),
  };
}

function removeOne(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EISDIR' || code === 'EPERM') rmdirSync(path);
    else if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
}

function readIfThere(path: Buffer): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The same bytes, but for one in the middle of the second block of content: a file arrives damaged. */
export function withOneByteChanged(tar: Readable, at: number): Readable {
  let seen = 0;
  return tar.pipe(new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const here = at - seen;
      seen += chunk.length;
      if (here < 0 || here >= chunk.length) return done(null, chunk);
      const changed = Buffer.from(chunk);
      changed[here] = (changed[here] ?? 0) ^ 1;
      return done(null, changed);
    },
  }));
}
