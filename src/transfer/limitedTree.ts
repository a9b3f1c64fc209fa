import { pipeline, Transform, type TransformCallback } from 'node:stream';
import { messageOf } from '../errors.ts';
import type { Tree } from './entry.ts';
import type { ByteLimit } from './limit.ts';

/** A tree whose tars come no faster than the limit, all of them together. Who reads them slower is not hurried, and nothing is gathered here. */
export function limitedTree(tree: Tree, limit: ByteLimit): Tree {
  return {
    ...tree,
    read(entries, owner) {
      const process = tree.read(entries, owner);
      const stdout = throttle(limit);
      // Whoever reads meets every error on the stream that is handed on.
      pipeline(process.stdout, stdout, () => undefined);
      return { ...process, stdout };
    },
  };
}

function throttle(limit: ByteLimit): Transform {
  const over = new AbortController();

  async function letThrough(chunk: Buffer, done: TransformCallback): Promise<void> {
    try {
      for (let at = 0; at < chunk.length; at += limit.pieceBytes) {
        const piece = chunk.subarray(at, at + limit.pieceBytes);
        await limit.pass(piece.length, over.signal);
        limited.push(piece);
      }
    } catch (error) {
      done(error instanceof Error ? error : new Error(messageOf(error)));
      return;
    }
    done();
  }

  const limited: Transform = new Transform({
    transform: (chunk: Buffer, _, done) => void letThrough(chunk, done),
    destroy(error, done) {
      over.abort();
      done(error);
    },
  });
  return limited;
}
