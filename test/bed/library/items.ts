import { daySeconds } from './moments.ts';
import { extraData, sha1, sortTitle } from './plexText.ts';
import { summaryText } from './titles.ts';
import type { Cell } from './rows.ts';
import type { Workshop } from './workshop.ts';

/** What every row of `metadata_items` needs; further columns are given by their own names in `cells`. */
export interface ItemDraft {
  readonly sectionId: number | null;
  /** `metadata_type`. */
  readonly type: number;
  readonly guid: string;
  readonly title: string;
  readonly addedAt: number;
  readonly cells?: Readonly<Record<string, Cell>>;
}

/** Writes a row of `metadata_items` and returns its id. */
export function addItem(workshop: Workshop, draft: ItemDraft): number {
  const random = workshop.random('items');
  const { guid, title, addedAt } = draft;
  return workshop.rows.insert('metadata_items', {
    library_section_id: draft.sectionId, metadata_type: draft.type, guid, title, title_sort: sortTitle(title), original_title: '', studio: '', tagline: '',
    summary: summaryText(random), trivia: '', quotes: '', content_rating: '', user_thumb_url: '', user_art_url: '', user_banner_url: '', user_music_url: '',
    user_fields: '',
    tags_genre: '', tags_collection: '', tags_director: '', tags_writer: '', tags_star: '', refreshed_at: addedAt + daySeconds, added_at: addedAt,
    created_at: addedAt,
    updated_at: addedAt + daySeconds, tags_country: '', extra_data: extraData({ 'at:itemVersion': '3' }), hash: sha1(guid),
    changed_at: random.integer(1000, 900_000),
    resources_changed_at: random.integer(1000, 900_000), media_item_count: 1, user_clear_logo_url: '', user_square_art_url: '',
    ...draft.cells,
  });
}

/** Words in lower case joined by dashes, as in `metadata_items.slug`; empty for a title without Latin letters. */
export function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}
