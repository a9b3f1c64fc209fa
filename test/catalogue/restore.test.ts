import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { restoreCatalogue, type RecordedFile } from '../../src/catalogue/restore.ts';
import { tryRestore } from '../../src/catalogue/restoreTrial.ts';
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

function recorded(): RecordedFile[] {
  const paths = [...readdirSync(join(backup, databasesDirectory)).map((name) => `${databasesDirectory}/${name}`), preferencesFile];
  return paths.map((path) => {
    const content = readFileSync(join(backup, path));
    return { path, sha256: createHash('sha256').update(content).digest('hex') };
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
      expect.stringMatching(/library\.db" is not what was recorded/) as string,
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

describe('restoreCatalogue', () => {
  const into = join(scratch, 'restored');
  const modeOf = (path: string): string => (statSync(join(into, path)).mode & 0o777).toString(8);

  beforeEach(() => removeScratch(into));

  it('gives files and directories the modes Plex gives them, whatever those of the backup are', async () => {
    const files = recorded();
    const former = process.umask(0o077);
    try {
      expect(await restoreCatalogue({ from: backup, files, into })).toMatchObject({ ok: true, faults: [] });
    } finally {
      process.umask(former);
    }
    expect(['', 'Plug-in Support', databasesDirectory].map(modeOf)).toEqual(['755', '755', '755']);
    expect(files.map(({ path }) => [path, modeOf(path)])).toEqual(files.map(({ path }) => [path, path === preferencesFile ? '600' : '644']));
    for (const { path } of files) expect(readFileSync(join(into, path)).equals(readFileSync(join(backup, path)))).toBe(true);
  });

  it('takes a write-ahead log into its database, and leaves that in the backup as it is', async () => {
    const database = new DatabaseSync(databaseOf(backup));
    try {
      database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; INSERT INTO accounts(id, name) VALUES (99, 'only in the log')");
      // Copied while it is open: that is how a raw backup of a server that was cut off looks.
      mkdirSync(join(scratch, 'raw', databasesDirectory), { recursive: true });
      for (const suffix of ['', '-wal']) writeFileSync(join(scratch, 'raw', databasesDirectory, libraryDatabase + suffix), readFileSync(databaseOf(backup) + suffix));
    } finally {
      database.close();
    }
    const from = join(scratch, 'raw');
    const files = ['', '-wal'].map((suffix) => {
      const path = `${databasesDirectory}/${libraryDatabase}${suffix}`;
      return { path, sha256: createHash('sha256').update(readFileSync(join(from, path))).digest('hex') };
    });
    const restored = await restoreCatalogue({ from, files, into });
    expect(restored).toMatchObject({ ok: true, databases: [{ logBytes: statSync(`${databaseOf(from)}-wal`).size }] });
    expect(readdirSync(join(into, databasesDirectory))).toEqual([libraryDatabase]);
    const copy = new DatabaseSync(databaseOf(into), { readOnly: true });
    expect(copy.prepare('SELECT name FROM accounts WHERE id = 99').get()).toEqual({ name: 'only in the log' });
    copy.close();
    expect(readdirSync(join(from, databasesDirectory))).toEqual([libraryDatabase, `${libraryDatabase}-wal`]);
  });

  it('takes an empty guide for a database without tables, and an empty library for a loss', async () => {
    writeFileSync(databaseOf(backup, 'tv.plex.providers.epg.cloud-1.db'), '');
    expect(await restoreCatalogue({ from: backup, files: recorded(), into })).toMatchObject({ ok: true });
    removeScratch(into);
    writeFileSync(databaseOf(backup), '');
    expect((await restoreCatalogue({ from: backup, files: recorded(), into })).faults).toEqual([expect.stringContaining('the file is empty') as string]);
  });

  it('copies what is there even where something is missing', async () => {
    const files = recorded();
    rmSync(databaseOf(backup));
    expect((await restoreCatalogue({ from: backup, files, into })).faults).toEqual([expect.stringContaining('is missing') as string]);
    expect(existsSync(join(into, preferencesFile))).toBe(true);
  });
});
