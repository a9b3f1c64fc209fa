import { daysBefore } from './moments.ts';
import type { Rows } from './rows.ts';
import type { Item } from './workshop.ts';

/** The kinds of tags this library uses, by their `tag_type`. */
export const tagTypes = {
  genre: 1, collection: 2, director: 4, writer: 5, actor: 6, chapter: 9, label: 11, marker: 12, optimizerTarget: 42, poster: 312, art: 313, externalId: 314,
} as const;

/** One of the kinds of tags. */
export type TagKind = keyof typeof tagTypes;

/** What a tagging adds to its tag. */
export interface Tagging {
  readonly index?: number;
  readonly text?: string;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly thumbUrl?: string;
  readonly extraData?: string;
}

/** Tags, each stored once, and what is tagged with them. */
export interface Tags {
  /** Finds or adds a tag. */
  id(kind: TagKind, tag: string): number;
  /** Tags an item. */
  put(item: Pick<Item, 'id'>, kind: TagKind, details: Tagging & { readonly tag: string }): void;
}

/** Tags in the database of `rows`. */
export function createTags(rows: Rows): Tags {
  const known = new Map<string, number>();
  function id(kind: TagKind, tag: string): number {
    const key = `${kind}:${tag.toLowerCase()}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const added = rows.insert('tags', {
      tag, tag_type: tagTypes[kind], user_thumb_url: '', user_art_url: '', user_music_url: '', created_at: daysBefore(700), updated_at: daysBefore(700),
      ...(kind === 'actor' ? { user_thumb_url: 'https://metadata.example/people/unknown.jpg', key: String(known.size) } : {}),
    });
    known.set(key, added);
    return added;
  }
  return {
    id,
    put(item, kind, details) {
      rows.insert('taggings', {
        metadata_item_id: item.id, tag_id: id(kind, details.tag), index: details.index ?? 0, text: details.text ?? '', time_offset: details.startMs ?? null,
        end_time_offset: details.endMs ?? null, thumb_url: details.thumbUrl ?? '', created_at: daysBefore(300), extra_data: details.extraData ?? '',
      });
    },
  };
}
