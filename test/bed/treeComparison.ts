import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';

/** What comparing two trees gave. */
export interface TreeComparison {
  /** Of the tree that was expected, its root not counted; what cannot be sent (sockets, pipes, devices) is not among it. */
  readonly entries: number;
  readonly files: number;
  /** Content of those files. */
  readonly bytes: number;
  /** One readable line each; the first two hundred. */
  readonly differences: readonly string[];
  readonly differenceCount: number;
}

/** Two directories of this computer, and what to make of them. Relative paths are those below either root. */
export interface TreesToCompare {
  readonly expected: string;
  readonly actual: string;
  /** Whose everything in `actual` has to be, its root included. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Left out on both sides, with everything below. */
  readonly leave?: readonly string[];
  /** Links to directories in `expected` that have to be those directories in `actual`. */
  readonly dereferenced?: readonly string[];
  /** Directories whose time may differ. */
  readonly timesNotCompared?: readonly string[];
}

const comparison = z.strictObject({
  entries: z.int(),
  files: z.int(),
  bytes: z.number(),
  differences: z.array(z.string()),
  differenceCount: z.int(),
});

/**
 * Compares every entry of two trees: type, mode, owner, size, time to the second, link target, and the SHA-256 of every file. Sockets,
 * pipes and devices that are expected may not be in `actual`. Done by a program in another language, so that nothing the sender believes
 * is believed here. Needs python3, and to be allowed to read everything. Rejects where a tree cannot be read or changes meanwhile.
 */
export async function compareTrees({ leave = [], dereferenced = [], timesNotCompared = [], ...trees }: TreesToCompare): Promise<TreeComparison> {
  const order = JSON.stringify({ ...trees, leave, dereferenced, timesNotCompared });
  const answer = await new Promise<string>((resolve, reject) => {
    const program = execFile(
      'python3',
      ['-I', '-X', 'utf8', join(import.meta.dirname, 'treeComparison.py')],
      { maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`Cannot compare "${trees.expected}" with "${trees.actual}": ${stderr.trim().split('\n').at(-1) ?? error.message}`, { cause: error }));
      },
    );
    program.stdin?.on('error', () => undefined); // How the program ended says it.
    program.stdin?.end(order);
  });
  return comparison.parse(JSON.parse(answer));
}
