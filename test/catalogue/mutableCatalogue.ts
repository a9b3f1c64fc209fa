import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPlexDatabase } from '../bed/library/plexDatabase.ts';
import type { Rows } from '../bed/library/rows.ts';
import { databaseOf, makeCatalogue, tamper, versions } from './smallCatalogue.ts';

/** A programme guide of Plex, in which nothing may change. */
export const guideDatabase = 'tv.plex.providers.epg.cloud-1.db';

// Shapes of tables that no version of Plex has yet.
const oddTables = `
  CREATE TABLE future_keyed(kind TEXT COLLATE NOCASE, number INTEGER, note, PRIMARY KEY(kind, number)) WITHOUT ROWID;
  INSERT INTO future_keyed VALUES ('a', 1, '/mnt/nas-plex/a'), ('b', 1, 2.5), ('c', -3, x'00ff');
  CREATE INDEX future_keyed_note ON future_keyed(note);
  CREATE TABLE future_strict(id INTEGER PRIMARY KEY, anything ANY, words TEXT, half REAL) STRICT;
  INSERT INTO future_strict VALUES (-5, 1, 'Straße', 0.0), (2, 'x', 'é', 2.0), (9223372036854775807, NULL, '', -1.5);
  CREATE TABLE future_hidden(rowid TEXT, _rowid_ TEXT, oid TEXT PRIMARY KEY, plain);
  INSERT INTO future_hidden VALUES ('1', '2', NULL, 'x'), ('1', '2', NULL, 'y'), ('3', NULL, 'key', -0.0);
  CREATE TABLE future_generated(id INTEGER PRIMARY KEY, a INTEGER, b AS (a + 1), c TEXT AS (a || 'x') STORED, d);
  INSERT INTO future_generated(id, a, d) VALUES (1, 1, 'one'), (2, NULL, 'two'), (3, 3, NULL);
  CREATE INDEX future_expression ON future_generated(a * 2);
  CREATE INDEX future_partial ON future_generated(d) WHERE a IS NOT NULL;
  CREATE UNIQUE INDEX future_unique ON future_strict(words COLLATE NOCASE, half DESC);
  CREATE TABLE future_long(id INTEGER PRIMARY KEY, long, later);
  INSERT INTO future_long(id, long) VALUES (1, zeroblob(5000)), (2, printf('%04000d', 7)), (3, 'short');
  CREATE INDEX future_long_long ON future_long(long);
  ALTER TABLE future_long ADD COLUMN newest DEFAULT 'unset';
  CREATE TABLE future_collated(id INTEGER PRIMARY KEY, words TEXT COLLATE nocase, n REAL COLLATE rtrim);
  INSERT INTO future_collated VALUES (1, 'Ä', 1.5), (2, NULL, 0.0);
  PRAGMA writable_schema = ON;
  UPDATE sqlite_master SET sql = replace(replace(sql, 'nocase', 'icu_root'), 'rtrim', 'naturalsort') WHERE name = 'future_collated';
  PRAGMA writable_schema = OFF;
  CREATE TABLE future_wide(${Array.from({ length: 300 }, (_, place) => `c${place}`).join(', ')});
  INSERT INTO future_wide(c0, c150, c299) VALUES (1, 'x', 2.5), ('y', NULL, x'01');`;

/** Makes the small catalogue with a guide, every odd shape of table, and `file://` identifiers in each table that is keyed on them. */
export function makeMutableCatalogue(directory: string, version: keyof typeof versions): void {
  const fill = (rows: Rows): void => {
    rows.insert('metadata_items', { id: 40, library_section_id: 1, metadata_type: 12, title: 'C', title_sort: 'C', guid: 'file:///mnt/nas-plex-optimized/C%20(2003)/c.mkv' });
    rows.insert('metadata_item_views', { account_id: 1, guid: 'file:///mnt/nas-plex/Movies/extra.mkv', grandparent_guid: 'file:///mnt/nas-plex/Movies' });
    rows.insert('taggings', { id: 1, metadata_item_id: 1, tag_id: 1, index: 0, text: 'Jörg' });
  };
  makeCatalogue(directory, { fill, version: versions[version] });
  tamper(databaseOf(directory), oddTables);
  createPlexDatabase(databaseOf(directory, guideDatabase), {
    version: versions[version],
    fill: (rows) => {
      rows.insert('metadata_items', { id: 1, metadata_type: 1, title: 'News', title_sort: 'News', guid: 'tv.plex.epg://news' });
      rows.insert('media_parts', { id: 1, media_item_id: 1, file: '/mnt/nas-plex/never mapped.mkv' });
    },
  });
}

/** A directory in memory where the machine has one: a thousand changes are a thousand files written. */
export function quickDirectory(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'plexlift-mutation-'));
}
