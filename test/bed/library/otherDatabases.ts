import { copyFileSync, utimesSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { liftHighWaterMarks } from './bookkeeping.ts';
import { dateText, daysBefore, daySeconds } from './moments.ts';
import { createPlexDatabase, markAsWal } from './plexDatabase.ts';
import { addSchemaMigrations } from './schemaMigrations.ts';
import { sha1, sortTitle } from './plexText.ts';
import { createTitles } from './titles.ts';
import type { LibrarySettings } from './options.ts';
import type { Random } from './random.ts';
import type { Rows } from './rows.ts';
import type { Item } from './workshop.ts';

/** Makes `com.plexapp.plugins.library.blobs.db`: the library's object list, with analysis results keyed on the ids of `items`' parts. */
export function makeBlobsDatabase(path: string, { items, settings, random }: { items: readonly Item[]; settings: LibrarySettings; random: Random }): void {
  createPlexDatabase(path, { version: settings.version, schema: settings.beyond?.schema, fill });

  function fill(rows: Rows): void {
    addSchemaMigrations(rows, settings.version);
    rows.insert('accounts', { id: 0, name: '', created_at: daysBefore(3000), updated_at: daysBefore(3000) });
    rows.insert('preferences', { name: 'blobDatabaseVersion', value: '1' });
    for (const item of items) {
      for (const part of item.parts) {
        if (random.chance(0.3)) rows.insert('blobs', {
          linked_type: 'media_part', linked_id: part.id, blob: gzipSync(random.bytes(random.integer(60, 400))), blob_type: item.type === 10 ? 5 : 8,
          created_at: item.addedAt,
        });
        for (const stream of part.streams.filter(({ url }) => url === 'blob://')) {
          rows.insert('blobs', {
            linked_type: 'media_stream', linked_id: stream.id, blob: gzipSync('1\n00:00:01,000 --> 00:00:03,000\nExtracted\n'), blob_type: 3,
            created_at: item.addedAt,
          });
        }
      }
    }
    liftHighWaterMarks(rows);
  }
}

/** Makes a DVR guide: the library's schema with `broadcasts` broadcasts on three channels. */
export function makeGuideDatabase(path: string, { broadcasts, settings, random }: { broadcasts: number; settings: LibrarySettings; random: Random }): void {
  createPlexDatabase(path, { version: settings.version, schema: settings.beyond?.schema, fill });

  function fill(rows: Rows): void {
    addSchemaMigrations(rows, settings.version);
    rows.insert('library_sections', {
      name: 'Live TV & DVR', name_sort: 'Live TV & DVR', section_type: 2, language: 'de', agent: 'tv.plex.agents.none', scanner: 'Plex Null Scanner',
      uuid: random.uuid(), created_at: daysBefore(200), updated_at: daysBefore(1),
    });
    const titles = createTitles(random);
    for (let number = 0; number < broadcasts; number += 1) {
      const title = titles.next();
      const guid = `plex://episode/${random.hex(24)}`;
      const begins = daysBefore(-number / 24);
      const id = rows.insert('metadata_items', {
        library_section_id: 1, metadata_type: 4, guid, title, title_sort: sortTitle(title), original_title: '', hash: sha1(guid), added_at: daysBefore(1),
        created_at: daysBefore(1), updated_at: daysBefore(1), extra_data: '',
      });
      rows.insert('media_items', {
        library_section_id: 1, metadata_item_id: id, channel_id: number % 3, begins_at: begins, ends_at: begins + 3600, created_at: daysBefore(1),
        updated_at: daysBefore(1), extra_data: '',
      });
    }
    liftHighWaterMarks(rows);
  }
}

/** Makes `com.plexapp.dlna.db`, which has a schema of its own. */
export function makeDlnaDatabase(path: string, { items, random }: { items: readonly Item[]; random: Random }): void {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA page_size=1024; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN');
    database.exec('CREATE TABLE "remote_servers" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "url" varchar(255), "machine_identifier" varchar(255))');
    database.exec('CREATE TABLE "object_ids" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "plex_path" varchar(255))');
    database.exec('CREATE INDEX "index_object_ids_on_plex_path" ON "object_ids" ("plex_path")');
    database.prepare('INSERT INTO remote_servers(url, machine_identifier) VALUES(?, ?)').run('http://192.0.2.30:32469', random.hex(40));
    const insert = database.prepare('INSERT INTO object_ids(plex_path) VALUES(?)');
    for (const item of items.slice(0, 200)) insert.run(`/library/metadata/${item.id}`);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
  markAsWal(path);
}

/** Makes the dated backups of the databases at `paths`, each without the history that came after it; returns their paths, oldest first. */
export function makeBackups(paths: readonly string[], ages: readonly number[]): readonly string[] {
  const made: string[] = [];
  for (const days of ages) {
    for (const path of paths) {
      const backup = `${path}-${dateText(daysBefore(days))}`;
      copyFileSync(path, backup);
      const database = new DatabaseSync(backup, { enableForeignKeyConstraints: false });
      try {
        // Of a backup nobody needs a journal: a crash while it is made is the end of the whole library.
        database.exec('PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF');
        database.prepare("DELETE FROM metadata_item_views WHERE iif(typeof(viewed_at) = 'text', unixepoch(viewed_at), viewed_at) > ?").run(daysBefore(days) - (daysBefore(days) % daySeconds));
      } finally {
        database.close();
      }
      markAsWal(backup);
      utimesSync(backup, daysBefore(days), daysBefore(days));
      made.push(backup);
    }
  }
  return made;
}
