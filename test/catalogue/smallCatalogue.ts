import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { blobsDatabase, databasesDirectory, libraryDatabase, preferencesFile } from '../../src/plex/dataDirectory.ts';
import { createPlexDatabase } from '../bed/library/plexDatabase.ts';
import type { Rows } from '../bed/library/rows.ts';

/** The pairs every test here maps with. */
export const pairs = [
  { from: '/mnt/nas-plex', to: '/media/library' },
  { from: '/mnt/nas-plex-optimized', to: '/media/optimized' },
] as const;

/** A file name that is no valid UTF-8, as bytes. */
export const brokenPath = Buffer.concat([Buffer.from('/mnt/nas-plex/Movies/caf'), Buffer.from([0xe9]), Buffer.from('.mkv')]);

/** Parts whose path must stay as it is, whatever the mapping. */
export const untouchedParts = [null, '', 'C:\\Media\\a.mkv', '\\\\nas\\films\\b.mkv', '/mnt/nas-plexus/c.mkv', '/mnt/nas_plex/d.mkv', '/srv/e.mkv', Buffer.from('/mnt/nas-plex/blob.mkv')] as const;

const movedParts = [
  '/mnt/nas-plex/Movies/A_b%c (2001)/it\'s "one".mkv',
  '/mnt/nas-plex/Movies/🎬/é.mkv'.normalize('NFC'),
  '/mnt/nas-plex/Movies/🎬/é.mkv'.normalize('NFD'),
  '/mnt/nas-plex/mnt/nas-plex/twice.mkv',
  '/mnt/nas-plex-optimized/Plex Versions/A/a.mp4',
  '/mnt/nas-plex/Movies/shared.mkv',
  '/mnt/nas-plex/Movies/shared.mkv',
];

const urls = [
  'file:///mnt/nas-plex/Movies/A%20(2001)/100%25.srt',
  'file:///mnt/nas-plex/Movies/B (2002)/raw.srt',
  'file:///srv/other.srt',
  'blob://1/mnt/nas-plex',
  'http://127.0.0.1:32400/mnt/nas-plex/x',
  null,
  '',
];

/** How many cells the pairs change in the library of `makeCatalogue`. */
export const changedCells = { root_path: 2, file: movedParts.length + 1, url: 2 };

/** A scratch directory; the caller removes it. */
export function scratchDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'plexlift-catalogue-'));
}

/** Where a database of the catalogue in `directory` lies. */
export function databaseOf(directory: string, name: string = libraryDatabase): string {
  return join(directory, databasesDirectory, name);
}

/** The two shapes of a library: what 1.43.4 writes, and what servers before it wrote (their search triggers fire on any column). */
export const versions = { now: '1.43.4.10718-1e3cb7a60', before: '1.43.0.10492-121068a07' } as const;

/** Makes a catalogue with every odd value there is, laid out as in the data directory. */
export function makeCatalogue(directory: string, { fill, version = versions.now }: { readonly fill?: (rows: Rows) => void; readonly version?: string } = {}): void {
  mkdirSync(join(directory, databasesDirectory), { recursive: true });
  createPlexDatabase(databaseOf(directory), {
    version,
    fill: (rows) => {
      fillLibrary(rows);
      fill?.(rows);
    },
  });
  createPlexDatabase(databaseOf(directory, blobsDatabase), {
    version,
    fill: (rows) => rows.insert('blobs', { id: 1, blob: Buffer.from('/mnt/nas-plex/in a blob'), linked_type: 'media_part', linked_id: 1, blob_type: 5 }),
  });
  writeFileSync(databaseOf(directory, `${libraryDatabase}-2026-11-20`), Buffer.from('a dated backup is moved as it is'));
  writeFileSync(
    join(directory, preferencesFile),
    '<?xml version="1.0" encoding="utf-8"?>\n<Preferences MachineIdentifier="abc" PlexOnlineToken="s3cret" TranscoderTempDirectory="/var/tmp/plex" GlobalMusicVideoPath="/mnt/nas-plex/Clips &amp; more" autoEmptyTrash="1"/>\n',
  );
}

function fillLibrary(rows: Rows): void {
  rows.insert('schema_migrations', { version: '20260315240000' });
  rows.insert('library_sections', { id: 1, name: 'Movies', section_type: 1, agent: 'tv.plex.agents.movie', uuid: 'u-1' });
  rows.insert('library_sections', { id: 2, name: 'Odd', section_type: 1, agent: 'com.example.agents.odd', uuid: 'u-2' });
  rows.insert('section_locations', { id: 1, library_section_id: 1, root_path: '/mnt/nas-plex/Movies' });
  rows.insert('section_locations', { id: 2, library_section_id: 1, root_path: '/mnt/nas-plex-optimized' });
  rows.insert('section_locations', { id: 3, library_section_id: 2, root_path: '/srv/odd' });
  rows.insert('metadata_items', { id: 1, library_section_id: 1, metadata_type: 1, title: 'A', title_sort: 'A', guid: 'plex://movie/1', rating: 0.1 + 0.2 });
  rows.insert('metadata_items', { id: 2, library_section_id: 1, metadata_type: 12, title: 'B', title_sort: 'B', guid: 'file:///mnt/nas-plex/Movies/extra.mkv', summary: 'Was at /mnt/nas-plex/old&token=s3cret' });
  rows.insert('metadata_items', { id: 3, library_section_id: 1, metadata_type: 15, title: 'List', title_sort: 'List', guid: 'com.plexapp.agents.none://1', extra_data: '{"pv:url":"x%2Fmnt%2Fnas-plex%2FMovies"}' });
  rows.insert('media_items', { id: 1, library_section_id: 1, metadata_item_id: 1, size: 9_007_199_254_740_993n });
  rows.insert('media_items', { id: 2, library_section_id: 1, metadata_item_id: 1, proxy_type: 42 });
  for (const [place, file] of [...movedParts, ...untouchedParts].entries()) {
    rows.insert('media_parts', { media_item_id: file?.includes('optimized') === true ? 2 : 1, file, size: 9_007_199_254_740_993n + BigInt(place) });
  }
  rows.run('INSERT INTO media_parts(id, media_item_id, file, size) VALUES (?, 1, CAST(? AS TEXT), 5)', 9_007_199_254_740_999n, brokenPath);
  for (const url of urls) rows.insert('media_streams', { media_item_id: 1, url });
  rows.insert('metadata_item_settings', { account_id: 1, guid: 'plex://movie/1', view_count: 2, view_offset: 0, rating: 8 });
  rows.insert('metadata_item_settings', { account_id: 7, guid: 'file:///mnt/nas-plex/Movies/extra.mkv', view_count: 0, view_offset: 5000 });
  rows.insert('metadata_item_views', { account_id: 1, guid: 'plex://movie/1' });
  rows.insert('accounts', { id: 1, name: 'alex' });
  rows.insert('accounts', { id: 7, name: 'kim' });
  rows.insert('plugins', { identifier: 'com.plexapp.system' });
  rows.insert('plugins', { identifier: 'com.example.agents.odd' });
}

/** Runs `sql` on a database as a hand would, outside plexlift; the schema may be taken apart. */
export function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file, { defensive: false, enableForeignKeyConstraints: false });
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/** Removes a scratch directory. */
export function removeScratch(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
