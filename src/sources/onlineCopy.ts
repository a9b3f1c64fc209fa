import path from 'node:path';
import { PlexliftError, messageOf } from '../errors.ts';
import { as, command } from '../machines/command.ts';
import type { Command, Machine, RunAs } from '../machines/machine.ts';
import { databasesDirectory } from '../plex/dataDirectory.ts';
import { receive } from './catalogueCopy.ts';
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

/** Copies databases page by page while a server writes to them; each is hashed there and found equal here. */
export async function copyOnline(copy: OnlineCopy): Promise<readonly SnapshotFile[]> {
  if (copy.names.length === 0) return [];
  const { run, input } = commandOf(copy);
  const process = copy.machine.open(as(copy.as, run), copy.signal === undefined ? {} : { signal: copy.signal });
  process.stdin.end(input);
  const frames = framesOf(process.stdout);
  let files: readonly SnapshotFile[] | null = null;
  let broken: unknown;
  try {
    files = await readFiles(frames, copy);
  } catch (error) {
    broken = error;
    process.kill();
    process.stdout.resume();
  }
  const ending = await process.ended;
  copy.signal?.throwIfAborted();
  if (files !== null && ending.exitCode === 0) return files;
  throw new PlexliftError('failed', `Cannot copy the databases on ${copy.machine.name} while they are in use: ${broken instanceof PlexliftError ? broken.message : `the program there ended with exit code ${ending.exitCode ?? 'unknown'}`}`, {
    remedy: 'Read the lines above, then run the same command again',
    facts: [...ending.stderrTail.trim().split('\n').filter((line) => line !== '').slice(-10), ...(broken === undefined ? [] : [messageOf(broken)])],
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

async function readFiles(frames: Frames, { names, into }: OnlineCopy): Promise<readonly SnapshotFile[]> {
  const files: SnapshotFile[] = [];
  for (const name of names) {
    const said = await frames.json();
    const { sizeBytes, sha256 } = said;
    if (typeof sizeBytes !== 'number' || typeof sha256 !== 'string') throw new Error(`Cannot read what came for "${name}": ${JSON.stringify(said)}`);
    const file = `${databasesDirectory}/${name}`;
    const received = await receive(frames.bytes(sizeBytes), path.join(into, file));
    if (received.sizeBytes !== sizeBytes || received.sha256 !== sha256) {
      throw new PlexliftError('failed', `"${name}" arrived damaged`, { remedy: 'Run the same command again', facts: [`there: ${sizeBytes} bytes, ${sha256}`, `here: ${received.sizeBytes} bytes, ${received.sha256}`] });
    }
    files.push({ path: file, ...received });
  }
  const end = await frames.json();
  if (end['done'] !== names.length) throw new Error(`Cannot read the end of the copy: ${JSON.stringify(end)}`);
  return files;
}

interface Frames {
  json(): Promise<Record<string, unknown>>;
  bytes(count: number): AsyncGenerator<Buffer>;
}

/** Reads lines and counted bytes off one stream. Throws when it ends early. */
function framesOf(stream: AsyncIterable<Buffer>): Frames {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  async function more(): Promise<void> {
    const next = await chunks.next();
    if (next.done === true) throw new Error('The copy ended early');
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
  };
}
