import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from '../fileLock.ts';

/** What a cached directory is made from: its name, everything its content depends on, and how to make it. */
export interface CacheEntry {
  readonly name: string;
  /** Texts (file contents, versions, flags) whose change makes the cached directory stale. */
  readonly inputs: readonly (string | Uint8Array)[];
  /** Fills the given, still empty directory. */
  make(directory: string): Promise<void>;
}

/** Returns the cached directory of `entry`, made now if it is not there; it appears whole or not at all. */
export async function cachedDirectory(entry: CacheEntry): Promise<string> {
  const root = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'plexlift-beds');
  const directory = join(root, `${entry.name}-${hashOf(entry.inputs)}`);
  await mkdir(root, { recursive: true });
  if (await exists(directory)) {
    return directory;
  }
  return withFileLock(`${directory}.lock`, async () => {
    // Another process may have made it while this one waited.
    if (!(await exists(directory))) {
      const unfinished = `${directory}.unfinished`;
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished);
      await entry.make(unfinished);
      await rename(unfinished, directory);
    }
    return directory;
  });
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
