/** What the numbers in `metadata_items.metadata_type` mean, as the counts of a library name them. */
export const metadataTypes: Readonly<Record<number, string>> = {
  1: 'movie',
  2: 'show',
  3: 'season',
  4: 'episode',
  8: 'artist',
  9: 'album',
  10: 'track',
  12: 'extra',
  13: 'photo',
  14: 'photo album',
  15: 'playlist',
  18: 'collection',
  42: 'optimizer list',
};

/** What the numbers in `library_sections.section_type` mean. */
export const sectionTypes: Readonly<Record<number, string>> = { 1: 'movies', 2: 'shows', 8: 'music', 13: 'photos' };

/** `metadata_items.metadata_type` of a playlist. */
export const playlistType = 15;

/** `metadata_items.metadata_type` of a collection. */
export const collectionType = 18;

/** `media_items.proxy_type` of an optimized version. */
export const optimizedProxyType = 42;
