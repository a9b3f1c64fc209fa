import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { tryRestore, type BackupFile } from '../../src/catalogue/restoreTrial.ts';
import { databasesDirectory, libraryDatabase, preferencesFile } from '../../src/plex/dataDirectory.ts';
import { databaseOf, makeCatalogue, removeScratch, scratchDirectory, tamper } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const backup = join(scratch, 'backup');
const workspace = join(scratch, 'workspace');

beforeEach(() => {
  removeScratch(backup);
  makeCatalogue(backup);
  mkdirSync(workspace, { recursive: true });
});
afterAll(() => removeScratch(scratch));

function recorded(): BackupFile[] {
  const paths = [...readdirSync(join(backup, databasesDirectory)).map((name) => `${databasesDirectory}/${name}`), preferencesFile];
  return paths.map((path) => {
    const content = readFileSync(join(backup, path));
    return { path, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  });
}

describe('tryRestore', () => {
  it('restores a whole backup and leaves nothing behind', async () => {
    const trial = await tryRestore({ backup, files: recorded(), scratchDirectory: workspace });
    expect(trial).toMatchObject({ ok: true, files: 4, faults: [] });
    const library = trial.databases.find(({ file }) => file.endsWith(libraryDatabase));
    expect(library?.rows).toBeGreaterThan(40);
    expect(readdirSync(workspace)).toEqual([]);
  });

  it('names a file that is missing, that differs, or that does not open', async () => {
    const files = recorded();
    rmSync(join(backup, preferencesFile));
    tamper(databaseOf(backup), 'DELETE FROM metadata_item_views');
    expect((await tryRestore({ backup, files })).faults).toEqual([
      expect.stringMatching(/library\.db" is not what was backed up/) as string,
      '"Preferences.xml" is missing',
    ]);
    writeFileSync(join(backup, preferencesFile), '<Preferences MachineIdentifier="x"/>');
    truncateSync(databaseOf(backup), 2048);
    expect((await tryRestore({ backup, files: recorded() })).faults.join('\n')).toContain('cut short');
  });

  it('names settings without an identity', async () => {
    writeFileSync(join(backup, preferencesFile), '<Preferences FriendlyName="x"/>');
    expect((await tryRestore({ backup, files: recorded() })).faults).toEqual([expect.stringContaining('no MachineIdentifier') as string]);
  });
});
