import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startClock, type Took } from './machineTime.ts';

/** Writes a word so that a shell takes it as it is. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** What somebody typed was ended because it took too long. */
export class CutOff extends Error {
  override readonly name = 'CutOff';
  /** Until then. */
  readonly took: Took;

  constructor(line: string, took: Took) {
    super(`Cannot measure "${line}" to its end: it was ended after ${took.seconds.toFixed(0)} s`);
    this.took = took;
  }
}

/** Longer than anything takes that is done for the bench itself. */
const usualLongestSeconds = 3_600;

/**
 * Runs what a person would type, a failure anywhere in a pipe included, and tells what it took. The signal ends all of it on this computer, and so
 * does `longestSeconds`, which throws `CutOff`; what runs in a pod or over ssh ends a moment later.
 */
export async function shellWork(line: string, { signal, longestSeconds = usualLongestSeconds }: { readonly signal: AbortSignal; readonly longestSeconds?: number }): Promise<Took & { readonly stdout: string }> {
  signal.throwIfAborted();
  const stop = startClock();
  // A group of its own, so that every part of a pipe can be ended.
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const tooLong = AbortSignal.timeout(longestSeconds * 1_000);
  const inTime = AbortSignal.any([signal, tooLong]);
  inTime.addEventListener('abort', end, { once: true });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr = `${stderr}${chunk.toString('utf8')}`.slice(-2_000)));
  try {
    const [exitCode] = await once(child, 'close');
    const took = stop();
    signal.throwIfAborted();
    if (tooLong.aborted) throw new CutOff(line, took);
    if (exitCode !== 0) throw new Error(`Cannot measure "${line}": it ended with code ${exitCode}\n${stderr}`);
    return { ...took, stdout };
  } finally {
    inTime.removeEventListener('abort', end);
  }
}
