import { rm } from 'node:fs/promises';

/** Removes a directory with all that is in it, where it is there. Tries again while something that was just ended still makes files in it. */
export async function removeWhole(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
}
