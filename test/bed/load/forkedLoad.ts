import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A process that writes the load to a library, without its items. */
export interface ForkedLoad {
  /** How many transactions each of the two databases has by now, at least. */
  commits(): Promise<number>;
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
}

/** Starts writing to the databases of a directory, so many transactions a second to each of the two; returns when the first hundred are in. */
export async function forkLoad(databases: string, { perSecond }: { readonly perSecond: number }): Promise<ForkedLoad> {
  const child = fork(join(import.meta.dirname, 'loadWriter.ts'), [databases, String(perSecond)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const ended = once(child, 'exit');

  async function commits(): Promise<number> {
    const answer = once(child, 'message').then(([count]) => Number(count));
    child.send('how many');
    return Promise.race([answer, ended.then(() => Promise.reject(new Error(`The writer ended: ${complaint}`)))]);
  }

  while ((await commits()) < 100) await wait(20);
  return {
    commits,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
