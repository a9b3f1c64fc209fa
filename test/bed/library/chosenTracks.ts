import { daysBefore } from './moments.ts';
import { extraData } from './plexText.ts';
import type { User } from './users.ts';
import type { Item, Workshop } from './workshop.ts';

/** Writes which audio and subtitle tracks users chose for some of `items`, and how they set their picture. */
export function addChosenTracks(workshop: Workshop, { users, items }: { users: readonly User[]; items: readonly Item[] }): void {
  const { rows } = workshop;
  const random = workshop.random('chosen tracks');
  for (const item of items) {
    const [part] = item.parts;
    if (part === undefined || !random.chance(0.2)) continue;
    const user = random.pick(users);
    const at = daysBefore(random.integer(1, 400));
    const audio = part.streams.filter((stream) => stream.type === 2).at(-1);
    const subtitle = part.streams.filter((stream) => stream.type === 3).at(-1);
    rows.insert('media_part_settings', {
      account_id: user.id, media_part_id: part.id, selected_audio_stream_id: audio?.id ?? null, selected_subtitle_stream_id: subtitle?.id ?? null,
      settings: '', created_at: at, updated_at: at,
      changed_at: random.integer(1000, 900_000),
    });
    if (subtitle !== undefined) {
      rows.insert('media_stream_settings', {
        account_id: user.id, media_stream_id: subtitle.id, extra_data: extraData({ 'at:offset': String(random.integer(-2000, 2000)) }), created_at: at,
        updated_at: at,
      });
    }
    if (random.chance(0.1)) rows.insert('media_item_settings', {
      account_id: user.id, media_item_id: part.mediaItemId, settings: 'zoom=1', created_at: at, updated_at: at,
    });
  }
}
