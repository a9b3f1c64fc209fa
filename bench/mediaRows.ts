import type { Counts } from './counts.ts';
import { mixed, numbers } from './series.ts';

/** Statements for what is on disk: media items, one part each, streams with sidecar subtitles and lyrics, directories. */
export function mediaStatements(counts: Counts): readonly string[] {
  const { parts, films, episodes, tracks, clips, firstSeason, firstEpisode, firstTrack, firstClip } = counts;
  // Parts come in the order films, episodes, tracks, trailers, optimized versions.
  const [lastEpisode, lastTrack, lastClip] = [films + episodes, films + episodes + tracks, films + episodes + tracks + clips];
  const item = `CASE WHEN n <= ${films} THEN n WHEN n <= ${lastEpisode} THEN ${firstEpisode - films - 1} + n
    WHEN n <= ${lastTrack} THEN ${firstTrack - lastEpisode - 1} + n WHEN n <= ${lastClip} THEN ${firstClip - lastTrack - 1} + n ELSE 1 + n % ${films} END`;
  const section = `CASE WHEN n <= ${films} OR n > ${lastTrack} THEN 1 WHEN n <= ${lastEpisode} THEN 2 ELSE 3 END`;
  const file = `CASE
    WHEN p.id <= ${films} THEN '/mnt/nas-plex/Movies/' || m.title || ' (' || m.year || ')/' || m.title || ' (' || m.year || ').mkv'
    WHEN p.id <= ${lastEpisode} THEN '/mnt/nas-plex/TV Shows/' || g.title || '/Season ' || printf('%02d', s."index") || '/' || g.title || printf(' - S%02dE%02d.mkv', s."index", m."index")
    WHEN p.id <= ${lastTrack} THEN '/mnt/nas-plex/Music/' || g.title || '/' || s.title || '/' || printf('%02d - ', m."index") || m.title || '.flac'
    WHEN p.id <= ${lastClip} THEN ''
    ELSE '/mnt/nas-plex-optimized/Movies/Plex Versions/Optimized for TV/' || m.title || ' (' || m.year || ')/' || m.title || '.mp4' END`;
  const withSidecar = `p.id <= ${lastEpisode} AND p.id % 20 < 17 OR p.id > ${lastEpisode} AND p.id <= ${lastTrack} AND p.id % 3 = 0`;
  const stem = "rtrim(rtrim(p.file, 'abcdefghijklmnopqrstuvwxyz4'), '.')";
  return [
    `${numbers(parts)}
     INSERT INTO media_items (id, library_section_id, section_location_id, metadata_item_id, type_id, width, height, size, duration, bitrate, container, video_codec, audio_codec,
       display_aspect_ratio, frames_per_second, audio_channels, interlaced, source, hints, settings, created_at, updated_at, optimized_for_streaming, media_analysis_version,
       sample_aspect_ratio, extra_data, proxy_type)
     SELECT n, ${section}, ${section}, ${item}, 1, 1920, 1080, ${mixed('n', 1)} * 4, 1200000 + n % 6000000, 4000000 + n % 9000000, 'mkv', 'hevc', 'eac3', 1.7777777777777777,
       23.975999832153, 6, 0, '', 'name=Item%20' || n || '&year=' || (1950 + n % 75), '', 1500000000 + n, 1690000000 + n % 9000000, n % 2, 6, 1.0,
       '{"ma:audioProfile":"lc","ma:videoProfile":"main 10","url":"ma%3AaudioProfile=lc&ma%3AvideoProfile=main%2010"}', CASE WHEN n > ${lastClip} THEN 42 END FROM numbers`,
    `INSERT INTO directories (id, library_section_id, parent_directory_id, path, created_at, updated_at)
     SELECT key + 1, key + 1, NULL, '', 1500000000, 1700000000 FROM json_each('[1,2,3]')`,
    `INSERT INTO directories (library_section_id, parent_directory_id, path, created_at, updated_at)
     SELECT 1, 1, title || ' (' || year || ')', 1500000000 + id, 1690000000 FROM metadata_items WHERE id <= ${films} ORDER BY id`,
    `INSERT INTO directories (library_section_id, parent_directory_id, path, created_at, updated_at)
     SELECT 2, 2, g.title || '/Season ' || printf('%02d', s."index"), 1500000000 + s.id, 1690000000
     FROM metadata_items AS s JOIN metadata_items AS g ON g.id = s.parent_id WHERE s.id >= ${firstSeason} AND s.id < ${firstEpisode} ORDER BY s.id`,
    `INSERT INTO media_parts (id, media_item_id, directory_id, hash, open_subtitle_hash, file, "index", size, duration, created_at, updated_at, extra_data)
     SELECT p.id, p.id, 4 + p.id % ${films}, printf('%08x%08x%08x%08x%08x', ${[2, 3, 4, 5, 6].map((salt) => mixed('p.id', salt)).join(', ')}), printf('%08x%08x', ${mixed('p.id', 7)}, p.id),
       ${file}, 0, p.size, p.duration, p.created_at, p.updated_at, '{"ma:container":"mkv","ma:videoProfile":"main 10","url":"ma%3Acontainer=mkv&ma%3AvideoProfile=main%2010"}'
     FROM media_items AS p CROSS JOIN metadata_items AS m ON m.id = p.metadata_item_id
       LEFT JOIN metadata_items AS s ON s.id = m.parent_id LEFT JOIN metadata_items AS g ON g.id = s.parent_id ORDER BY p.id`,
    `INSERT INTO media_streams (stream_type_id, media_item_id, url, codec, language, created_at, updated_at, "index", media_part_id, channels, bitrate, "default", forced, extra_data)
     SELECT CASE k WHEN 1 THEN 1 WHEN 2 THEN 2 ELSE 3 END, p.media_item_id,
       CASE WHEN k < 4 THEN CASE WHEN k = 3 AND p.id % 40 = 0 THEN 'blob://' || p.id ELSE '' END
         WHEN p.id % 3 = 0 THEN 'file://' || ${stem} || '.en.srt'
         ELSE 'file://' || replace(replace(${stem}, '%', '%25'), ' ', '%20') || '.en.srt' END,
       CASE k WHEN 1 THEN 'hevc' WHEN 2 THEN 'eac3' ELSE 'srt' END, 'eng', p.created_at, p.updated_at, CASE WHEN k < 4 THEN k - 1 END, p.id, CASE k WHEN 2 THEN 6 END,
       CASE WHEN k < 3 THEN ${mixed('p.id', 8)} % 9000000 END, k < 3, 0,
       CASE k WHEN 1 THEN '{"ma:bitDepth":"10","ma:chromaSubsampling":"4:2:0","ma:height":"1080","url":"ma%3AbitDepth=10&ma%3AchromaSubsampling=4%3A2%3A0&ma%3Aheight=1080"}'
         ELSE '{"ma:title":"English","url":"ma%3Atitle=English"}' END
     FROM media_parts AS p CROSS JOIN (SELECT 1 AS k UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4)
     WHERE p.file <> '' AND (k = 2 OR k <> 4 AND (p.id <= ${lastEpisode} OR p.id > ${lastClip}) OR k = 4 AND (${withSidecar})) ORDER BY p.id, k`,
  ];
}
