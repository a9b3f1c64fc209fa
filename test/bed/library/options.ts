import type { DatabaseSync } from 'node:sqlite';
import type { PlexSchema } from './schema.ts';

/** A schema that no server writes, and what fills the part of it that the library does not. */
export interface BeyondPlex {
  readonly schema: PlexSchema;
  readonly fill: (database: DatabaseSync) => void;
}

/** What a make-believe library is made from; equal options give equal bytes. */
export interface LibraryOptions {
  /** The "Plex Media Server" directory to create; it must not exist, or be empty. */
  readonly dataDirectory: string;
  /** The directory on disk that Plex sees as `mediaPath`; must not exist, or be empty. */
  readonly mediaDirectory: string;
  /** The directory on disk that Plex sees as `optimizedPath`; must not exist, or be empty. */
  readonly optimizedDirectory: string;
  /** Where the media lies as the databases have it; `/mnt/nas-plex` if not given. */
  readonly mediaPath?: string;
  /** Where optimized versions lie as the databases have it; `/mnt/nas-plex-optimized` if not given. */
  readonly optimizedPath?: string;
  /** How many movies, episodes, tracks, photos and clips, in all; at least 60, 300 if not given. */
  readonly items?: number;
  /** Chooses one of many libraries of the same shape; 1 if not given. */
  readonly seed?: number;
  /** The server's version, for instance `1.43.4.10718-1e3cb7a60`. */
  readonly version?: string;
  /** How many media files the databases know but the disk lacks; none if not given. */
  readonly missingMedia?: number;
  /** The server's name; if not given, the preference is absent and Plex uses the host's name. */
  readonly friendlyName?: string;
  /** A schema for the databases other than that of the version. */
  readonly beyond?: BeyondPlex;
}

/** The options with every default filled in, and paths without a final slash. */
export interface LibrarySettings {
  readonly dataDirectory: string;
  readonly mediaDirectory: string;
  readonly optimizedDirectory: string;
  readonly mediaPath: string;
  readonly optimizedPath: string;
  readonly items: number;
  readonly seed: number;
  readonly version: string;
  readonly missingMedia: number;
  readonly friendlyName: string | undefined;
  readonly beyond: BeyondPlex | undefined;
}

/** Fewer items than this leave no room for one of each of the things that a library can hold. */
export const fewestItems = 60;

/** Fills in the defaults; throws when a number makes no sense. */
export function settle(options: LibraryOptions): LibrarySettings {
  const { items = 300, seed = 1, missingMedia = 0 } = options;
  if (!Number.isSafeInteger(items) || items < fewestItems) {
    throw new Error(`Cannot make a library of ${items} items: at least ${fewestItems} are needed to hold one of everything`);
  }
  if (!Number.isSafeInteger(missingMedia) || missingMedia < 0 || missingMedia > items / 4) {
    throw new Error(`Cannot leave out ${missingMedia} media files of ${items} items: give a number from 0 to ${Math.floor(items / 4)}`);
  }
  return {
    dataDirectory: trimmed(options.dataDirectory),
    mediaDirectory: trimmed(options.mediaDirectory),
    optimizedDirectory: trimmed(options.optimizedDirectory),
    mediaPath: trimmed(options.mediaPath ?? '/mnt/nas-plex'),
    optimizedPath: trimmed(options.optimizedPath ?? '/mnt/nas-plex-optimized'),
    items,
    seed,
    version: options.version ?? '1.43.4.10718-1e3cb7a60',
    missingMedia,
    friendlyName: options.friendlyName,
    beyond: options.beyond,
  };
}

function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
