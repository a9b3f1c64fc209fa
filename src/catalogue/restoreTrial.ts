import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restoreCatalogue, type RecordedFile, type Restored } from './restore.ts';

/** Where the backup lies, what it shall hold, and where the trial may copy it to (default: the system's directory for such files). */
export interface TrialOptions {
  readonly backup: string;
  readonly files: readonly RecordedFile[];
  readonly scratchDirectory?: string;
}

/** Restores a backup into a scratch directory, by the very function that "plexlift restore" uses, and removes it again. */
export async function tryRestore({ backup, files, scratchDirectory = tmpdir() }: TrialOptions): Promise<Restored> {
  const scratch = mkdtempSync(join(scratchDirectory, 'plexlift-restore-'));
  try {
    // Below the scratch directory, which nobody else may enter.
    return await restoreCatalogue({ from: backup, files, into: join(scratch, 'restored') });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
