import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Removes a directory and everything below it, also below paths that are longer than what one system call takes, which Node's own removal cannot. */
export async function removeTree(directory: string): Promise<void> {
  await promisify(execFile)('rm', ['-rf', '--', directory]);
}
