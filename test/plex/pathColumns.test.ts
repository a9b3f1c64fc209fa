import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { columnsWithoutText, pathColumns } from '../../src/plex/pathColumns.ts';
import { parseStatements } from '../bed/library/schema.ts';

/** Columns whose name smells of a path and that hold none, as far as anybody ever saw. A path in one of them is found all the same, and told. */
const noPaths: Readonly<Record<string, string>> = {
  'blobs.linked_guid': 'The guid of an item without a part; never seen filled',
  'cloudsync_files.original_url': 'A web address; libraries up to 2025',
  'directories.path': 'Relative to the directory of the library, by design',
  'external_metadata_items.guid': "An item of another provider, in that provider's scheme",
  'external_metadata_sources.uri': 'A provider',
  'library_sections.user_art_url': 'metadata:// or upload://, relative to the data directory',
  'library_sections.user_theme_music_url': 'metadata:// or upload://',
  'library_sections.user_thumb_url': 'metadata:// or upload://',
  'location_places.guid': 'A place on the map',
  'media_provider_resources.uri': 'A tuner or a guide, by its web address',
  'metadata_agent_providers.uri': 'A provider',
  'metadata_item_views.thumb_url': 'metadata:// or a web address',
  'metadata_items.tags_director': 'Names of persons',
  'metadata_items.user_art_url': 'metadata://, upload:// or media://',
  'metadata_items.user_banner_url': 'metadata:// or upload://',
  'metadata_items.user_clear_logo_url': 'metadata:// or upload://',
  'metadata_items.user_music_url': 'metadata:// or upload://',
  'metadata_items.user_square_art_url': 'metadata:// or upload://',
  'metadata_items.user_thumb_url': 'metadata://, upload:// or media://',
  'play_queue_generators.uri': 'library:// or server:// with keys',
  'plugin_prefixes.art_url': 'A resource of a plug-in, by its key',
  'plugin_prefixes.thumb_url': 'A resource of a plug-in, by its key',
  'plugin_prefixes.titlebar_url': 'A resource of a plug-in, by its key',
  'synchronization_files.item_uri': 'library:// with keys; libraries up to 2025',
  'taggings.thumb_url': 'metadata:// or a web address',
  'tags.user_art_url': 'metadata:// or upload://',
  'tags.user_music_url': 'metadata:// or upload://',
  'tags.user_thumb_url': 'metadata:// or a web address',
};

const smell = /path|file|guid|ur[il]|root|director|location|folder|script(?!ion)|dir$/i;

/** Every text column of every form of the schema, as `table.column`. */
const textColumns = new Set(
  readdirSync(new URL('../bed/library/schema/', import.meta.url))
    .filter((name) => /^tables.*\.sql$/.test(name))
    .flatMap((name) => {
      const database = new DatabaseSync(':memory:');
      try {
        for (const { sql } of parseStatements(readFileSync(new URL(`../bed/library/schema/${name}`, import.meta.url), 'utf8'))) database.exec(sql);
        return database.prepare("SELECT m.name AS tableName, c.name, c.type FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS c WHERE m.type = 'table'").all();
      } finally {
        database.close();
      }
    })
    .filter(({ type }) => !/int|bool|float|real|date|blob/i.test(String(type)))
    .map((row) => `${String(row['tableName'])}.${String(row['name'])}`),
);

const known = new Set([...pathColumns, ...columnsWithoutText].map(({ table, column }) => `${table}.${column}`));

test('a text column whose name smells of a path is either a path column or known to be none', () => {
  expect(textColumns.size).toBeGreaterThan(100);
  expect([...textColumns].filter((column) => smell.test(column.split('.')[1] ?? '') && !known.has(column) && !(column in noPaths))).toEqual([]);
});

test('every path column, and every one known to be none, is in some form of the schema, and in one list only', () => {
  expect(pathColumns.map(({ table, column }) => `${table}.${column}`).filter((column) => !textColumns.has(column))).toEqual([]);
  expect(Object.keys(noPaths).filter((column) => !textColumns.has(column) || known.has(column))).toEqual([]);
});
