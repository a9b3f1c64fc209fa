import { addMediaBundle, addMetadataBundle } from './bundles.ts';
import { addItem, slugOf } from './items.ts';
import { addMedia, type StreamDraft } from './media.ts';
import { daysBefore } from './moments.ts';
import { extraData, fileUrl, rawFileUrl } from './plexText.ts';
import { awkwardTitles, createTitles, personName } from './titles.ts';
import type { Section } from './sections.ts';
import type { Artwork, Item, Part, Workshop } from './workshop.ts';

/** Some items and the artwork that belongs to them. */
export interface Generated {
  readonly items: readonly Item[];
  readonly artwork: readonly Artwork[];
}

const genres = ['Drama', 'Comedy', 'Thriller', 'Documentary', 'Animation', 'Science Fiction', 'Komödie', '恋愛'];
const sidecarNames = ['en', 'pt-BR.forced', '日本語', 'Deutsch für Hörgeschädigte', 'español (Latinoamérica)'];

/** Fills a library of films: `movies` with Plex's own agent, or `documentaries` with the third-party one. */
export function addFilms(workshop: Workshop, { section, count }: { section: Section; count: number }): Generated {
  const random = workshop.random(section.kind);
  const titles = createTitles(random, section.kind === 'movies' ? awkwardTitles : []);
  const items: Item[] = [];
  const artwork: Artwork[] = [];
  for (let number = 0; number < count; number += 1) {
    const made = addFilm(workshop, { section, number, title: titles.next() });
    items.push(made.item);
    artwork.push(made.artwork);
  }
  return { items, artwork };
}

function addFilm(workshop: Workshop, { section, number, title }: { section: Section; number: number; title: string }): { item: Item; artwork: Artwork } {
  const random = workshop.random(section.kind);
  const [location] = section.locations;
  const year = random.integer(1931, 2026);
  const addedAt = daysBefore(random.integer(3, 3000));
  const durationMs = random.integer(4_800_000, 9_600_000);
  const guid = section.kind === 'movies' ? `plex://movie/${random.hex(24)}` : `${section.agent}://${random.integer(100_000, 9_999_999)}${number}?lang=en`;
  const bundle = addMetadataBundle(workshop, { folder: 'Movies', guid, agent: section.agent, title });
  const custom = number % 12 === 5;
  const found = bundle.image('posters');
  const poster = custom ? bundle.upload() : found;
  const director = personName(random);
  const actors = [personName(random), personName(random)];
  const genre = random.pick(genres);

  const id = addItem(workshop, {
    sectionId: section.id, type: 1, guid, title, addedAt,
    cells: {
      year, duration: durationMs, originally_available_at: Date.UTC(year, random.integer(0, 11), random.integer(1, 28)) / 1000,
      rating: random.integer(20, 98) / 10, audience_rating: random.integer(20, 98) / 10,
      user_thumb_url: poster.url, user_art_url: bundle.image('art').url, content_rating: random.pick(['PG', 'PG-13', 'R', 'de/12']),
      studio: `${personName(random)} & Søn`,
      original_title: number % 9 === 0 ? `${title} (originál)` : '', slug: slugOf(title), tags_genre: genre, tags_director: director,
      tags_star: actors.join('|'),
      // Hand-made edits stay locked against refreshes: 1 title, 5 summary, 9 poster.
      user_fields: custom ? 'lockedFields=9' : number % 15 === 3 ? 'lockedFields=1|5' : '',
    },
  });
  const name = `${title} (${year})`;
  const files = number % 23 === 7 ? [`${name}/${name} - cd1.avi`, `${name}/${name} - cd2.avi`] : [`${name}/${name} [1080p].mkv`];
  const streams = filmStreams(workshop, { number, folder: `${location.rootPath}/${name}`, name, addedAt });
  const media = addMedia(workshop, { itemId: id, itemTitle: title, section, location, files, durationMs, addedAt, streams });
  const parts = [...media.parts, ...(number % 31 === 11 ? secondVersion(workshop, { section, id, title, name, durationMs, addedAt }) : [])];
  analyse(workshop, { number, part: media.parts[0], durationMs });

  const item: Item = { id, sectionId: section.id, type: 1, guid, title, durationMs, addedAt, parts };
  workshop.tags.put(item, 'genre', { tag: genre });
  workshop.tags.put(item, 'director', { tag: director });
  for (const [index, actor] of actors.entries()) workshop.tags.put(item, 'actor', { tag: actor, index, text: 'Role & “part”' });
  workshop.tags.put(item, 'externalId', { tag: `imdb://tt${random.integer(1_000_000, 9_999_999)}` });
  workshop.tags.put(item, 'poster', { tag: 'poster', thumbUrl: found.url });
  if (number % 3 === 0) {
    workshop.tags.put(item, 'marker', { tag: '', text: 'credits', startMs: durationMs - 240_000, endMs: durationMs - 1000, extraData: extraData({ 'pv:final': '1' }) });
  }
  return { item, artwork: { metadataItemId: id, url: poster.url, path: poster.path, custom } };
}

