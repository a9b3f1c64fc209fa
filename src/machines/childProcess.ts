import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import type { Process, ProcessEnding } from './machine.ts';

/** A program on this computer, ready to start. */
export interface Child {
  readonly program: string;
  readonly arguments: readonly string[];
  /** Added to this process's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
}

/** What may be said when a child is started. */
export interface ChildOptions {
  readonly signal?: AbortSignal | undefined;
  /** Sees standard error as it comes and returns what of it belongs to the program; the rest is dropped. */
  readonly filterStderr?: (chunk: Buffer) => Buffer;
}

/** Exit codes of a POSIX shell for a program it cannot start; used for programs started directly too, so that all machines agree. */
export const programNotFound = 127;
export const programNotExecutable = 126;

/** How much of standard error a `ProcessEnding` keeps, in bytes. */
export const stderrTailBytes = 8192;

/** Between asking a process group to end and killing it. */
const killGraceMs = 3000;

/** Starts a program in a process group of its own (so that Ctrl-C reaches only plexlift, and `kill` reaches its children too). */
export function openChild(child: Child, options: ChildOptions = {}): Process {
  const spawned = spawn(child.program, [...child.arguments], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...child.environment },
    ...(child.workingDirectory === undefined ? {} : { cwd: child.workingDirectory }),
  });
  const tail = tailOf(stderrTailBytes);
  // Node throws away what nobody reads of a child that has ended: a reader who comes a moment late would get a short output and exit code 0.
  const stdout = spawned.stdout.pipe(new PassThrough());
  spawned.stderr.on('data', (chunk: Buffer) => tail.add(options.filterStderr?.(chunk) ?? chunk));
  // A program may end without reading its input; how it ended says what there is to say, and the writer sees a destroyed stream.
  spawned.stdin.on('error', () => spawned.stdin.destroy());

  let hasEnded = false;
  const ended = new Promise<ProcessEnding>((resolve) => {
    spawned.once('error', (error: NodeJS.ErrnoException) => {
      if (spawned.pid !== undefined) return;
      const exitCode = error.code === 'ENOENT' ? programNotFound : programNotExecutable;
      resolve({ exitCode, signal: null, stderrTail: `${child.program}: ${error.message}` });
    });
    spawned.once('close', (exitCode, signal) => {
      hasEnded = true;
      resolve({ exitCode, signal, stderrTail: tail.text() });
    });
  });

  function kill(): void {
    const group = spawned.pid;
    if (group === undefined || hasEnded) return;
    signalGroup(group, 'SIGTERM');
    const harder = setTimeout(() => {
      if (!hasEnded) signalGroup(group, 'SIGKILL');
    }, killGraceMs);
    void ended.then(() => clearTimeout(harder));
  }

  if (options.signal?.aborted === true) kill();
  options.signal?.addEventListener('abort', kill, { once: true });
  void ended.then(() => options.signal?.removeEventListener('abort', kill));
  return { stdin: spawned.stdin, stdout, ended, kill };
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    if (code !== 'EPERM') throw error;
    // What sudo started belongs to another user; only sudo can end it.
    spawn('sudo', ['-n', '--', 'kill', `-${signal.slice('SIG'.length)}`, '--', `-${group}`], { stdio: 'ignore' }).on('error', () => undefined);
  }
}

function tailOf(limitBytes: number) {
  let kept = Buffer.alloc(0);
  return {
    add(chunk: Buffer): void {
      kept = Buffer.concat([kept, chunk]);
      if (kept.length > limitBytes) kept = kept.subarray(kept.length - limitBytes);
    },
    text: (): string => kept.toString('utf8'),
  };
}
