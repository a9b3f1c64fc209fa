import { addMediaBundle } from './bundles.ts';
import { addItem } from './items.ts';
import { addMedia } from './media.ts';
import { daysBefore } from './moments.ts';
import type { Generated } from './films.ts';
import type { Section } from './sections.ts';
import type { Artwork, Item, Workshop } from './workshop.ts';

/** Fills a library of photos, twelve an album, each third one with the place where it was taken. */
export function addPhotos(workshop: Workshop, { section, count }: { section: Section; count: number }): Generated {
  const random = workshop.random(section.kind);
  const items: Item[] = [];
  const artwork: Artwork[] = [];
  let album: Item | undefined;
  let albums = 0;
  for (let number = 0; number < count; number += 1) {
    if (album === undefined || number % 12 === 0) {
      albums += 1;
      album = addAlbum(workshop, { section, number: albums });
    }
    const guid = `com.plexapp.agents.none://${random.hex(40)}?lang=xn`;
    const title = `IMG_${String(number + 1).padStart(6, '0')}`;
    const [location] = section.locations;
    const id = addItem(workshop, {
      sectionId: section.id, type: 13, guid, title, addedAt: album.addedAt,
      cells: { parent_id: album.id, index: number % 12, originally_available_at: album.addedAt - number, summary: '' },
    });
    const media = addMedia(workshop, { itemId: id, itemTitle: title, section, location, files: [`${album.title}/${title}.png`], durationMs: 0, addedAt: album.addedAt, streams: [] });
    const [part] = media.parts;
    if (part !== undefined && number % 2 === 0) {
      const { thumbnail } = addMediaBundle(workshop, part, { thumbnail: true });
      workshop.rows.run('UPDATE metadata_items SET user_thumb_url = ? WHERE id = ?', thumbnail.url, id);
      artwork.push({ metadataItemId: id, url: thumbnail.url, path: thumbnail.path, custom: false });
    }
    const item: Item = { id, sectionId: section.id, type: 13, guid, title, durationMs: 0, addedAt: album.addedAt, parts: media.parts, parent: album };
    if (number % 3 === 0) addPlace(workshop, { item, number });
    items.push(item);
  }
  return { items, artwork };
}

function addAlbum(workshop: Workshop, { section, number }: { section: Section; number: number }): Item {
  const random = workshop.random(section.kind);
  const guid = `com.plexapp.agents.none://${random.hex(40)}?lang=xn`;
  const title = `${2010 + (number % 15)}-${String((number % 12) + 1).padStart(2, '0')} Ferien ${number} (Île de Ré)`;
  const addedAt = daysBefore(random.integer(200, 2000));
  const id = addItem(workshop, { sectionId: section.id, type: 14, guid, title, addedAt, cells: { summary: '' } });
  return { id, sectionId: section.id, type: 14, guid, title, durationMs: 0, addedAt, parts: [] };
}

function addPlace(workshop: Workshop, { item, number }: { item: Item; number: number }): void {
  const { rows } = workshop;
  const random = workshop.random('places');
  const latitude = random.integer(-80, 80);
  const longitude = random.integer(-179, 179);
  const id = number + 1;
  rows.run('INSERT INTO locations(id, lat_min, lat_max, lon_min, lon_max) VALUES(?, ?, ?, ?, ?)', id, latitude, latitude + 0.5, longitude, longitude + 0.5);
  rows.insert('locatables', {
    location_id: id, locatable_id: item.id, locatable_type: 'metadata_item', created_at: item.addedAt, updated_at: item.addedAt, extra_data: '',
    geocoding_version: 1,
  });
  rows.insert('location_places', { location_id: id, guid: `plex://place/${random.hex(24)}` });
}
