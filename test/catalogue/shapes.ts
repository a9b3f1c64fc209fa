import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createPlexDatabase, type DatabaseLayout } from '../bed/library/plexDatabase.ts';
import type { Rows } from '../bed/library/rows.ts';
import type { PlexSchema } from '../bed/library/schema.ts';
import { addSchemaMigrations } from '../bed/library/schemaMigrations.ts';
import { fillEveryTable } from './shapesFiller.ts';
import { fillFuture, futureSchema, mappedRoot } from './shapesFuture.ts';

/** How the files of a shape are laid out, and which of many fillings they get. */
export interface ShapeOptions extends Required<DatabaseLayout> {
  readonly seed: number;
}

/** What was put into a catalogue. */
export interface MadeShape {
  /** Rows that name the library's root, by file and then `table.column`; columns where paths belong are among them. */
  readonly mentioned: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** A form in which a catalogue can come. */
export interface Shape {
  readonly name: string;
  /** Writes a whole catalogue into `directory`, which must not exist: settings, library, blobs, a guide. */
  make(directory: string, options: ShapeOptions): MadeShape;
}

/** Names of the three databases of a shape. */
export const shapeDatabases = {
  library: 'com.plexapp.plugins.library.db',
  blobs: 'com.plexapp.plugins.library.blobs.db',
  guide: 'tv.plex.providers.epg.cloud-5b1b2a4e.db',
} as const;

/** Ids of the one library in a shape that makes sense, of who watched it, and of the first of its five films; no other row has or names them. */
export const sensible = { library: 4001, account: 4002, first: 5001 } as const;

/** Every known form of the schema, and one that nobody knows. */
export const shapes: readonly Shape[] = [
  shape('1.43.4', { version: '1.43.4.10718-1e3cb7a60' }),
  shape('search tables up to 1.43.0', { version: '1.43.0.10492-121068a07' }),
  shape('about 2019', { version: '1.18.9.2578-513b381af' }),
  shape('the future', { version: '1.99.0.20000-abcdef012', schema: futureSchema, fill: fillFuture }),
];

/** Every layout of a file that SQLite knows and Plex may meet. */
export const layouts: readonly Required<DatabaseLayout>[] = ([512, 1024, 4096, 65_536] as const).flatMap((pageSizeBytes) =>
  (['wal', 'delete'] as const).flatMap((journal) => (['none', 'full', 'incremental'] as const).map((autoVacuum) => ({ pageSizeBytes, journal, autoVacuum }))),
);

interface Draft {
  readonly version: string;
  readonly schema?: () => PlexSchema;
  readonly fill?: (database: DatabaseSync) => ReadonlyMap<string, number>;
}

function shape(name: string, { version, schema, fill }: Draft): Shape {
  function make(directory: string, { seed, ...layout }: ShapeOptions): MadeShape {
    const databases = join(directory, 'Plug-in Support', 'Databases');
    mkdirSync(databases, { recursive: true });
    const mentioned = new Map<string, ReadonlyMap<string, number>>();
    for (const [place, file] of Object.values(shapeDatabases).entries()) {
      createPlexDatabase(join(databases, file), {
        version,
        layout,
        ...(schema === undefined ? {} : { schema: schema() }),
        fill(rows, database) {
          addSchemaMigrations(rows, version);
          if (file === shapeDatabases.library) fillSensibly(rows);
          const nasty = fillEveryTable({ database, seed: seed + place, rows: 8 });
          mentioned.set(file, sum(nasty, fill?.(database) ?? new Map()));
          fillSearchTables(database);
        },
      });
      leaveFreePages(join(databases, file), layout.pageSizeBytes);
    }
    writeFileSync(join(databases, `${shapeDatabases.library}-2026-11-20`), 'a dated backup is moved as it is');
    writeFileSync(
      join(directory, 'Preferences.xml'),
      `<?xml version="1.0" encoding="utf-8"?>\n<Preferences MachineIdentifier="abc" PlexOnlineToken="s3cret" GlobalMusicVideoPath="${mappedRoot}/Clips &amp; more" future="&#10;x"/>\n`,
      { mode: 0o600 },
    );
    return { mentioned };
  }
  return { name, make };
}

// What every library has, so that the counts and samples that are made of it have something to find.
function fillSensibly(rows: Rows): void {
  const at = Date.UTC(2019, 11, 31) / 1000;
  const { library, account, first } = sensible;
  rows.insert('library_sections', { id: library, name: 'Movies', section_type: 1, agent: 'tv.plex.agents.movie', uuid: 'u-1', created_at: at });
  rows.insert('section_locations', { id: library, library_section_id: library, root_path: `${mappedRoot}/Movies/sensible`, created_at: at });
  rows.insert('accounts', { id: account, name: 'alex', created_at: at });
  for (let number = 0; number < 5; number += 1) {
    const id = first + number;
    rows.insert('metadata_items', {
      id, library_section_id: library, metadata_type: 1, title: `Film ${number}`, title_sort: `Film 00000${number}`, guid: `plex://movie/${id}`, hash: `${number}`.repeat(40),
      user_thumb_url: 'metadata://posters/x', created_at: at, deleted_at: number === 4 ? at : null,
    });
    rows.insert('media_items', { id, library_section_id: library, metadata_item_id: id, size: 9_007_199_254_740_993n, proxy_type: number === 3 ? 42 : null, created_at: at });
    rows.insert('media_parts', { id, media_item_id: id, file: `${mappedRoot}/Movies/sensible/${number}.mkv`, size: 5, created_at: at });
    rows.insert('media_streams', { id, media_item_id: id, media_part_id: id, stream_type_id: 3, url: `file://${mappedRoot}/Movies/sensible/${number}%20(forced).srt`, created_at: at });
    rows.insert('metadata_item_settings', { id, account_id: account, guid: `plex://movie/${id}`, view_count: number % 2, view_offset: number, last_viewed_at: at, created_at: at });
    rows.insert('metadata_item_views', { id, account_id: account, guid: `plex://movie/${id}`, viewed_at: at });
  }
  const playlist = first + 5;
  rows.insert('metadata_items', { id: playlist, metadata_type: 15, title: 'List', title_sort: 'List', guid: `com.plexapp.agents.none://${playlist}`, created_at: at });
  rows.insert('metadata_item_accounts', { id: playlist, account_id: 1, metadata_item_id: playlist });
  // Ids that lead nowhere are normal in libraries that work.
  rows.insert('taggings', { id: first, metadata_item_id: 9_999_999, tag_id: 8_888_888, created_at: at });
}

// Those whose content no trigger writes stay empty otherwise.
function fillSearchTables(database: DatabaseSync): void {
  const tables = database.prepare("SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'").all();
  for (const { name, sql } of tables.map((row) => ({ name: String(row['name']), sql: String(row['sql']) }))) {
    if (/USING rtree/.test(sql)) database.exec(`INSERT INTO "${name}" VALUES (1, 48.1, 48.2, 11.5, 11.6), (2, -90, 90, -180, 180)`);
    if (!/USING fts4\(/.test(sql) || sql.includes('content=')) continue;
    const column = String(database.prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0').get(name)?.['name']);
    database.exec(`INSERT OR IGNORE INTO "${name}"(docid, "${column}") VALUES (77, 'Words of a title')`);
  }
}

// Pages of deleted rows stay in the file, in a list of their own.
function leaveFreePages(file: string, pageSizeBytes: number): void {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    const insert = database.prepare('INSERT INTO statistics_resources(id, timespan, host_cpu_utilization) VALUES (?, 1, zeroblob(?))');
    for (let number = 0; number < 20; number += 1) insert.run(10_000_000 + number, pageSizeBytes * 3);
    database.exec('DELETE FROM statistics_resources WHERE id >= 10000000');
  } finally {
    database.close();
  }
}

function sum(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const both = new Map(left);
  for (const [key, count] of right) both.set(key, (both.get(key) ?? 0) + count);
  return both;
}
