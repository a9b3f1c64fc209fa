import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Process, ProcessEnding } from '../../src/machines/machine.ts';
import { bytePath, bytesOf, type BytePath, type Entry, type Owner, type Tree } from '../../src/transfer/entry.ts';

/** The user and group these tests run as. */
export const testOwner: Owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** The arguments of the tar that makes a segment, on either side. */
export function tarArguments(directory: string, owner: Owner): readonly string[] {
  return [
    '--create', '--format=gnu', '--null', '--no-recursion', '--numeric-owner',
    `--owner=:${owner.uid}`, `--group=:${owner.gid}`, `--directory=${directory}`, '--files-from=-',
  ];
}

/** The list of a segment as tar reads it. */
export function tarList(entries: readonly Entry[]): Buffer {
  return Buffer.concat(entries.flatMap(({ path }) => [bytesOf(path), Buffer.of(0)]));
}

/** A running program with its pipes, as the contract has it. */
export function openProgram(program: string, programArguments: readonly string[]): Process {
  const child = spawn(program, programArguments, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-8192);
  });
  const ended = new Promise<ProcessEnding>((resolve) => {
    child.on('error', (error) => resolve({ exitCode: null, signal: null, stderrTail: String(error) }));
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stderrTail: stderr }));
  });
  return { stdin: child.stdin, stdout: child.stdout, ended, kill: () => void child.kill() };
}

/** A tree over the `find` and `tar` of this computer; `beforeRead` runs just before each tar. */
export function localTree(directory: string, options: { readonly beforeRead?: (entries: readonly Entry[]) => void } = {}): Tree {
  return {
    name: directory,
    list: () => listDirectory(directory),
    read(entries, owner) {
      options.beforeRead?.(entries);
      const reading = openProgram('tar', tarArguments(directory, owner));
      reading.stdin.end(tarList(entries));
      return reading;
    },
  };
}

const findTypes: ReadonlyMap<string, Entry['type']> = new Map([['f', 'file'], ['d', 'directory'], ['l', 'link']]);

/** Everything below a directory, read back by `find`. */
export async function* listDirectory(directory: string): AsyncGenerator<Entry> {
  const listing = openProgram('find', [directory, '-mindepth', '1', '-printf', String.raw`%y\0%s\0%T@\0%C@\0%m\0%l\0%P\0`]);
  let fields: Buffer[] = [];
  for await (const field of fieldsOf(listing.stdout)) {
    fields.push(field);
    if (fields.length < 7) continue;
    const [type, size, modified, changed, mode, link, path] = fields as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    fields = [];
    yield {
      path: bytePath(path),
      type: findTypes.get(type.toString()) ?? 'other',
      sizeBytes: Number(size),
      modifiedAtSeconds: Math.floor(Number(modified)),
      changedAt: changed.toString(),
      mode: Number.parseInt(mode.toString(), 8),
      ...(type.toString() === 'l' ? { linkTarget: bytePath(link) } : {}),
    };
  }
  const ending = await listing.ended;
  if (ending.exitCode !== 0) throw new Error(`find ended with ${ending.exitCode}: ${ending.stderrTail}`);
}

async function* fieldsOf(stream: Readable): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = rest.indexOf(0); end !== -1; end = rest.indexOf(0, from)) {
      yield rest.subarray(from, end);
      from = end + 1;
    }
    rest = rest.subarray(from);
  }
}

/** Every entry below a directory, by path. */
export async function snapshot(directory: string): Promise<ReadonlyMap<BytePath, Entry>> {
  const entries = new Map<BytePath, Entry>();
  for await (const entry of listDirectory(directory)) entries.set(entry.path, entry);
  return entries;
}
