import { addItem } from './items.ts';
import { addMedia } from './media.ts';
import { daysBefore } from './moments.ts';
import { extraData, percentEncoded } from './plexText.ts';
import { tagTypes } from './tags.ts';
import type { Item, Part, Workshop } from './workshop.ts';

/** `media_items.proxy_type` of an optimized version, and the type of its jobs. */
const optimized = 42;

/** The file of an optimized version, and the item it belongs to. */
export interface OptimizedPart extends Part {
  readonly metadataItemId: number;
}

/** Adds optimized versions of some of `films`: most below the optimized root, some beside the original. */
export function addOptimizedVersions(workshop: Workshop, films: readonly Item[]): readonly OptimizedPart[] {
  const section = workshop.sections.movies;
  const target = { name: 'Optimized for TV', id: addTarget(workshop, 'Optimized for TV') };
  const beside = { name: 'Optimized for Mobile', id: addTarget(workshop, 'Optimized for Mobile') };
  addTarget(workshop, 'Original Quality');
  const listId = addItem(workshop, {
    sectionId: null, type: 42, guid: `com.plexapp.agents.none://${workshop.random('optimizer').uuid()}`, title: 'Background Processing List',
    addedAt: daysBefore(800), cells: { summary: '', extra_data: '' },
  });
  const [home, away] = section.locations;
  if (away === undefined) throw new Error(`Cannot add optimized versions to "${section.name}": it has no second root`);
  const made: OptimizedPart[] = [];
  for (const [number, film] of films.entries()) {
    const [original] = film.parts;
    if (original === undefined || number % 9 !== 4) continue;
    const folder = original.file.slice(home.rootPath.length + 1).split('/')[0] ?? film.title;
    const nextTo = number % 27 === 13;
    const chosen = nextTo ? beside : target;
    const file = nextTo ? `${folder}/Plex Versions/${beside.name}/${folder}.mp4` : `Plex Versions/${target.name}/${folder}/${folder}.mp4`;
    const { mediaItemId, parts } = addMedia(workshop, {
      itemId: film.id, itemTitle: film.title, section, location: nextTo ? home : away, files: [file], durationMs: film.durationMs,
      addedAt: film.addedAt + 5000, proxyType: optimized,
      streams: [{ type: 1, codec: 'h264' }, { type: 2, codec: 'aac', language: 'eng' }],
    });
    made.push(...parts.map((part) => ({ ...part, metadataItemId: film.id })));
    const generatorId = workshop.rows.insert('play_queue_generators', {
      playlist_id: listId, metadata_item_id: film.id, uri: `library://${section.uuid}/item/${percentEncoded(`/library/metadata/${film.id}`)}`, limit: null,
      continuous: false, order: 1000 * made.length,
      created_at: film.addedAt, updated_at: film.addedAt, changed_at: 5000 + number, recursive: false, type: optimized,
      extra_data: extraData({ 'at:title': film.title }),
    });
    workshop.rows.insert('versioned_metadata_items', {
      metadata_item_id: film.id, generator_id: generatorId, target_tag_id: chosen.id, state: 2, state_context: 0, selected_media_id: original.mediaItemId,
      version_media_id: mediaItemId, media_decision: 1,
      file_size: parts[0]?.sizeBytes ?? null,
    });
  }
  return made;
}

function addTarget(workshop: Workshop, name: string): number {
  return workshop.rows.insert('tags', {
    tag: name, tag_type: tagTypes.optimizerTarget, user_thumb_url: '', user_art_url: '', user_music_url: '', created_at: daysBefore(800),
    updated_at: daysBefore(800),
    extra_data: extraData({ 'at:deviceProfile': 'Universal TV', 'at:mediaSettings': 'videoQuality=60&maxVideoBitrate=8000&videoResolution=1920x1080' }),
  });
}
