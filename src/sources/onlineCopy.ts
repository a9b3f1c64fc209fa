import path from 'node:path';
import { PlexliftError, messageOf } from '../errors.ts';
import { as, command } from '../machines/command.ts';
import type { Command, Machine, RunAs } from '../machines/machine.ts';
import { databasesDirectory } from '../plex/dataDirectory.ts';
import { receive } from './catalogueCopy.ts';
import { problemOf, requireUnfit } from './copyProblem.ts';
import type { UncopiedDatabase } from './copyProblem.ts';
import { pythonProgram, shellProgram } from './onlineCopyProgram.ts';
import type { SnapshotFile } from './source.ts';

/** What makes a consistent copy of a database in use: Python's SQLite, or a program that takes what `sqlite3` takes. */
export type CopyTool = { readonly kind: 'python' } | { readonly kind: 'sqlite'; readonly program: string };

/** What to copy, from where, and by whom. */
export interface OnlineCopy {
  readonly machine: Machine;
  readonly tool: CopyTool;
  /** The service's own user: a file that SQLite creates must not belong to root, or the server could not open its database again. */
  readonly as: RunAs;
  /** The data directory, absolute. */
  readonly directory: string;
  /** File names in the databases' directory. */
  readonly names: readonly string[];
  readonly into: string;
  readonly signal?: AbortSignal | undefined;
}

/** What came of copying databases: copies, and those that SQLite could not read. */
export interface CopiedDatabases {
  readonly files: readonly SnapshotFile[];
  readonly unfit: readonly UncopiedDatabase[];
}

/**
 * Copies databases page by page while a server writes to them; each is hashed there and found equal here. They are copied one after
 * another, so each is of a moment of its own: Plex has no transaction across databases either, and what one holds about another (the
 * blobs of a library) is looked up by id and may be missing.
 */
export async function copyOnline(copy: OnlineCopy): Promise<CopiedDatabases> {
  if (copy.names.length === 0) return { files: [], unfit: [] };
  const { run, input } = commandOf(copy);
  const process = copy.machine.open(as(copy.as, run), copy.signal === undefined ? {} : { signal: copy.signal });
  process.stdin.end(input);
  const frames = framesOf(process.stdout);
  let copied: CopiedDatabases | null = null;
  let broken: unknown;
  try {
    copied = await readFiles(frames, copy);
  } catch (error) {
    broken = error;
    process.kill();
    void frames.discard();
  }
  const ending = await process.ended;
  copy.signal?.throwIfAborted();
  if (copied !== null && ending.exitCode === 0) return copied;
  if (broken instanceof PlexliftError) throw broken;
  const exitCode = `the program there ended with exit code ${ending.exitCode ?? 'unknown'}`;
  throw new PlexliftError('failed', `Cannot copy the databases on ${copy.machine.name} while they are in use: ${broken === undefined ? exitCode : messageOf(broken)}`, {
    remedy: 'Read the lines above, then run the same command again',
    facts: [...ending.stderrTail.trim().split('\n').filter((line) => line !== '').slice(-10), ...(broken === undefined ? [] : [exitCode])],
    cause: broken,
  });
}

function commandOf({ tool, directory, names }: OnlineCopy): { readonly run: Command; readonly input: string } {
  const databases = `${directory}/${databasesDirectory}`;
  switch (tool.kind) {
    case 'python':
      return { run: command('python3', '-', databases, ...names), input: pythonProgram };
    case 'sqlite':
      return { run: command('sh', '-c', shellProgram, 'sh', tool.program, databases, ...names), input: '' };
    default:
      return tool satisfies never;
  }
}

async function readFiles(frames: Frames, { machine, names, into }: OnlineCopy): Promise<CopiedDatabases> {
  const files: SnapshotFile[] = [];
  const unfit: UncopiedDatabase[] = [];
  for (const name of names) {
    const said = await frames.json();
    const { sizeBytes, sha256, message, there, readable } = said;
    if (typeof message === 'string') {
      const uncopied = { name, problem: problemOf({ message, there: there === true, readable: readable === true }), message };
      requireUnfit(uncopied, machine.name);
      unfit.push(uncopied);
      continue;
    }
    if (typeof sizeBytes !== 'number' || typeof sha256 !== 'string') throw new Error(`Cannot read what came for "${name}": ${JSON.stringify(said)}`);
    const file = `${databasesDirectory}/${name}`;
    const received = await receive(frames.bytes(sizeBytes), path.join(into, file));
    if (received.sizeBytes !== sizeBytes || received.sha256 !== sha256) {
      throw new PlexliftError('failed', `Cannot copy "${name}" on ${machine.name} while it is in use: it arrived damaged`, { remedy: 'Run the same command again', facts: [`there: ${sizeBytes} bytes, ${sha256}`, `here: ${received.sizeBytes} bytes, ${received.sha256}`] });
    }
    files.push({ path: file, ...received });
  }
  const end = await frames.json();
  if (end['done'] !== names.length) throw new Error(`Cannot read the end of the copy: ${JSON.stringify(end)}`);
  return { files, unfit };
}

interface Frames {
  json(): Promise<Record<string, unknown>>;
  bytes(count: number): AsyncGenerator<Buffer>;
  /** Reads on to the end: a process whose output nobody takes does not end. */
  discard(): Promise<void>;
}

/** Reads lines and counted bytes off one stream. Throws when it ends early. */
function framesOf(stream: AsyncIterable<Buffer>): Frames {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  async function more(): Promise<void> {
    const next = await chunks.next();
    if (next.done === true) throw new Error('the copy ended early');
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
  }

  return {
    async json() {
      while (!rest.includes(0x0a)) await more();
      const end = rest.indexOf(0x0a);
      const line = rest.subarray(0, end).toString('utf8');
      rest = rest.subarray(end + 1);
      return JSON.parse(line) as Record<string, unknown>;
    },
    async *bytes(count) {
      let left = count;
      while (left > 0) {
        if (rest.length === 0) await more();
        const part = rest.subarray(0, left);
        rest = rest.subarray(part.length);
        left -= part.length;
        yield part;
      }
    },
    async discard() {
      // How the process ended says more than a stream that broke.
      for (let isOver: boolean | undefined = false; isOver !== true; ) isOver = (await chunks.next().catch(() => ({ done: true }))).done;
    },
  };
}
