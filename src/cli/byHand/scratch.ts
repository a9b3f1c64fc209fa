import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, PlexliftError } from '../../errors.ts';

/** Gives `work` a private directory for temporary files, which is removed whatever happens. Throws `refused` where none can be made. */
export async function withScratch<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = makeScratch();
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function makeScratch(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'plexlift-'));
  } catch (cause) {
    throw new PlexliftError('refused', `Cannot use "${tmpdir()}" for temporary files: ${messageOf(cause)}`, { remedy: 'Name a directory that you can write to in the environment: TMPDIR=DIRECTORY', cause });
  }
}
