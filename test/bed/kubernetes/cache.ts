import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a cached directory is made from: its name, everything its content depends on, and how to make it. */
export interface CacheEntry {
  readonly name: string;
  /** Texts (file contents, versions, flags) whose change makes the cached directory stale. */
  readonly inputs: readonly (string | Uint8Array)[];
  /** Fills the given, still empty directory. */
  make(directory: string): Promise<void>;
}

/** How often a second process looks whether the first one has finished the same directory. */
const lockPollMs = 500;

/** Returns the cached directory of `entry`, made now if it is not there; it appears whole or not at all. */
export async function cachedDirectory(entry: CacheEntry): Promise<string> {
  const root = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'plexlift-beds');
  const directory = join(root, `${entry.name}-${hashOf(entry.inputs)}`);
  await mkdir(root, { recursive: true });
  if (await exists(directory)) {
    return directory;
  }
  const release = await lock(`${directory}.lock`);
  const unfinished = `${directory}.unfinished`;
  try {
    if (!(await exists(directory))) {
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished);
      await entry.make(unfinished);
      await rename(unfinished, directory);
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true });
    await release();
  }
  return directory;
}

function hashOf(inputs: CacheEntry['inputs']): string {
  const hash = createHash('sha256');
  for (const input of inputs) {
    hash.update(`${input.length}:`).update(input);
  }
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Takes an exclusive lock by making a directory, waiting for its holder; a holder that no longer lives loses it. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      await mkdir(path);
      await writeFile(join(path, 'pid'), String(process.pid));
      return async () => rm(path, { recursive: true, force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
        throw error;
      }
    }
    await sleep(lockPollMs);
    const holder = await readFile(join(path, 'pid'), 'utf8').catch(() => '');
    if (holder !== '' && !(await exists(`/proc/${holder}`))) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
