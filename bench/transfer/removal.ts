import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * ext4 without a journal keeps the numbers of removed files from new ones for 60 s, and for 300 s more where something else was written into the
 * same block of its inode table (RECENTCY_MIN, RECENTCY_DIRTY in the kernel's fs/ext4/ialloc.c), which new files do. It asks that of each of
 * them anew whenever it looks for a free one: whoever came next made files at a third of the pace.
 */
export const removalForgottenSeconds = 361;

/** To be called before files are made whose making is timed. */
export async function letRemovedBeForgotten(signal: AbortSignal): Promise<void> {
  await pause(removalForgottenSeconds * 1_000, undefined, { signal });
}

/** Removes a directory with all that is in it, where it is there. Tries again while something that was just ended still makes files in it. */
export async function removeWhole(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
}
