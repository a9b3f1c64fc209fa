import type { DatabaseSync } from 'node:sqlite';
import { collectionType, metadataTypes, optimizedProxyType, playlistType, sectionTypes } from '../plex/kinds.ts';
import { withDatabase } from './database.ts';
import { schemaOf } from './schemaMigrations.ts';

/** One library in figures. */
export type LibraryFigures = {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly agent: string;
  readonly uuid: string;
  readonly roots: readonly string[];
  /** Items by type, e.g. `{ movie: 120, extra: 4 }`; items in the trash are not counted. */
  readonly items: Readonly<Record<string, number>>;
  readonly inTrash: number;
  readonly media: number;
  readonly optimizedVersions: number;
};

/** What a person would miss, in figures. All of it is JSON. */
export type LibraryCounts = {
  readonly libraries: readonly LibraryFigures[];
  readonly users: number;
  readonly devices: number;
  readonly settings: number;
  readonly watched: number;
  /** Items some user is in the middle of. */
  readonly inProgress: number;
  readonly ratings: number;
  readonly history: number;
  readonly playlists: number;
  readonly playlistEntries: number;
  readonly collections: number;
  readonly userMarkers: number;
  readonly chosenStreams: number;
  readonly parts: number;
  /** The newest migration of the schema; null where the database tells none. */
  readonly schemaVersion: string | null;
  /** Per user: settings, watched, in progress, history. Names are not in it. */
  readonly byAccount: readonly { readonly account: number; readonly settings: number; readonly watched: number; readonly inProgress: number; readonly history: number }[];
};

/** Counts what is in the library database `file`. Tables that an older schema lacks count as 0. */
export async function libraryCounts(file: string): Promise<LibraryCounts> {
  return withDatabase(file, 'read', (database) => {
    const count = counter(database);
    return {
      libraries: figures(database),
      users: count('accounts', 'WHERE id > 0'),
      devices: count('devices'),
      settings: count('metadata_item_settings'),
      watched: count('metadata_item_settings', 'WHERE view_count > 0'),
      inProgress: count('metadata_item_settings', 'WHERE view_offset > 0'),
      ratings: count('metadata_item_settings', 'WHERE rating IS NOT NULL AND rating >= 0'),
      history: count('metadata_item_views'),
      playlists: count('metadata_items', `WHERE metadata_type = ${playlistType}`),
      playlistEntries: count('play_queue_generators', `WHERE playlist_id IN (SELECT id FROM metadata_items WHERE metadata_type = ${playlistType})`),
      collections: count('metadata_items', `WHERE metadata_type = ${collectionType}`),
      userMarkers: count('metadata_item_setting_markers'),
      chosenStreams: count('media_part_settings') + count('media_stream_settings'),
      parts: count('media_parts'),
      schemaVersion: schemaOf(database, file).newest,
      byAccount: accounts(database),
    };
  });
}

function figures(database: DatabaseSync): LibraryFigures[] {
  const items = database.prepare(
    'SELECT metadata_type AS type, deleted_at IS NOT NULL AS trashed, count(*) AS items FROM metadata_items NOT INDEXED WHERE library_section_id = ? GROUP BY 1, 2 ORDER BY 1',
  );
  const roots = database.prepare('SELECT root_path FROM section_locations WHERE library_section_id = ? ORDER BY id');
  const media = database.prepare('SELECT count(*) AS media, coalesce(sum(proxy_type = ?), 0) AS optimized FROM media_items WHERE library_section_id = ?');
  return database
    .prepare('SELECT id, name, section_type, agent, uuid FROM library_sections ORDER BY id')
    .all()
    .map((section) => {
      const id = Number(section['id']);
      const rows = items.all(id);
      const kept = rows.filter(({ trashed }) => Number(trashed) === 0);
      const counted = media.get(optimizedProxyType, id);
      return {
        id,
        name: String(section['name']),
        type: sectionTypes[Number(section['section_type'])] ?? `type ${String(section['section_type'])}`,
        agent: String(section['agent'] ?? ''),
        uuid: String(section['uuid'] ?? ''),
        roots: roots.all(id).map((row) => String(row['root_path'])),
        items: Object.fromEntries(kept.map((row) => [metadataTypes[Number(row['type'])] ?? `type ${String(row['type'])}`, Number(row['items'])])),
        inTrash: rows.filter(({ trashed }) => Number(trashed) === 1).reduce((sum, row) => sum + Number(row['items']), 0),
        media: Number(counted?.['media']),
        optimizedVersions: Number(counted?.['optimized']),
      };
    });
}

function accounts(database: DatabaseSync): LibraryCounts['byAccount'] {
  const rows = database
    .prepare(
      `SELECT account_id AS account, sum(settings) AS settings, sum(watched) AS watched, sum(inProgress) AS inProgress, sum(history) AS history FROM (
         SELECT account_id, 1 AS settings, coalesce(view_count > 0, 0) AS watched, coalesce(view_offset > 0, 0) AS inProgress, 0 AS history FROM metadata_item_settings
         UNION ALL SELECT account_id, 0, 0, 0, 1 FROM metadata_item_views
       ) WHERE typeof(account_id) = 'integer' GROUP BY account_id ORDER BY account_id`,
    )
    .all();
  return rows.map((row) => ({
    account: Number(row['account']),
    settings: Number(row['settings']),
    watched: Number(row['watched']),
    inProgress: Number(row['inProgress']),
    history: Number(row['history']),
  }));
}

function counter(database: DatabaseSync): (table: string, where?: string) => number {
  const tables = new Set(
    database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
      .all()
      .map(({ name }) => String(name)),
  );
  // NOT INDEXED: the smallest index would be chosen for a count, and that may be the one only Plex can read.
  return (table, where = '') => (tables.has(table) ? Number(database.prepare(`SELECT count(*) AS rows FROM ${table} NOT INDEXED ${where}`).get()?.['rows']) : 0);
}
