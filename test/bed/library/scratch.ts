import { mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memory = '/dev/shm';
const roomNeededBytes = 512 * 1024 * 1024;

/**
 * Makes a new directory for libraries, in memory where there is room for some: a library is thousands of tiny files, and ext4 becomes
 * slow at making them for minutes after as many were removed.
 */
export function makeScratchDirectory(prefix: string): string {
  return mkdtempSync(join(hasRoom(memory) ? memory : tmpdir(), prefix));
}

function hasRoom(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= roomNeededBytes;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
