import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';

const ballast = 'ballast';

/** Takes all room of a file system but so many bytes; at once, and without writing it. */
export function fillRoom(directory: string, leaveBytes: number, triesLeft = 20): void {
  const { bavail, bsize } = statfsSync(directory);
  try {
    execFileSync('fallocate', ['--length', String(bavail * bsize - leaveBytes), join(directory, `${ballast}-room`)], { stdio: 'pipe' });
  } catch (error) {
    // Whoever writes there may have taken of it between the look and the taking.
    if (triesLeft === 0) throw error;
    fillRoom(directory, leaveBytes, triesLeft - 1);
  }
}

/** Takes the inodes of a file system but so many. */
export function fillInodes(directory: string, leave: number): void {
  const { ffree } = statfsSync(directory);
  for (let number = 0; number < ffree - leave; number += 1) writeFileSync(join(directory, `${ballast}-${leave}-${number}`), '');
}

/** Takes away what was put there to fill it. */
export function removeBallast(directory: string): void {
  for (const name of readdirSync(directory)) if (name.startsWith(`${ballast}-`)) rmSync(join(directory, name));
}
