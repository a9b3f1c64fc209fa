import { extraData } from './plexText.ts';
import { daysBefore } from './moments.ts';
import type { Random } from './random.ts';
import type { LibrarySettings } from './options.ts';
import type { Rows } from './rows.ts';

/** The third-party agent that one library uses; its plug-in bundle lies below `Plug-ins/`. */
export const thirdPartyAgent = 'com.plexapp.agents.example';

/** A root directory of a library. */
export interface Location {
  readonly id: number;
  readonly rootPath: string;
}

/** What a library is for; one generator exists for each. */
export type SectionKind = 'movies' | 'shows' | 'music' | 'photos' | 'clips' | 'documentaries';

/** A library, as `library_sections` and `section_locations` have it. */
export interface Section {
  readonly kind: SectionKind;
  readonly id: number;
  readonly name: string;
  /** `section_type`: 1 movies and clips, 2 shows, 8 music, 13 photos. */
  readonly type: number;
  readonly agent: string;
  readonly scanner: string;
  readonly uuid: string;
  readonly locations: readonly [Location, ...Location[]];
}

interface Draft extends Omit<Section, 'uuid' | 'locations'> {
  readonly roots: readonly [string, ...string[]];
}

/** Writes the six libraries and their roots, and returns them by kind. */
export function addSections(rows: Rows, { settings, random }: { settings: LibrarySettings; random: Random }): Record<SectionKind, Section> {
  const { mediaPath, optimizedPath } = settings;
  const add = (draft: Draft): Section => addSection(rows, { draft, random });
  // Id 3 is missing: a library that was deleted years ago.
  return {
    movies: add({
      kind: 'movies', id: 1, name: 'Movies', type: 1,
      agent: 'tv.plex.agents.movie', scanner: 'Plex Movie', roots: [`${mediaPath}/Movies`, optimizedPath],
    }),
    shows: add({
      kind: 'shows', id: 2, name: 'TV shows', type: 2,
      agent: 'tv.plex.agents.series', scanner: 'Plex TV Series', roots: [`${mediaPath}/TV Shows`, `${mediaPath}/TV Shows (Kids)`],
    }),
    music: add({ kind: 'music', id: 4, name: 'Music', type: 8, agent: 'tv.plex.agents.music', scanner: 'Plex Music', roots: [`${mediaPath}/Music`] }),
    photos: add({
      kind: 'photos', id: 5, name: 'Photos', type: 13,
      agent: 'com.plexapp.agents.none', scanner: 'Plex Photo Scanner', roots: [`${mediaPath}/Photos & Scans`],
    }),
    clips: add({
      kind: 'clips', id: 6, name: 'Other Videos', type: 1,
      agent: 'com.plexapp.agents.none', scanner: 'Plex Video Files Scanner', roots: [`${mediaPath}/Other Videos`],
    }),
    documentaries: add({
      kind: 'documentaries', id: 8, name: 'Dokumentärfilme', type: 1,
      agent: thirdPartyAgent, scanner: 'Plex Movie Scanner', roots: [`${mediaPath}/Dokumentärfilme`],
    }),
  };
}

function addSection(rows: Rows, { draft, random }: { draft: Draft; random: Random }): Section {
  const uuid = random.uuid();
  const createdAt = daysBefore(random.integer(2000, 3600));
  rows.insert('library_sections', {
    id: draft.id, library_id: 1, name: draft.name, name_sort: draft.name, section_type: draft.type, language: draft.agent.endsWith('none') ? 'xn' : 'en-US',
    agent: draft.agent, scanner: draft.scanner, user_thumb_url: '', user_art_url: '', user_theme_music_url: '', public: false, created_at: createdAt,
    updated_at: daysBefore(30), scanned_at: daysBefore(0.1), display_secondary_level: false,
    user_fields: extraData({ 'pr:enableBIFGeneration': '1', 'pr:hidden': '0', 'pr:collectionMode': '2' }), query_xml: '', uuid,
    changed_at: random.integer(10_000, 90_000), content_changed_at: random.integer(100_000, 900_000),
  });
  const [first, ...others] = draft.roots;
  const locate = (rootPath: string): Location => ({
    id: rows.insert('section_locations', {
      library_section_id: draft.id, root_path: rootPath, scanned_at: daysBefore(0.1), created_at: createdAt, updated_at: daysBefore(0.1),
    }),
    rootPath,
  });
  const { kind, id, name, type, agent, scanner } = draft;
  return { kind, id, name, type, agent, scanner, uuid, locations: [locate(first), ...others.map(locate)] };
}
