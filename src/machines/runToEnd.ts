import { setTimeout as wait } from 'node:timers/promises';
import { programNotExecutable, programNotFound } from './childProcess.ts';
import { CommandFailed } from './command.ts';
import type { Command, CommandResult, Process, ProcessEnding, RunOptions } from './machine.ts';
import { redact } from './redaction.ts';

/** What a machine lends so that its `run` can be made from its `open`. */
export interface RunMeans {
  /** The machine's name, for messages. */
  readonly machine: string;
  open(command: Command, options: { readonly signal: AbortSignal; readonly onStderr: (chunk: Buffer) => void }): Process;
  /** Says what an exit code means where this machine gives it a meaning of its own, e.g. 255 for ssh. */
  explain?(ending: ProcessEnding): Promise<{ readonly reason: string; readonly remedy: string } | null>;
}

/** The time-out of a command that names none, in milliseconds. */
export const defaultTimeoutMs = 60_000;

/** How long a command may take to die once it was told to. A process that sleeps in the kernel (a dead NFS server) never does. */
const dyingMs = 6000;

/** Runs a command to its end. Throws `CommandFailed` for every ending that is no answer, and the signal's reason when it was aborted. */
export async function runToEnd(means: RunMeans, command: Command, options: RunOptions = {}): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const timeOut = AbortSignal.timeout(timeoutMs);
  const stop = options.signal === undefined ? timeOut : AbortSignal.any([timeOut, options.signal]);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];

  const running = means.open(command, { signal: stop, onStderr: (chunk) => stderr.push(chunk) });
  running.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  running.stdin.end(options.input);

  const ending = await Promise.race([running.ended, stuckAfter(stop, running.ended)]);
  options.signal?.throwIfAborted();
  const failure = { machine: means.machine, command, stderr: redact(Buffer.concat(stderr).toString('utf8') || (ending?.stderrTail ?? '')) };
  if (ending === null || timeOut.aborted) {
    const reason = `it did not end within ${timeoutMs} ms and was stopped`;
    throw new CommandFailed({ ...failure, exitCode: null, reason }, `Find out what "${command.program}" waits for on ${means.machine} (a share that does not answer is a common cause), then run the same command again`);
  }
  const answers = options.answers ?? [0];
  if (ending.exitCode !== null && answers.includes(ending.exitCode)) {
    return { exitCode: ending.exitCode, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') };
  }
  const explained = (await means.explain?.(ending)) ?? explainEnding(command.program, { machine: means.machine, ending });
  throw new CommandFailed({ ...failure, exitCode: ending.exitCode, reason: explained.reason }, explained.remedy);
}

/** What an ending means, in words, and what can be done about it. */
export function explainEnding(program: string, { machine, ending }: { readonly machine: string; readonly ending: ProcessEnding }): { readonly reason: string; readonly remedy: string } {
  const byHand = `Run the command by hand on ${machine} to see what it needs, then run the same command again`;
  if (ending.signal !== null) return { reason: `it was ended by ${ending.signal}`, remedy: byHand };
  if (ending.exitCode === programNotFound) return { reason: `the program "${program}" was not found`, remedy: `Install "${program}" on ${machine}` };
  if (ending.exitCode === programNotExecutable) return { reason: `the program "${program}" was found but could not be started (exit code ${programNotExecutable})`, remedy: byHand };
  return { reason: `exit code ${ending.exitCode ?? 'unknown'}`, remedy: byHand };
}

async function stuckAfter(stop: AbortSignal, ended: Promise<ProcessEnding>): Promise<null> {
  const stopped = Promise.withResolvers<void>();
  const finish = (): void => stopped.resolve();
  if (stop.aborted) finish();
  stop.addEventListener('abort', finish, { once: true });
  void ended.then(() => stop.removeEventListener('abort', finish));
  await stopped.promise;
  await wait(dyingMs, undefined, { ref: false });
  return null;
}
