import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs `work` while holding an exclusive flock(2) on `lockFile` (created when absent), waiting for other holders first.
 * The lock belongs to a child process that ends with this one, so a crash never leaves it held.
 */
export async function withFileLock<T>(lockFile: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [lockFile, '-c', 'echo held; cat >/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  const first = await Promise.race([once(holder.stdout, 'data').then(() => 'held' as const), ended.then(() => 'ended' as const)]);
  if (first === 'ended') throw new Error(`Cannot lock "${lockFile}": flock ended with exit code ${holder.exitCode ?? 'none'}`);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
