import { addMetadataBundle, type MetadataBundle } from './bundles.ts';
import { addItem } from './items.ts';
import { addMedia, type StreamDraft } from './media.ts';
import { daysBefore } from './moments.ts';
import { fileUrl } from './plexText.ts';
import { createTitles, personName } from './titles.ts';
import type { Generated } from './films.ts';
import type { Section } from './sections.ts';
import type { Artwork, Item, Workshop } from './workshop.ts';

/** Fills a library of music with `count` tracks, some with lyrics beside them. */
export function addMusic(workshop: Workshop, { section, count }: { section: Section; count: number }): Generated {
  const random = workshop.random(section.kind);
  const names = new Set<string>();
  const items: Item[] = [];
  const artwork: Artwork[] = [];
  while (items.length < count) {
    let name = names.size === 0 ? 'AC÷DC & the “Ampersands”' : personName(random);
    if (names.has(name)) name = `${name} ${names.size}`;
    names.add(name);
    const artist = addArtist(workshop, { section, name });
    artwork.push(artist.artwork);
    const titles = createTitles(random);
    const wanted = random.integer(1, 3);
    for (let album = 0; album < wanted && items.length < count; album += 1) {
      const made = addAlbum(workshop, { section, artist: artist.item, title: titles.next(), tracks: Math.min(random.integer(5, 12), count - items.length) });
      items.push(...made.items);
      artwork.push(...made.artwork);
    }
  }
  return { items, artwork };
}

function addArtist(workshop: Workshop, { section, name }: { section: Section; name: string }): { item: Item; artwork: Artwork } {
  const random = workshop.random(section.kind);
  const guid = `plex://artist/${random.hex(24)}`;
  const addedAt = daysBefore(random.integer(100, 2000));
  const poster = addMetadataBundle(workshop, { folder: 'Artists', guid, agent: section.agent, title: name }).image('posters');
  const id = addItem(workshop, { sectionId: section.id, type: 8, guid, title: name, addedAt, cells: { user_thumb_url: poster.url } });
  const item: Item = { id, sectionId: section.id, type: 8, guid, title: name, durationMs: 0, addedAt, parts: [] };
  return { item, artwork: { metadataItemId: id, url: poster.url, path: poster.path, custom: false } };
}

function addAlbum(workshop: Workshop, { section, artist, title, tracks }: { section: Section; artist: Item; title: string; tracks: number }): Generated {
  const random = workshop.random(section.kind);
  const [location] = section.locations;
  const guid = `plex://album/${random.hex(24)}`;
  const year = random.integer(1965, 2025);
  const bundle: MetadataBundle = addMetadataBundle(workshop, { folder: 'Albums', guid, agent: section.agent, title });
  const poster = bundle.image('posters');
  const { addedAt } = artist;
  const id = addItem(workshop, { sectionId: section.id, type: 9, guid, title, addedAt, cells: { parent_id: artist.id, year, user_thumb_url: poster.url, studio: 'Løkke Records', index: 1 } });
  const album: Item = { id, sectionId: section.id, type: 9, guid, title, durationMs: 0, addedAt, parts: [], parent: artist };
  const titles = createTitles(random);
  const items: Item[] = [];
  for (let track = 1; track <= tracks; track += 1) {
    const name = titles.next();
    const trackGuid = `plex://track/${random.hex(24)}`;
    const durationMs = random.integer(120_000, 480_000);
    const trackId = addItem(workshop, { sectionId: section.id, type: 10, guid: trackGuid, title: name, addedAt, cells: { parent_id: id, index: track, duration: durationMs } });
    const stem = `${artist.title}/${title} (${year})/${String(track).padStart(2, '0')} - ${name}`;
    const extension = track % 4 === 0 ? 'mp3' : 'flac';
    const streams: StreamDraft[] = [{ type: 2, codec: extension }];
    if (track % 5 === 2) {
      const lyrics = `${location.rootPath}/${stem}.lrc`;
      workshop.media.writeText(lyrics, `[00:12.00]${name}\n`, addedAt);
      streams.push({ type: 4, codec: 'lrc', url: fileUrl(lyrics) });
    }
    const { parts } = addMedia(workshop, { itemId: trackId, itemTitle: name, section, location, files: [`${stem}.${extension}`], durationMs, addedAt, streams });
    items.push({ id: trackId, sectionId: section.id, type: 10, guid: trackGuid, title: name, durationMs, addedAt, parts, parent: album, grandparent: artist, index: track });
  }
  return { items, artwork: [{ metadataItemId: id, url: poster.url, path: poster.path, custom: false }] };
}
