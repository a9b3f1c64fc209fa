/** How many there are of everything that grows with the library. `first…` are the ids of the first of each kind in `metadata_items`. */
export interface Counts {
  readonly parts: number;
  readonly films: number;
  readonly shows: number;
  readonly seasons: number;
  readonly episodes: number;
  readonly artists: number;
  readonly albums: number;
  readonly tracks: number;
  readonly clips: number;
  readonly optimized: number;
  readonly firstShow: number;
  readonly firstSeason: number;
  readonly firstEpisode: number;
  readonly firstArtist: number;
  readonly firstAlbum: number;
  readonly firstTrack: number;
  readonly firstClip: number;
  readonly items: number;
}

/** Divides the parts: a fifth films, three fifths episodes, the rest music, trailers without a file and optimized versions of films. */
export function countsOf(parts: number): Counts {
  const [films, tracks, clips, optimized] = [0.2, 0.14, 0.05, 0.01].map((share) => Math.floor(parts * share)) as [number, number, number, number];
  const episodes = parts - films - tracks - clips - optimized;
  const [shows, seasons, artists, albums] = [episodes / 50, episodes / 10, tracks / 60, tracks / 12].map(Math.ceil) as [number, number, number, number];
  const firstShow = 1 + films;
  const firstSeason = firstShow + shows;
  const firstEpisode = firstSeason + seasons;
  const firstArtist = firstEpisode + episodes;
  const firstAlbum = firstArtist + artists;
  const firstTrack = firstAlbum + albums;
  const firstClip = firstTrack + tracks;
  const starts = { firstShow, firstSeason, firstEpisode, firstArtist, firstAlbum, firstTrack, firstClip };
  return { parts, films, shows, seasons, episodes, artists, albums, tracks, clips, optimized, ...starts, items: firstClip + clips - 1 };
}
