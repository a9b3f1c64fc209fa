import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** Why no share can be mounted here; empty where one can. */
export const whyNoShare = process.getuid?.() === 0 && existsSync('/dev/fuse') ? '' : ' (skipped: needs root and /dev/fuse)';

/** A directory shown at another place as a network file system would show it. */
export interface FuseShare {
  /**
   * From the next look at the share on, it hangs: its process is stopped with that request in hand, and whoever made it waits where no
   * signal reaches, not even SIGKILL.
   */
  hang(): void;
  /** What waits is answered, and the share is as before. */
  answer(): void;
  /** The process dies and leaves the mount behind: every look at it fails. */
  die(): Promise<void>;
  /** Takes the share away: what is left is the directory that it was mounted at. Whoever sees it elsewhere sees it die. */
  unmount(): Promise<void>;
}

const program = join(import.meta.dirname, 'fuseShare.py');
const pollMs = 20;

/** Shows `directory` at `mountPoint`, read-only. Needs root. */
export async function mountShare(directory: string, mountPoint: string): Promise<FuseShare> {
  const server = spawn('python3', [program, directory, mountPoint], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  await untilMounted(server);

  async function die(): Promise<void> {
    server.kill('SIGKILL');
    await ended;
  }

  return {
    hang() {
      server.kill('SIGUSR1');
    },
    answer() {
      server.kill('SIGCONT');
    },
    die,
    async unmount() {
      await die();
      if ((await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${mountPoint} `)) await execa('umount', ['--lazy', mountPoint]);
    },
  };
}

async function untilMounted(server: ChildProcess): Promise<void> {
  const said: string[] = [];
  for (const output of [server.stdout, server.stderr]) output?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  while (said.join('') !== 'mounted\n') {
    if (server.exitCode !== null) throw new Error(`Cannot mount a share: ${said.join('')}`);
    await sleep(pollMs);
  }
}
