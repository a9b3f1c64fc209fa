import type { FileTree } from './fileTree.ts';
import type { MediaFiles } from './mediaFiles.ts';
import type { LibrarySettings } from './options.ts';
import type { Random } from './random.ts';
import type { Rows } from './rows.ts';
import type { Section, SectionKind } from './sections.ts';
import type { Tags } from './tags.ts';

/** What every generator of library contents works with. */
export interface Workshop {
  readonly settings: LibrarySettings;
  readonly rows: Rows;
  readonly media: MediaFiles;
  /** The data directory. */
  readonly data: FileTree;
  readonly sections: Readonly<Record<SectionKind, Section>>;
  readonly tags: Tags;
  /** Finds or adds the `directories` row of a path relative to its library's root. */
  directoryId(section: Section, relativePath: string): number;
  /** A stream of values of its own for each label. */
  random(label: string): Random;
}

/** A row of `metadata_items` that others may refer to. */
export interface Item {
  readonly id: number;
  readonly sectionId: number;
  /** `metadata_type`: 1 movie, 2 show, 3 season, 4 episode, 8 artist, 9 album, 10 track, 12 extra, 13 photo, 14 photo album. */
  readonly type: number;
  readonly guid: string;
  readonly title: string;
  readonly durationMs: number;
  readonly addedAt: number;
  /** For episodes and tracks: the show or the artist, and the season or the album. */
  readonly grandparent?: Item;
  readonly parent?: Item;
  /** Its number in its parent, from 1. */
  readonly index?: number;
  readonly parts: readonly Part[];
}

/** A row of `media_parts`. */
export interface Part {
  readonly id: number;
  readonly mediaItemId: number;
  /** The stored path. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly hash: string;
  readonly streams: readonly Stream[];
}

/** A row of `media_streams`. */
export interface Stream {
  readonly id: number;
  /** 1 video, 2 audio, 3 subtitle, 4 lyrics. */
  readonly type: number;
  readonly url: string | null;
}

/** Artwork on disk that an item refers to. */
export interface Artwork {
  readonly metadataItemId: number;
  /** As in `user_thumb_url`. */
  readonly url: string;
  /** Relative to the data directory; may be a symbolic link. */
  readonly path: string;
  /** A poster that a person uploaded, which no server can fetch again. */
  readonly custom: boolean;
}
