import { daysBefore, daySeconds } from './moments.ts';
import { extraData } from './plexText.ts';
import type { User } from './users.ts';
import type { Item, Workshop } from './workshop.ts';

/** Something a user has begun and not finished. */
export interface OnDeckEntry {
  readonly accountId: number;
  readonly metadataItemId: number;
  readonly guid: string;
  readonly viewOffsetMs: number;
}

/** Who watches what. */
export interface WatchStateDraft {
  readonly users: readonly User[];
  readonly items: readonly Item[];
  /** Items whose guid is a `file://` URL; the owner has seen the first. */
  readonly fileItems: readonly Item[];
}

/** Writes what each user has watched, rated, skipped and begun; returns what is on deck. */
export function addWatchState(workshop: Workshop, { users, items, fileItems }: WatchStateDraft): readonly OnDeckEntry[] {
  const random = workshop.random('watch state');
  const onDeck: OnDeckEntry[] = [];
  for (const [order, user] of users.entries()) {
    const share = order === 0 ? 0.5 : 0.12;
    const begun = items.filter((item) => item.type === 1 || item.type === 4).filter(() => random.chance(0.02)).slice(0, 12);
    // Even in the smallest library everyone has something on deck.
    const first = items[order * 3 + 1];
    const inProgress = new Set(begun.length === 0 && first !== undefined ? [first] : begun);
    for (const item of items) {
      if (inProgress.has(item)) onDeck.push(addBegun(workshop, { user, item }));
      else if (random.chance(share)) addWatched(workshop, { user, item, times: random.chance(0.1) ? 2 : 1 });
    }
  }
  const [owner] = users;
  const [trailer] = fileItems;
  if (owner !== undefined && trailer !== undefined) addWatched(workshop, { user: owner, item: trailer, times: 1, lastAt: daysBefore(1) });
  if (owner !== undefined) addOrphans(workshop, owner);
  return onDeck;
}

function addBegun(workshop: Workshop, { user, item }: { user: User; item: Item }): OnDeckEntry {
  const random = workshop.random('watch state');
  const viewOffsetMs = random.integer(60_000, Math.max(60_001, Math.round(item.durationMs * 0.8)));
  const at = daysBefore(random.integer(1, 14));
  const settingId = workshop.rows.insert('metadata_item_settings', {
    account_id: user.id, guid: item.guid, rating: null, view_offset: viewOffsetMs, view_count: 0, last_viewed_at: at, created_at: at, updated_at: at,
    changed_at: random.integer(1000, 900_000),
    extra_data: extraData({ 'pr:autoSelectAudio': '1' }),
  });
  if (random.chance(0.3)) {
    workshop.rows.insert('metadata_item_setting_markers', {
      marker_type: 3, metadata_item_setting_id: settingId, start_time_offset: viewOffsetMs, end_time_offset: viewOffsetMs + 1000, title: 'Lesezeichen',
      created_at: at, updated_at: at, extra_data: '',
    });
  }
  return { accountId: user.id, metadataItemId: item.id, guid: item.guid, viewOffsetMs };
}

interface Watched {
  readonly user: User;
  readonly item: Item;
  readonly times: number;
  /** Seconds since 1970; some day of the last years if not given. */
  readonly lastAt?: number;
}

function addWatched(workshop: Workshop, { user, item, times, lastAt }: Watched): void {
  const { rows } = workshop;
  const random = workshop.random('watch state');
  const last = lastAt ?? daysBefore(random.integer(1, 900));
  const rated = random.chance(0.2);
  rows.insert('metadata_item_settings', {
    account_id: user.id, guid: item.guid, rating: rated ? random.integer(2, 10) : null, view_offset: null, view_count: times, last_viewed_at: last,
    created_at: last, updated_at: last,
    skip_count: item.type === 10 ? random.integer(0, 3) : 0, changed_at: random.integer(1000, 900_000), extra_data: '', last_rated_at: rated ? last : null,
  });
  for (let time = 0; time < times; time += 1) {
    rows.insert('metadata_item_views', {
      account_id: user.id, guid: item.guid, metadata_type: item.type, library_section_id: item.sectionId, grandparent_title: item.grandparent?.title ?? '',
      parent_index: item.parent?.index ?? null,
      parent_title: item.parent?.title ?? '', index: item.index ?? null, title: item.title, thumb_url: '', viewed_at: last - time * 90 * daySeconds,
      grandparent_guid: item.grandparent?.guid ?? '',
      device_id: user.deviceId,
    });
  }
}

// State of items that are long gone is normal in a healthy library.
function addOrphans(workshop: Workshop, owner: User): void {
  const random = workshop.random('orphans');
  for (let number = 0; number < 25; number += 1) {
    const guid = `plex://movie/${random.hex(24)}`;
    const at = daysBefore(random.integer(900, 2900));
    workshop.rows.insert('metadata_item_settings', {
      account_id: owner.id, guid, view_count: 1, last_viewed_at: at, created_at: at, updated_at: at, changed_at: number + 1, extra_data: '',
    });
    workshop.rows.insert('metadata_item_views', {
      account_id: owner.id, guid, metadata_type: 1, library_section_id: 3, title: `Gone ${number}`, viewed_at: at, device_id: 987,
    });
  }
}
