import type { Counts } from './counts.ts';
import { mixed, numbers } from './series.ts';

/** Statements for libraries and their items: films, shows, seasons, episodes, artists, albums, tracks, trailers, collections. */
export function itemStatements(counts: Counts): readonly string[] {
  const { films, shows, seasons, episodes, artists, albums, tracks, clips } = counts;
  const { firstShow, firstSeason, firstEpisode, firstArtist, firstAlbum, firstTrack, firstClip } = counts;
  return [
    `INSERT INTO library_sections (library_id, name, name_sort, section_type, language, agent, scanner, created_at, updated_at, scanned_at, uuid)
     SELECT 1, value, value, 1 + key, 'en-US', 'tv.plex.agents.movie', 'Plex Movie', 1500000000, 1700000000, 1700000000, '5fca3d2b-0000-4000-8000-00000000000' || key
     FROM json_each('["Movies","TV Shows","Music"]')`,
    `INSERT INTO section_locations (library_section_id, root_path, available, scanned_at, created_at, updated_at)
     SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), 't', 1700000000, 1500000000, 1700000000
     FROM json_each('[[1,"/mnt/nas-plex/Movies"],[2,"/mnt/nas-plex/TV Shows"],[3,"/mnt/nas-plex/Music"],[1,"/mnt/nas-plex-optimized/Movies"],[1,"/srv/elsewhere"]]')`,
    items({ first: 1, count: films, type: 1, section: 1, guid: 'plex://movie/', year: true }),
    items({ first: firstShow, count: shows, type: 2, section: 2, guid: 'plex://show/', year: true }),
    items({ first: firstSeason, count: seasons, type: 3, section: 2, guid: 'plex://season/', parent: `${firstShow} + (n - 1) / 5`, index: '1 + (n - 1) % 5' }),
    items({ first: firstEpisode, count: episodes, type: 4, section: 2, guid: 'plex://episode/', parent: `${firstSeason} + (n - 1) / 10`, index: '1 + (n - 1) % 10' }),
    items({ first: firstArtist, count: artists, type: 8, section: 3, guid: 'plex://artist/' }),
    items({ first: firstAlbum, count: albums, type: 9, section: 3, guid: 'plex://album/', parent: `${firstArtist} + (n - 1) / 5`, index: '1 + (n - 1) % 5', year: true }),
    items({ first: firstTrack, count: tracks, type: 10, section: 3, guid: 'plex://track/', parent: `${firstAlbum} + (n - 1) / 12`, index: '1 + (n - 1) % 12' }),
    items({ first: firstClip, count: clips, type: 12, section: 1, guid: 'plex://extra/' }),
    // Local extras: their guid is the file, which stays as it is.
    `UPDATE metadata_items SET guid = 'file:///mnt/nas-plex/Movies/Extras/' || id || '.mkv' WHERE metadata_type = 12 AND id % 500 = 0`,
    `INSERT INTO metadata_relations (metadata_item_id, related_metadata_item_id, relation_type, created_at, updated_at)
     SELECT 1 + n % ${films}, ${firstClip} + n - 1, 1, 1600000000, 1700000000 FROM (${numbers(clips)} SELECT n FROM numbers)`,
    `INSERT INTO fts4_metadata_titles_icu (docid, title, title_sort, original_title) SELECT id, title, title_sort, original_title FROM metadata_items ORDER BY id`,
  ];
}

interface Items {
  readonly first: number;
  readonly count: number;
  readonly type: number;
  readonly section: number;
  readonly guid: string;
  /** SQL for the parent's id and the number within it, of `n` from 1. */
  readonly parent?: string;
  readonly index?: string;
  readonly year?: boolean;
}

function items({ first, count, type, section, guid, parent = 'NULL', index = '1', year = false }: Items): string {
  const id = `${first - 1} + n`;
  const hash = [1, 2, 3, 4, 5].map((salt) => mixed(id, salt)).join(', ');
  // Seasons have no text of their own; tracks and artists little.
  const prose = type === 3 ? "''" : `CAST(substr(prose.bytes, 1 + ${mixed(id, 6)} % 64000, ${type > 7 ? '40 + n % 60' : `300 + ${mixed(id, 7)} % 501`}) AS TEXT)`;
  const isWork = type === 1 || type === 2 || type === 4;
  return `
    ${numbers(count)}
    INSERT INTO metadata_items (id, library_section_id, parent_id, metadata_type, guid, media_item_count, title, title_sort, original_title, studio, rating, rating_count,
      tagline, summary, content_rating, content_rating_age, "index", absolute_index, duration, user_thumb_url, user_art_url, user_fields, tags_genre, tags_director,
      tags_writer, tags_star, originally_available_at, refreshed_at, year, added_at, created_at, updated_at, extra_data, hash, audience_rating, changed_at,
      resources_changed_at, slug)
    SELECT ${id}, ${section}, ${parent}, ${type}, '${guid}' || printf('%08x%08x%08x', ${mixed(id, 8)}, ${mixed(id, 9)}, ${id}), 1,
      w.text || ' ' || v.text, CASE WHEN w.text LIKE 'The %' THEN substr(w.text, 5) ELSE w.text END || ' ' || v.text, CASE WHEN n % 10 = 0 THEN v.text ELSE '' END,
      ${isWork ? "v.text || ' Pictures'" : "''"}, 5 + (n % 50) / 10.0, n % 9000, ${type === 1 ? "w.text || ' meets ' || v.text" : "''"}, ${prose}, ${isWork ? "'TV-14'" : "''"}, n % 18,
      ${index}, n % 400, 1200000 + n % 6000000, 'metadata://posters/tv.plex.agents.movie_' || printf('%08x%08x', ${mixed(id, 10)}, ${mixed(id, 11)}),
      ${isWork ? `'metadata://art/tv.plex.agents.movie_' || printf('%08x%08x', ${mixed(id, 12)}, ${mixed(id, 13)})` : "''"},
      CASE WHEN n % 12 = 0 THEN 'lockedFields=2|9' END, ${isWork ? "'Drama|Comedy'" : "''"}, ${isWork ? "v.text || ' Director'" : "''"}, ${isWork ? "w.text || ' Writer'" : "''"},
      ${isWork ? "w.text || ' Star|' || v.text || ' Star'" : "''"}, ${mixed(id, 14)} % 1600000000, 1690000000 + n % 9000000, ${year ? '1950 + n % 75' : 'NULL'},
      1500000000 + ${id} * 97 % 200000000, 1500000000 + ${id} * 97 % 200000000, 1690000000 + n % 9000000,
      '{"at:rating":"' || n || '","pv:previous":"tv","url":"at%3Arating=' || n || '&pv%3Aprevious=tv"}', printf('%08x%08x%08x%08x%08x', ${hash}), 4 + (n % 60) / 10.0,
      ${id} * 3, ${id} * 3 + 1, ${isWork ? `lower(replace(w.text, ' ', '-')) || '-' || n` : "''"}
    FROM numbers JOIN temp.phrase AS w ON w.id = ${mixed(id, 15)} % 4096 JOIN temp.phrase AS v ON v.id = ${mixed(id, 16)} / 64 % 4096 CROSS JOIN temp.prose`;
}
