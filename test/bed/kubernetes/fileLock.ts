import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs `action` while this process alone holds a lock on the file `path`; waits for another holder, and loses the lock when it dies. */
export async function withFileLock<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  // Node has no flock. The lock belongs to `flock` and lives as long as its command: until our end of the pipe is closed.
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  const locked = once(holder.stdout, 'data');
  await Promise.race([locked, ended]);
  if (holder.exitCode !== null) {
    throw new Error(`Cannot lock "${path}": flock exited with ${holder.exitCode}`);
  }
  try {
    return await action();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
