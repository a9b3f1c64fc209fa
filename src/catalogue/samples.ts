import { join } from 'node:path';
import { databasesIn } from './catalogueFiles.ts';
import { withDatabase } from './database.ts';
import { libraryDatabase } from '../plex/dataDirectory.ts';
import { optimizedProxyType, playlistType } from '../plex/kinds.ts';

/** An item whose file the verification will really read through the server. */
export type PlayableSample = { readonly itemId: number; readonly title: string; readonly file: string; readonly sizeBytes: number };

/** An item whose artwork will be compared: `hash` names its bundle, `url` the picture in it. */
export type ArtworkSample = { readonly itemId: number; readonly title: string; readonly hash: string; readonly kind: 'thumb' | 'art'; readonly url: string };

/** What the server must hold, counted in the database that was delivered. */
export type Expectations = {
  readonly sections: readonly { readonly key: string; readonly title: string; readonly locations: readonly string[]; readonly items: readonly { readonly metadataType: number; readonly count: number }[] }[];
  readonly accounts: number;
  readonly history: number;
  /** Ids of playlists of the owner. */
  readonly playlists: readonly number[];
};

/** What verification compares: picked at random, so that a second look takes other items. */
export interface Samples {
  readonly playable: readonly PlayableSample[];
  readonly optimized: readonly PlayableSample[];
  readonly artwork: readonly ArtworkSample[];
  readonly expected: Expectations;
}

/** `accounts.id` of the server's owner: the server shows the playlists of this one only. */
const ownerAccount = 1;

/** Item types the server counts in a library by itself; extras (12), playlists (15) and collections (18) are counted elsewhere. */
const countedTypes = [1, 2, 3, 4, 8, 9, 10, 13, 14] as const;

/** Seasons, episodes and tracks: their pictures lie in the bundle of the show or album, so their own hash names none. */
const typesWithoutBundle = [3, 4, 10] as const;

/** Picks samples from a catalogue and counts what the server must show. A path that `isMissing` is never picked. */
export async function pickSamples(directory: string, options: { readonly playable: number; readonly artwork: number; readonly isMissing: (path: string) => boolean }): Promise<Samples> {
  return withDatabase(join(databasesIn(directory), libraryDatabase), 'read', (database) => {
    const pick = (condition: string): readonly PlayableSample[] => {
      const rows = database
        .prepare(
          `SELECT i.id AS itemId, i.title AS title, p.file AS file, p.size AS sizeBytes
           FROM media_parts p JOIN media_items m ON m.id = p.media_item_id JOIN metadata_items i ON i.id = m.metadata_item_id
           WHERE p.file LIKE '/%' AND p.deleted_at IS NULL AND m.deleted_at IS NULL AND i.deleted_at IS NULL AND p.size > 0 AND i.library_section_id IS NOT NULL AND i.metadata_type <> 12 AND ${condition}
           ORDER BY random() LIMIT ?`,
        )
        .all(options.playable * 4);
      return rows
        .map((row) => ({ itemId: Number(row['itemId']), title: String(row['title']), file: String(row['file']), sizeBytes: Number(row['sizeBytes']) }))
        .filter((sample) => !options.isMissing(sample.file) && !sample.file.includes('\uFFFD'))
        .slice(0, options.playable);
    };
    const artwork = database
      .prepare(
        `SELECT id AS itemId, title, hash, user_thumb_url AS url FROM metadata_items NOT INDEXED
         WHERE deleted_at IS NULL AND hash <> '' AND metadata_type NOT IN (${typesWithoutBundle.join(', ')}) AND (user_thumb_url LIKE 'metadata://%' OR user_thumb_url LIKE 'upload://%') ORDER BY random() LIMIT ?`,
      )
      .all(options.artwork)
      .map((row) => ({ itemId: Number(row['itemId']), title: String(row['title']), hash: String(row['hash']), kind: 'thumb' as const, url: String(row['url']) }));
    const count = (sql: string): number => Number(database.prepare(sql).get()?.['n']);
    const sections = database
      .prepare('SELECT id, name FROM library_sections ORDER BY id')
      .all()
      .map((section) => ({
        key: String(section['id']),
        title: String(section['name']),
        locations: database.prepare('SELECT root_path FROM section_locations WHERE library_section_id = ? ORDER BY root_path').all(section['id'] ?? null).map((row) => String(row['root_path'])),
        items: database
          .prepare(`SELECT metadata_type AS t, count(*) AS n FROM metadata_items WHERE library_section_id = ? AND deleted_at IS NULL AND metadata_type IN (${countedTypes.join(', ')}) GROUP BY 1 ORDER BY 1`)
          .all(section['id'] ?? null)
          .map((row) => ({ metadataType: Number(row['t']), count: Number(row['n']) })),
      }));
    return {
      playable: pick(`coalesce(m.proxy_type, 0) <> ${optimizedProxyType}`),
      optimized: pick(`m.proxy_type = ${optimizedProxyType}`).slice(0, 1),
      artwork,
      expected: {
        sections,
        accounts: count('SELECT count(*) AS n FROM accounts WHERE id > 0'),
        history: count('SELECT count(*) AS n FROM metadata_item_views'),
        playlists: database
          .prepare('SELECT DISTINCT a.metadata_item_id AS id FROM metadata_item_accounts a JOIN metadata_items i ON i.id = a.metadata_item_id WHERE a.account_id = ? AND i.metadata_type = ? AND i.deleted_at IS NULL ORDER BY 1')
          .all(ownerAccount, playlistType)
          .map((row) => Number(row['id'])),
      },
    };
  });
}
