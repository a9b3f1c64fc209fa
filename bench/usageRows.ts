import type { Counts } from './counts.ts';
import { mixed, numbers } from './series.ts';

/** Statements for tags, and for what people did: five accounts, what they saw, chose and rated. */
export function usageStatements(counts: Counts): readonly string[] {
  const { parts, films, items, firstArtist, firstTrack, tracks } = counts;
  const people = Math.ceil(parts / 6);
  // External ids are tags too: one for each film, show and episode.
  const ids = firstArtist - 1;
  return [
    `${numbers(people + ids)}
     INSERT INTO tags (tag, tag_type, user_thumb_url, user_art_url, user_music_url, created_at, updated_at, "key", extra_data)
     SELECT CASE WHEN n <= 40 THEN 'Genre ' || n WHEN n <= ${people} THEN w.text || ' ' || n ELSE 'tmdb://' || (n - ${people}) END,
       CASE WHEN n <= 40 THEN 1 WHEN n <= ${people} THEN 4 + 2 * (n % 4 > 0) ELSE 314 END,
       CASE WHEN n <= ${people} THEN 'https://metadata-static.plex.tv/people/' || printf('%08x%08x', ${mixed('n', 1)}, n) || '.jpg' ELSE '' END, '', '', 1500000000 + n, 1690000000,
       CASE WHEN n <= ${people} THEN printf('%08x%08x%08x', n, ${mixed('n', 2)}, ${mixed('n', 3)}) ELSE '' END, NULL
     FROM numbers JOIN temp.phrase AS w ON w.id = ${mixed('n', 4)} % 4096`,
    'INSERT INTO fts4_tag_titles_icu (docid, tag) SELECT id, tag FROM tags WHERE tag_type IN (0,1,2,4,6,207,400) ORDER BY id',
    `INSERT INTO taggings (metadata_item_id, tag_id, "index", text, time_offset, end_time_offset, thumb_url, created_at, extra_data)
     SELECT m.id, CASE WHEN k < 2 THEN 1 + (m.id * 7 + k * 13) % 40 WHEN k < 6 THEN 41 + ${mixed('m.id * 8 + k', 5)} % ${people - 40} ELSE ${people} + m.id END, k,
       CASE WHEN k > 1 AND k < 6 THEN 'Character ' || (m.id % 977) ELSE '' END, NULL, NULL, '', m.created_at, NULL
     FROM metadata_items AS m CROSS JOIN (SELECT 0 AS k UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6)
     WHERE m.id < ${firstArtist} AND (m.metadata_type <> 3 OR k = 6) OR m.id >= ${firstTrack} AND m.id < ${firstTrack + tracks} AND k = 0 ORDER BY m.id, k`,
    `INSERT INTO accounts (id, name, created_at, updated_at, default_audio_language, default_subtitle_language)
     SELECT key, value, 1500000000, 1700000000, 'en', 'en' FROM json_each('["","owner","anna","bert","carl","dora"]')`,
    // Every other item was watched by one of the five, some by two.
    `INSERT INTO metadata_item_settings (account_id, guid, rating, view_offset, view_count, last_viewed_at, created_at, updated_at, changed_at)
     SELECT 1 + (m.id + k) % 5, m.guid, CASE WHEN m.id % 9 = 0 THEN 8.0 END, CASE WHEN m.id % 11 = 0 THEN m.id * 1000 % 6000000 END, 1 + m.id % 3, 1600000000 + m.id * 31 % 100000000,
       1600000000, 1690000000, m.id FROM metadata_items AS m CROSS JOIN (SELECT 0 AS k UNION ALL SELECT 1) WHERE m.metadata_type IN (1, 4, 10) AND (m.id + k * 3) % 10 < 5 - 4 * k ORDER BY m.id`,
    `INSERT INTO metadata_item_views (account_id, guid, metadata_type, library_section_id, grandparent_title, parent_index, parent_title, "index", title, thumb_url, viewed_at, grandparent_guid, device_id)
     SELECT 1 + m.id % 5, m.guid, m.metadata_type, m.library_section_id, coalesce(g.title, ''), s."index", coalesce(s.title, ''), m."index", m.title, '', 1600000000 + m.id * 31 % 100000000,
       coalesce(g.guid, ''), 1 + m.id % 40 FROM metadata_items AS m LEFT JOIN metadata_items AS s ON s.id = m.parent_id LEFT JOIN metadata_items AS g ON g.id = s.parent_id
     WHERE m.metadata_type IN (1, 4, 10) AND m.id % 2 = 0 ORDER BY m.id`,
    `${numbers(Math.ceil(parts / 5))}
     INSERT INTO media_part_settings (account_id, media_part_id, selected_audio_stream_id, selected_subtitle_stream_id, settings, created_at, updated_at, changed_at)
     SELECT 1 + n % 5, n * 4, n * 12, n * 12 + 1, '', 1600000000, 1690000000, n FROM numbers`,
    `${numbers(60)}
     INSERT INTO schema_migrations (version, rollback_sql, optimize_on_rollback, min_version)
     SELECT 20100101000000 + n * 2500000000, CASE WHEN n % 3 THEN 'DROP INDEX IF EXISTS ''index_' || n || '''' END, NULL, '' FROM numbers`,
    `${numbers(Math.ceil(films / 100))}
     INSERT INTO locations (id, lat_min, lat_max, lon_min, lon_max) SELECT n, n % 90, n % 90 + 0.001, n % 180, n % 180 + 0.001 FROM numbers`,
    // High-water marks lie far above the row counts.
    `UPDATE sqlite_sequence SET seq = seq + ${items}`,
  ];
}
