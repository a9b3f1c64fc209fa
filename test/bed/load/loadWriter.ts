import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { earlierThan, loadBase, loadBytes, loadPreference, loadText } from './loadModel.ts';

// A process of its own that writes the load to a library and its blobs, as a server does: `node loadWriter.ts DATABASES PER-SECOND`.
// Every message it gets is answered with the number of transactions so far. It ends when whoever started it does, or by a kill.

const [databases = '', perSecond = ''] = process.argv.slice(2);
const intervalMs = 1000 / Number(perSecond);

function open(name: string): DatabaseSync {
  const database = new DatabaseSync(join(databases, name), { timeout: 20_000, enableForeignKeyConstraints: false });
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL');
  return database;
}

function lastOf(database: DatabaseSync): number {
  return Number(database.prepare('SELECT coalesce(max(CAST(value AS INTEGER)), 0) AS last FROM preferences WHERE name = ?').get(loadPreference)?.['last']);
}

type Statements = readonly (readonly [sql: string, ...values: (number | string | Buffer)[]])[];

const mark = 'INSERT INTO preferences(id, name, value) VALUES(?, ?, ?) ON CONFLICT(id) DO UPDATE SET value = excluded.value';

/** Stock SQLite has neither the tokenizer nor the collation that the triggers and an index of `metadata_items` need: no items. */
function libraryStatements(number: number): Statements {
  const [id, gone, setting] = [loadBase + number, loadBase + number - 200, number % 97];
  return [
    ['INSERT INTO media_items(id, library_section_id, section_location_id, metadata_item_id, size, duration, updated_at) VALUES(?, 1, 1, ?, ?, ?, ?)', id, id, number * 1000, number, number],
    ['INSERT INTO media_parts(id, media_item_id, file, size, updated_at, extra_data) VALUES(?, ?, ?, ?, ?, ?)', id, id, `/mnt/nas-plex/Load/${number}.mkv`, number * 1000, number, loadText(number)],
    ['INSERT INTO metadata_item_views(id, account_id, guid, metadata_type, title, viewed_at) VALUES(?, 1, ?, 1, ?, ?)', id, `load://${number}`, `Load ${number}`, number],
    [
      `INSERT INTO metadata_item_settings(id, account_id, guid, view_offset, view_count, last_viewed_at, changed_at) VALUES(?, 1, ?, ?, 1, ?, 1)
       ON CONFLICT(id) DO UPDATE SET view_offset = excluded.view_offset, view_count = view_count + 1, last_viewed_at = excluded.last_viewed_at, changed_at = changed_at + 1`,
      loadBase + setting, `load://setting/${setting}`, number * 1000, number,
    ],
    ...['metadata_item_views', 'media_parts', 'media_items'].map((table) => [`DELETE FROM ${table} WHERE id = ?`, gone] as const),
    ...(earlierThan(number) > 0 ? [['UPDATE media_items SET updated_at = ? WHERE id = ?', number, loadBase + earlierThan(number)] as const] : []),
    [mark, loadBase, loadPreference, String(number)],
  ];
}

function blobsStatements(number: number): Statements {
  return [
    [`INSERT INTO blobs(id, "blob", linked_type, linked_id, created_at, blob_type) VALUES(?, ?, 'media_part', ?, ?, 5)`, loadBase + number, loadBytes(number), loadBase + number, number],
    ['DELETE FROM blobs WHERE id = ?', loadBase + number - 200],
    ...(earlierThan(number) > 0 ? [['UPDATE blobs SET blob_type = 8, created_at = ? WHERE id = ?', number, loadBase + earlierThan(number)] as const] : []),
    [mark, loadBase, loadPreference, String(number)],
  ];
}

function commit(database: DatabaseSync, statements: Statements): void {
  database.exec('BEGIN IMMEDIATE');
  for (const [sql, ...values] of statements) database.prepare(sql).run(...values);
  database.exec('COMMIT');
}

const writers = [
  { database: open('com.plexapp.plugins.library.db'), statements: libraryStatements },
  { database: open('com.plexapp.plugins.library.blobs.db'), statements: blobsStatements },
].map(({ database, statements }) => ({ database, statements, last: lastOf(database) }));

process.on('message', () => {
  process.send?.(Math.min(...writers.map(({ last }) => last)));
});
process.on('disconnect', () => process.exit(0));

for (let due = performance.now(); ; due += intervalMs) {
  await wait(Math.max(0, due - performance.now()));
  for (const writer of writers) {
    commit(writer.database, writer.statements(writer.last + 1));
    writer.last += 1;
  }
}
