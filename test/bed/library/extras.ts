import { addItem } from './items.ts';
import { addCloudPart, addMedia } from './media.ts';
import { rawFileUrl } from './plexText.ts';
import type { Section } from './sections.ts';
import type { Item, Workshop } from './workshop.ts';

/** Adds trailers to some of `films`: local ones, whose guid is a `file://` URL, and ones that lie on the internet, whose file is an empty text. */
export function addExtras(workshop: Workshop, films: readonly Item[]): { readonly local: readonly Item[]; readonly cloud: readonly Item[] } {
  const section = workshop.sections.movies;
  const local: Item[] = [];
  const cloud: Item[] = [];
  for (const [number, film] of films.entries()) {
    if (number % 40 === 2) local.push(addLocal(workshop, { section, film }));
    if (number % 8 === 1) cloud.push(addCloud(workshop, { section, film }));
  }
  return { local, cloud };
}

function addLocal(workshop: Workshop, { section, film }: { section: Section; film: Item }): Item {
  const [location] = section.locations;
  const folder = film.parts[0]?.file.slice(location.rootPath.length + 1).split('/')[0] ?? film.title;
  const file = `${folder}/Trailers/Teaser für ${film.title}-trailer.mkv`;
  const guid = rawFileUrl(`${location.rootPath}/${file}`);
  const title = `Teaser für ${film.title}`;
  const id = addItem(workshop, { sectionId: section.id, type: 12, guid, title, addedAt: film.addedAt, cells: { duration: 90_000, extra_data: '', summary: '' } });
  const { parts } = addMedia(workshop, {
    itemId: id, itemTitle: title, section, location, files: [file], durationMs: 90_000, addedAt: film.addedAt,
    streams: [{ type: 1, codec: 'h264' }, { type: 2, codec: 'aac' }],
  });
  relate(workshop, { film, extraId: id });
  return { id, sectionId: section.id, type: 12, guid, title, durationMs: 90_000, addedAt: film.addedAt, parts };
}

function addCloud(workshop: Workshop, { section, film }: { section: Section; film: Item }): Item {
  const random = workshop.random('extras');
  const guid = `iva://api.internetvideoarchive.com/2.0/DataService/VideoAssets(${random.integer(100_000, 999_999)})?lang=en&bitrates=2500&duration=120&year=2020`;
  const title = `${film.title}: Trailer`;
  const id = addItem(workshop, { sectionId: section.id, type: 12, guid, title, addedAt: film.addedAt, cells: { duration: 120_000, remote: 1, summary: '' } });
  const mediaItemId = workshop.rows.insert('media_items', {
    library_section_id: section.id, metadata_item_id: id, type_id: 1, width: 1280, height: 720, duration: 120_000, container: 'mp4', created_at: film.addedAt,
    updated_at: film.addedAt, settings: '', hints: '',
  });
  addCloudPart(workshop, { mediaItemId, key: `/services/iva/assets/${random.integer(1, 99_999)}/video.mp4`, addedAt: film.addedAt });
  relate(workshop, { film, extraId: id });
  return { id, sectionId: section.id, type: 12, guid, title, durationMs: 120_000, addedAt: film.addedAt, parts: [] };
}

function relate(workshop: Workshop, { film, extraId }: { film: Item; extraId: number }): void {
  workshop.rows.insert('metadata_relations', {
    metadata_item_id: film.id, related_metadata_item_id: extraId, relation_type: 1, created_at: film.addedAt, updated_at: film.addedAt,
  });
}
