import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startClock, type Took } from './machineTime.ts';

/** Writes a word so that a shell takes it as it is. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Longer than any way takes for any tree; some are known to hang for good. */
const longestMs = 3_600_000;

/** Runs what a person would type, a failure anywhere in a pipe included, and tells what it took; the signal ends all of it, and so does an hour. */
export async function shellWork(line: string, signal: AbortSignal): Promise<Took & { readonly stdout: string }> {
  signal.throwIfAborted();
  const stop = startClock();
  // A group of its own, so that every part of a pipe can be ended.
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(longestMs)]);
  inTime.addEventListener('abort', end, { once: true });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr = `${stderr}${chunk.toString('utf8')}`.slice(-2_000)));
  try {
    const [exitCode] = await once(child, 'close');
    const took = stop();
    inTime.throwIfAborted();
    if (exitCode !== 0) throw new Error(`Cannot measure "${line}": it ended with code ${exitCode}\n${stderr}`);
    return { ...took, stdout };
  } finally {
    inTime.removeEventListener('abort', end);
  }
}
