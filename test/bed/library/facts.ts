import type { SectionKind } from './sections.ts';
import type { Gathering } from './playlists.ts';
import type { OnDeckEntry } from './watchState.ts';
import type { Artwork } from './workshop.ts';

/** One library of the make-believe server. */
export interface LibrarySummary {
  readonly kind: SectionKind;
  readonly id: number;
  readonly name: string;
  readonly type: number;
  readonly agent: string;
  readonly scanner: string;
  readonly uuid: string;
  /** The roots as stored. */
  readonly roots: readonly string[];
  /** Movies, episodes, tracks, photos or clips. */
  readonly items: number;
  /** Rows of `metadata_items` by `metadata_type`, extras and collections included. */
  readonly rowsByType: Readonly<Record<string, number>>;
}

/** A cell with a path in the middle of other text. */
export interface PathMention {
  readonly table: string;
  readonly column: string;
  readonly rowid: number;
  /** Whether the path is percent-encoded as well, as `extra_data` does it. */
  readonly encoded: boolean;
}

/** What is in the library's database, and the artwork that belongs to it. */
export interface ContentsFacts {
  readonly libraries: readonly LibrarySummary[];
  /** Accounts without the blank one; the owner comes first. */
  readonly users: readonly { readonly id: number; readonly name: string }[];
  readonly onDeck: readonly OnDeckEntry[];
  readonly playlists: readonly Gathering[];
  readonly collections: readonly Gathering[];
  readonly optimizedParts: readonly { readonly metadataItemId: number; readonly partId: number; readonly file: string; readonly sizeBytes: number }[];
  readonly artwork: readonly Artwork[];
  /** Local extras, whose guid is a `file://` URL. */
  readonly localExtras: readonly { readonly metadataItemId: number; readonly guid: string; readonly file: string }[];
  readonly cloudExtras: readonly number[];
  /** Stored paths of files that two episodes share. */
  readonly sharedFiles: readonly string[];
  /** Cells that mention a root where no server looks for a path: to be reported, never rewritten. */
  readonly pathMentions: readonly PathMention[];
}

/** What a test may want to know of a library that was made. */
export interface LibraryFacts extends ContentsFacts {
  readonly dataDirectory: string;
  readonly mediaDirectory: string;
  readonly optimizedDirectory: string;
  readonly mediaPath: string;
  readonly optimizedPath: string;
  readonly version: string;
  readonly newestMigration: string;
  readonly friendlyName: string | undefined;
  readonly machineIdentifier: string;
  readonly processedMachineIdentifier: string;
  readonly anonymousMachineIdentifier: string;
  readonly certificateUuid: string;
  readonly token: string;
  /** Every setting in Preferences.xml, unescaped. */
  readonly preferences: Readonly<Record<string, string>>;
  readonly thirdPartyAgent: string;
  /** Stored paths that the databases hold and the disk lacks. */
  readonly missingMedia: readonly string[];
  /** All databases, dated ones included, relative to the data directory. */
  readonly databases: readonly string[];
}
