import { describe, expect, it } from 'vitest';
import { isCatalogueFile, isDatabase, isDatedBackup, isSidecar } from '../../src/plex/dataDirectory.ts';

describe('names in the directory of databases', () => {
  it.each([
    ['com.plexapp.plugins.library.db', 'database'],
    ['com.plexapp.plugins.library.blobs.db', 'database'],
    ['tv.plex.providers.epg.cloud-0f.db', 'database'],
    ['com.plexapp.plugins.library.db-2026-11-20', 'dated backup'],
    ['com.plexapp.plugins.library.db-2026-11-20-tmp', 'dated backup'],
    ['com.plexapp.plugins.library.db-wal', 'sidecar'],
    ['com.plexapp.plugins.library.db-2026-11-20-shm', 'sidecar'],
    ['com.plexapp.plugins.library.db-journal', 'sidecar'],
    ['notes.txt', 'none'],
    ['library.db.old', 'none'],
  ])('%s is a %s', (name, kind) => {
    expect({ database: isDatabase(name), 'dated backup': isDatedBackup(name), sidecar: isSidecar(name) }).toEqual({
      database: kind === 'database',
      'dated backup': kind === 'dated backup',
      sidecar: kind === 'sidecar',
    });
    expect(isCatalogueFile(name)).toBe(kind !== 'none');
  });
});
