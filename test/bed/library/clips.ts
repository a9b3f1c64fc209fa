import { addMediaBundle } from './bundles.ts';
import { addItem } from './items.ts';
import { addMedia } from './media.ts';
import { daysBefore } from './moments.ts';
import { createTitles } from './titles.ts';
import type { Generated } from './films.ts';
import type { Section } from './sections.ts';
import type { Artwork, Item, Workshop } from './workshop.ts';

/** Fills a library of home videos, which no agent knows: their only artwork is a frame of their own. */
export function addClips(workshop: Workshop, { section, count }: { section: Section; count: number }): Generated {
  const random = workshop.random(section.kind);
  const titles = createTitles(random, ["Grandma's 80th + cake", 'Prüfung #3', 'Überraschung!']);
  const [location] = section.locations;
  const items: Item[] = [];
  const artwork: Artwork[] = [];
  for (let number = 0; number < count; number += 1) {
    const title = titles.next();
    const guid = `com.plexapp.agents.none://${random.hex(40)}?lang=xn`;
    const addedAt = daysBefore(random.integer(10, 1500));
    const durationMs = random.integer(15_000, 900_000);
    const id = addItem(workshop, { sectionId: section.id, type: 1, guid, title, addedAt, cells: { duration: durationMs, summary: '' } });
    const folder = number % 3 === 0 ? '' : `${2005 + (number % 20)}/`;
    const { parts } = addMedia(workshop, {
      itemId: id, itemTitle: title, section, location, files: [`${folder}${title}.mp4`], durationMs, addedAt,
      streams: [{ type: 1, codec: 'h264' }, { type: 2, codec: 'aac' }],
    });
    const [part] = parts;
    if (part !== undefined) {
      const { thumbnail } = addMediaBundle(workshop, part, { thumbnail: true, preview: number % 4 === 0 });
      workshop.rows.run('UPDATE metadata_items SET user_thumb_url = ? WHERE id = ?', thumbnail.url, id);
      artwork.push({ metadataItemId: id, url: thumbnail.url, path: thumbnail.path, custom: false });
    }
    items.push({ id, sectionId: section.id, type: 1, guid, title, durationMs, addedAt, parts });
  }
  return { items, artwork };
}
