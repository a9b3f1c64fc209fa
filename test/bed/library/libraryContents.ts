import { addBookkeeping, addPathMentions, liftHighWaterMarks } from './bookkeeping.ts';
import { addChosenTracks } from './chosenTracks.ts';
import { addClips } from './clips.ts';
import { createDirectories } from './directories.ts';
import { addExtras } from './extras.ts';
import { addFilms } from './films.ts';
import { addMusic } from './music.ts';
import { addOptimizedVersions } from './optimizedVersions.ts';
import { addPhotos } from './photos.ts';
import { addCollections, addPlaylists } from './playlists.ts';
import { createRandom, type Random } from './random.ts';
import { addSections, type Section, type SectionKind } from './sections.ts';
import { createTags } from './tags.ts';
import { addShows } from './television.ts';
import { addUsers } from './users.ts';
import { addWatchState } from './watchState.ts';
import type { ContentsFacts, LibrarySummary } from './facts.ts';
import type { FileTree } from './fileTree.ts';
import type { MediaFiles } from './mediaFiles.ts';
import type { LibrarySettings } from './options.ts';
import type { Identity } from './preferences.ts';
import type { Rows } from './rows.ts';
import type { Item, Workshop } from './workshop.ts';

/** What the library's database was filled with. */
export interface LibraryContents {
  /** Everything that can be played or looked at, without extras. */
  readonly items: readonly Item[];
  readonly facts: ContentsFacts;
}

/** Where the contents go, and whose they are. */
export interface ContentsDraft {
  readonly settings: LibrarySettings;
  readonly rows: Rows;
  readonly media: MediaFiles;
  readonly data: FileTree;
  readonly identity: Identity;
}

/** Puts the six libraries and all that people did with them into the database behind `rows`, and the files where they belong. */
export function fillLibrary({ settings, rows, media, data, identity }: ContentsDraft): LibraryContents {
  const random = createLabelledRandom(settings.seed);
  const sections = addSections(rows, { settings, random: random('sections') });
  const counted = countRows(rows);
  const workshop: Workshop = { settings, rows: counted.rows, media, data, sections, tags: createTags(rows), directoryId: createDirectories(rows), random };
  const counts = shares(settings.items);

  const movies = addFilms(workshop, { section: sections.movies, count: counts.movies });
  const shows = addShows(workshop, { section: sections.shows, count: counts.shows });
  const music = addMusic(workshop, { section: sections.music, count: counts.music });
  const photos = addPhotos(workshop, { section: sections.photos, count: counts.photos });
  const clips = addClips(workshop, { section: sections.clips, count: counts.clips });
  const documentaries = addFilms(workshop, { section: sections.documentaries, count: counts.documentaries });
  const generated = [movies, shows, music, photos, clips, documentaries];
  const items = generated.flatMap((each) => each.items);

  const extras = addExtras(workshop, movies.items);
  const optimizedParts = addOptimizedVersions(workshop, movies.items);
  const users = addUsers(rows, random('users'));
  const onDeck = addWatchState(workshop, { users, items: items.filter((item) => item.type !== 13), fileItems: extras.local });
  addChosenTracks(workshop, { users, items: [...movies.items, ...shows.items] });
  const gathered = addPlaylists(workshop, { users, films: [...movies.items, ...shows.items], tracks: music.items, serverId: identity.processedMachineIdentifier });
  const collected = addCollections(workshop, movies.items);
  addBookkeeping(workshop, { users, films: movies.items });
  const [firstFilm] = movies.items;
  const pathMentions = firstFilm === undefined ? [] : addPathMentions(workshop, firstFilm);
  liftHighWaterMarks(rows);

  return {
    items,
    facts: {
      libraries: Object.values(sections).map((section) => summary(section, { items: counts[section.kind], rowsByType: counted.rowsByType(section.id) })),
      users: users.map(({ id, name }) => ({ id, name })),
      onDeck,
      playlists: gathered.playlists,
      collections: collected.collections,
      optimizedParts: optimizedParts.map(({ id, metadataItemId, file, sizeBytes }) => ({ metadataItemId, partId: id, file, sizeBytes })),
      artwork: [...generated, gathered, collected].flatMap((each) => each.artwork),
      localExtras: extras.local.map(({ id, guid, parts }) => ({ metadataItemId: id, guid, file: parts[0]?.file ?? '' })),
      cloudExtras: extras.cloud.map(({ id }) => id),
      sharedFiles: shows.sharedFiles,
      pathMentions,
    },
  };
}

/** How many of `items` each library gets; the sum is exact. */
export function shares(items: number): Readonly<Record<SectionKind, number>> {
  const part = (share: number): number => Math.floor(items * share);
  const counts = { movies: part(0.25), music: part(0.22), photos: part(0.08), clips: part(0.04), documentaries: part(0.04) };
  const others = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { ...counts, shows: items - others };
}

function createLabelledRandom(seed: number): (label: string) => Random {
  const streams = new Map<string, Random>();
  return (label) => {
    const known = streams.get(label);
    if (known !== undefined) return known;
    const stream = createRandom(seed, label);
    streams.set(label, stream);
    return stream;
  };
}

// Counted as they are written, so that the facts do not repeat a query that a test would check them with.
function countRows(rows: Rows): { rows: Rows; rowsByType(sectionId: number): Readonly<Record<string, number>> } {
  const counts = new Map<number, Record<string, number>>();
  return {
    rows: {
      run: (sql, ...cells) => rows.run(sql, ...cells),
      insert(table, cells) {
        const { library_section_id: section, metadata_type: type } = cells;
        if (table === 'metadata_items' && typeof section === 'number' && typeof type === 'number') {
          const own = counts.get(section) ?? {};
          own[type] = (own[type] ?? 0) + 1;
          counts.set(section, own);
        }
        return rows.insert(table, cells);
      },
    },
    rowsByType: (sectionId) => counts.get(sectionId) ?? {},
  };
}

function summary(section: Section, { items, rowsByType }: Pick<LibrarySummary, 'items' | 'rowsByType'>): LibrarySummary {
  const { kind, id, name, type, agent, scanner, uuid } = section;
  return { kind, id, name, type, agent, scanner, uuid, roots: section.locations.map(({ rootPath }) => rootPath), items, rowsByType };
}
