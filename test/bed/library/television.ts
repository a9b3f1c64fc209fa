import { addMediaBundle, addMetadataBundle, type MetadataBundle } from './bundles.ts';
import { addItem, slugOf } from './items.ts';
import { addMedia, type StreamDraft } from './media.ts';
import { daysBefore, daySeconds } from './moments.ts';
import { extraData, fileUrl } from './plexText.ts';
import { createTitles } from './titles.ts';
import type { Generated } from './films.ts';
import type { MediaFile } from './mediaFiles.ts';
import type { Location, Section } from './sections.ts';
import type { Artwork, Item, Workshop } from './workshop.ts';

/** Episodes, and what is known of the shows they belong to. */
export interface GeneratedShows extends Generated {
  /** Stored paths of files that two episodes share. */
  readonly sharedFiles: readonly string[];
}

/** Fills a library of shows with `count` episodes; in every third show the first two episodes of a season share one file. */
export function addShows(workshop: Workshop, { section, count }: { section: Section; count: number }): GeneratedShows {
  const random = workshop.random(section.kind);
  const titles = createTitles(random, ["The Baker's Dozen", 'Ünder the Hood', 'S.H.O.W. [US]', 'Who? What? Why!']);
  const items: Item[] = [];
  const artwork: Artwork[] = [];
  const sharedFiles: string[] = [];
  let shows = 0;
  while (items.length < count) {
    const show = addShow(workshop, { section, title: titles.next(), number: shows });
    shows += 1;
    artwork.push(show.artwork);
    const seasons = random.integer(1, 3);
    for (let season = 1; season <= seasons && items.length < count; season += 1) {
      const episodes = Math.min(random.integer(6, 10), count - items.length);
      const made = addSeason(workshop, { section, show, season, episodes, shared: shows % 3 === 1 && episodes > 1 });
      items.push(...made.episodes);
      if (made.sharedFile !== undefined) sharedFiles.push(made.sharedFile);
    }
  }
  return { items, artwork, sharedFiles };
}

interface Show {
  readonly item: Item;
  readonly artwork: Artwork;
  readonly bundle: MetadataBundle;
  readonly location: Location;
  readonly folder: string;
}

function addShow(workshop: Workshop, { section, title, number }: { section: Section; title: string; number: number }): Show {
  const random = workshop.random(section.kind);
  const year = random.integer(1988, 2025);
  const guid = `plex://show/${random.hex(24)}`;
  const addedAt = daysBefore(random.integer(60, 2500));
  const bundle = addMetadataBundle(workshop, { folder: 'TV Shows', guid, agent: section.agent, title });
  const custom = number % 5 === 2;
  const found = bundle.image('posters');
  const poster = custom ? bundle.upload() : found;
  const id = addItem(workshop, {
    sectionId: section.id, type: 2, guid, title, addedAt,
    cells: { year, user_thumb_url: poster.url, user_art_url: bundle.image('art').url, user_fields: custom ? 'lockedFields=9' : '', slug: slugOf(title), tags_genre: 'Drama' },
  });
  const location = section.locations[number % section.locations.length] ?? section.locations[0];
  const item: Item = { id, sectionId: section.id, type: 2, guid, title, durationMs: 2_700_000, addedAt, parts: [] };
  workshop.tags.put(item, 'genre', { tag: 'Drama' });
  return { item, artwork: { metadataItemId: id, url: poster.url, path: poster.path, custom }, bundle, location, folder: `${title} (${year})` };
}

interface SeasonDraft {
  readonly section: Section;
  readonly show: Show;
  readonly season: number;
  readonly episodes: number;
  /** Whether the first two episodes lie in one file. */
  readonly shared: boolean;
}

