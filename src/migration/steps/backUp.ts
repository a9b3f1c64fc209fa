import { rmSync, mkdirSync } from 'node:fs';
import { PlexliftError } from '../../errors.ts';
import { tryRestore } from '../../catalogue/restoreTrial.ts';
import { examineCatalogue } from '../../catalogue/integrity/integrity.ts';
import { fileDigests } from '../../catalogue/digests.ts';
import type { Snapshot } from '../../sources/source.ts';
import { corruptionError } from '../corruption.ts';
import type { Migration, MigrationStep } from '../migration.ts';

/** What was backed up, and what the trial restore counted. */
export type Backup = { readonly snapshot: Snapshot; readonly restoredFiles: number };

/** Takes a consistent, complete copy of every database and Preferences.xml while Plex runs, and tries to restore it. */
export const backUp: MigrationStep<'source' | 'directory', Backup> = {
  name: 'back-up',
  title: 'Back up every database and Preferences.xml',
  touches: 'run directory',
  async run({ source, directory, signal }) {
    const method = (await source.isRunning()) ? 'online' : 'files';
    rmSync(directory.backup, { recursive: true, force: true });
    mkdirSync(directory.backup, { recursive: true, mode: 0o700 });
    const snapshot = await source.takeCatalogue(directory.backup, { method, signal });
    if (snapshot.damaged.length > 0) throw await damageOf(directory, snapshot);
    const trial = await tryRestore({ backup: directory.backup, files: snapshot.files, scratchDirectory: directory.scratch });
    if (!trial.ok) {
      // Most often a damaged database; then the damage is told, with its table.
      const integrity = await examineCatalogue(directory.backup, { scratchDirectory: directory.scratch });
      if (!integrity.ok) throw corruptionError(integrity, { what: backedUp, isStopped: false });
      throw new PlexliftError('refused', `Cannot restore the backup in "${directory.backup}"`, { facts: trial.faults, remedy: 'Nothing was changed anywhere. Look at the messages above; a library that cannot be backed up must not be moved' });
    }
    return { snapshot, restoredFiles: trial.files };
  },
  async stillHolds({ directory }, { snapshot }) {
    const now = await fileDigests(directory.backup, snapshot.files.map((file) => file.path));
    const changed = snapshot.files.filter((file) => now.get(file.path) !== file.sha256);
    if (changed.length === 0) return { status: 'pass', detail: `${snapshot.files.length} files unchanged` };
    return { status: 'fail', detail: `the backup changed: ${changed.map((file) => file.path).join(', ')}`, remedy: 'It is taken again' };
  },
};

const backedUp = 'the backup of the databases';

/** What SQLite on the source could not read lies here as raw files, and is examined for the place of the damage. */
async function damageOf({ backup, scratch }: Migration['directory'], { damaged }: Snapshot): Promise<PlexliftError> {
  const integrity = await examineCatalogue(backup, { scratchDirectory: scratch });
  return corruptionError(integrity, { what: backedUp, isStopped: false, damaged });
}