interface StreamPlace {
  readonly number: number;
  readonly folder: string;
  readonly name: string;
  readonly addedAt: number;
}

function filmStreams(workshop: Workshop, { number, folder, name, addedAt }: StreamPlace): readonly StreamDraft[] {
  const streams: StreamDraft[] = [
    { type: 1, codec: 'h264' },
    { type: 2, codec: 'aac', language: 'eng' },
    ...(number % 4 === 1 ? [{ type: 2, codec: 'ac3', language: 'deu' } as const] : []),
    { type: 3, codec: 'srt', language: 'eng', url: number % 2 === 0 ? null : '' },
  ];
  if (number % 3 === 0) {
    const sidecar = `${folder}/${name}.${sidecarNames[(number / 3) % sidecarNames.length] ?? 'en'}.srt`;
    workshop.media.writeText(sidecar, `1\n00:00:01,000 --> 00:00:04,000\n${name}\n`, addedAt);
    // Both forms occur in libraries that have lived through several versions.
    streams.push({ type: 3, codec: 'srt', language: 'deu', url: number % 6 === 0 ? fileUrl(sidecar) : rawFileUrl(sidecar), forced: sidecar.includes('forced') });
  }
  if (number % 13 === 2) streams.push({ type: 3, codec: 'srt', language: 'fra', url: 'blob://' });
  if (number % 29 === 4) streams.push({ type: 3, codec: 'srt', language: 'ita', url: 'http://127.0.0.1:32400/library/streams/1' });
  return streams;
}

interface VersionPlace {
  readonly section: Section;
  readonly id: number;
  readonly title: string;
  readonly name: string;
  readonly durationMs: number;
  readonly addedAt: number;
}

function secondVersion(workshop: Workshop, { section, id, title, name, durationMs, addedAt }: VersionPlace): readonly Part[] {
  const [location] = section.locations;
  const streams: readonly StreamDraft[] = [{ type: 1, codec: 'hevc' }, { type: 2, codec: 'eac3', language: 'eng' }];
  return addMedia(workshop, { itemId: id, itemTitle: title, section, location, files: [`${name}/${name} [2160p HDR].mkv`], durationMs, addedAt, streams }).parts;
}

function analyse(workshop: Workshop, { number, part, durationMs }: { number: number; part: Part | undefined; durationMs: number }): void {
  if (part === undefined) return;
  const downloaded = number % 17 === 6;
  if (number % 2 === 0 || downloaded) {
    const { subtitleUrl } = addMediaBundle(workshop, part, {
      preview: number % 2 === 0, chapters: number % 10 === 0 ? 3 : 0,
      ...(downloaded ? { subtitle: `1\n00:00:02,000 --> 00:00:0${durationMs % 10},900\nDownloaded\n` } : {}),
    });
    if (downloaded) {
      workshop.rows.insert('media_streams', {
        stream_type_id: 3, media_item_id: part.mediaItemId, media_part_id: part.id, url: subtitleUrl, codec: 'srt', language: 'eng',
        created_at: daysBefore(200), updated_at: daysBefore(200), url_index: 0,
        extra_data: '',
      });
    }
  }
}