function addSeason(workshop: Workshop, { section, show, season, episodes, shared }: SeasonDraft): { episodes: readonly Item[]; sharedFile: string | undefined } {
  const random = workshop.random(section.kind);
  const guid = `plex://season/${random.hex(24)}`;
  const addedAt = show.item.addedAt + season * daySeconds;
  const title = `Season ${season}`;
  const id = addItem(workshop, {
    sectionId: section.id, type: 3, guid, title, addedAt,
    cells: { parent_id: show.item.id, index: season, user_thumb_url: show.bundle.image(`seasons/${season}/posters`).url },
  });
  const parent: Item = { id, sectionId: section.id, type: 3, guid, title, durationMs: 0, addedAt, parts: [], parent: show.item, index: season };
  const titles = createTitles(random);
  const made: Item[] = [];
  let sharedFile: MediaFile | undefined;
  for (let episode = 1; episode <= episodes; episode += 1) {
    const written = addEpisode(workshop, { section, show, parent, episode, title: titles.next(), shared: shared && episode <= 2, file: episode === 2 ? sharedFile : undefined });
    if (shared && episode === 1) sharedFile = written.file;
    made.push(written.item);
  }
  return { episodes: made, sharedFile: sharedFile?.path };
}

interface EpisodeDraft {
  readonly section: Section;
  readonly show: Show;
  readonly parent: Item;
  readonly episode: number;
  readonly title: string;
  readonly shared: boolean;
  /** The file to use if another episode has written it already. */
  readonly file: MediaFile | undefined;
}

function addEpisode(workshop: Workshop, draft: EpisodeDraft): { item: Item; file: MediaFile | undefined } {
  const { section, show, parent, episode, title } = draft;
  const random = workshop.random(section.kind);
  const season = parent.index ?? 1;
  const guid = `plex://episode/${random.hex(24)}`;
  const addedAt = parent.addedAt + episode * 3600;
  const durationMs = random.integer(1_200_000, 3_400_000);
  const id = addItem(workshop, {
    sectionId: section.id, type: 4, guid, title, addedAt,
    cells: {
      parent_id: parent.id, index: episode, absolute_index: episode % 5 === 0 ? (season - 1) * 10 + episode : null, duration: durationMs,
      originally_available_at: addedAt - daySeconds,
      user_thumb_url: show.bundle.image(`seasons/${season}/episodes/${episode}/thumbs`).url, year: 2000 + season,
    },
  });
  const folder = `${show.folder}/Season ${padded(season)}`;
  const stem = `${show.folder} - S${padded(season)}E${padded(episode)}`;
  const name = draft.shared ? `${folder}/${show.folder} - S${padded(season)}E01-E02.mkv` : `${folder}/${stem} - ${title}.mkv`;
  const streams: StreamDraft[] = [{ type: 1, codec: 'h264' }, { type: 2, codec: 'aac', language: 'eng' }, { type: 3, codec: 'ass', language: 'eng', url: null }];
  if (episode % 4 === 3) {
    const sidecar = `${show.location.rootPath}/${folder}/${stem} - ${title}.nl & fr [SDH].srt`;
    workshop.media.writeText(sidecar, `1\n00:00:01,000 --> 00:00:02,000\n${title}\n`, addedAt);
    streams.push({ type: 3, codec: 'srt', language: 'nld', url: fileUrl(sidecar) });
  }
  const media = addMedia(workshop, { itemId: id, itemTitle: title, section, location: show.location, files: [draft.file ?? name], durationMs, addedAt, streams });
  const [part] = media.parts;
  const item: Item = { id, sectionId: section.id, type: 4, guid, title, durationMs, addedAt, parts: media.parts, parent, grandparent: show.item, index: episode };
  if (part !== undefined && draft.file === undefined && episode % 3 === 0) addMediaBundle(workshop, part, { preview: true });
  if (episode > 1) workshop.tags.put(item, 'marker', { tag: '', text: 'intro', startMs: 30_000, endMs: 75_000, extraData: extraData({ 'pv:version': '5' }) });
  return { item, file: media.files[0] };
}

function padded(number: number): string {
  return String(number).padStart(2, '0');
}
