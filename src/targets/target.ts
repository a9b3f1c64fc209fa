import type { Readable } from 'node:stream';
import type { Check, Finding } from '../runner/check.ts';
import type { JsonObject } from '../runner/json.ts';
import type { ServerConnection } from '../server/connection.ts';
import type { BytePath, Entry, Owner } from '../transfer/entry.ts';
import type { Receipt, Segment } from '../transfer/segment.ts';

/** A library that is already on the target. */
export type ExistingLibrary = {
  readonly present: boolean;
  readonly machineIdentifier: string | null;
  readonly sizeBytes: number | null;
};

/** Room on the volume; null where it could not be told. */
export type Room = {
  readonly freeBytes: number;
  readonly freeInodes: number;
  readonly fileSystem: string;
};

/** The target as it is. `before` holds whatever that kind needs to put things back, and is opaque to everyone else. */
export type TargetFacts = {
  readonly kind: string;
  readonly name: string;
  /** The exact version the target's server will have, e.g. from the release's image tag; null where the kind has no server. */
  readonly version: string | null;
  readonly owner: Owner;
  readonly existingLibrary: ExistingLibrary;
  readonly room: Room | null;
  /** Where media are mounted, e.g. `/media/library`; null where the kind does not mount anything (any path may exist). */
  readonly mounts: readonly string[] | null;
  /** The zone in which the server's clock runs, e.g. `Europe/Berlin`; null where the kind has no server, or nobody knows the rules of its zone. */
  readonly timeZone: string | null;
  /** How much memory the server may take; null where nothing limits it. */
  readonly memoryLimitBytes: number | null;
  readonly before: JsonObject;
};

/** What opening needs to know. */
export interface OpenRequest {
  readonly run: string;
  /** The server version the release shall be pinned to; null to leave it. */
  readonly version: string | null;
  readonly before: TargetFacts;
  /** Called when the server is held back and the volume can be worked on, before anything of the run is put there; what it throws ends the opening. */
  readonly whenHeld?: () => Promise<void>;
}

/** A media file as the target's server will see it. */
export type MediaFinding = {
  readonly path: string;
  readonly status: 'present' | 'missing' | 'unreadable';
  readonly sizeBytes: number | null;
};

/** A mount as seen where Plex will run. */
export type MountFinding = {
  readonly path: string;
  /** `answers`: listed within the time-out, not empty. `unreadable`: Plex's user may not, or it fails. */
  readonly status: 'answers' | 'absent' | 'empty' | 'unreadable' | 'hangs' | 'not a mount';
  readonly detail: string;
  /** Mount points below it: each shows a share of its own, and can be away by itself. */
  readonly mountPointsBelow: readonly string[];
};

/** A media file whose presence, by size, tells that a mount is the real one. */
export type Sentinel = {
  readonly mount: string;
  readonly path: string;
  readonly sizeBytes: number;
};

/** What publish must know: which run, and what may happen to a library that is there already. */
export type Seal = {
  readonly run: string;
  readonly existingLibrary: 'none' | 'set aside';
  readonly sentinels: readonly Sentinel[];
};

/** What became of one thing that was tried on the volume; null where it went as it should. */
export type VolumeTrial = {
  /** `whole`: nothing is mounted at the library or in it. `rename`: a directory is renamed and not copied. `replace`: a name is never missing while it is replaced. `owner`: what arrives can be Plex's user's. */
  readonly tried: 'whole' | 'rename' | 'replace' | 'owner';
  readonly fault: string | null;
};

/** Something that lies on the volume beside the library. */
export type Leftover = {
  readonly what: string;
  readonly path: string;
  /** Null where it could not be told in a minute. */
  readonly sizeBytes: number | null;
  /** The command that removes it, as a person types it. */
  readonly remove: string;
};

/** How far the target's volume is, as told by the volume itself. */
export type GateState = {
  readonly phase: 'none' | 'landing' | 'publishing' | 'published' | 'withdrawn' | 'finished';
  readonly run: string | null;
};

/** What going back, and ending that way, has to know: whose work may be touched (the runs of one run directory), and how the target was before. */
export type WayBack = { readonly runs: readonly string[]; readonly before: TargetFacts };

/**
 * Where a library goes. Everything that arrives does so in a landing area; only `publish` makes it the library, by renames, and an
 * existing library is set aside, never overwritten. What arrived is what is read back, in a call of its own.
 */
export interface Target {
  readonly kind: string;
  readonly name: string;
  readonly checks: readonly Check[];
  /** Claims that can be tested only where its server is held back; for `whenHeld`. */
  readonly checksWhenHeld: readonly Check[];
  describe(): Promise<TargetFacts>;
  /** Takes bytes where the volume is and throws them away, so that the way there can be measured; absent where there is no way to speak of. */
  drop?(bytes: Readable): Promise<void>;
  /** Makes the landing area reachable and holds Plex back; safe to repeat, also after a restart of the other side. Returns sentences for the record. */
  open(request: OpenRequest): Promise<readonly string[]>;
  /** How far the volume is; works only while open. */
  state(): Promise<GateState>;
  room(): Promise<Room>;
  mounts(paths: readonly string[]): Promise<readonly MountFinding[]>;
  /** Extracts one segment into the landing area. That it returns says nothing about what arrived: its receipt does, or, where it gives back null, `receiptOf`. */
  receive(segment: Segment, tar: Readable): Promise<Receipt | null>;
  /** Tells this boot of the node that holds the volume from every other; null where it cannot. */
  bootId(): Promise<string | null>;
  /** The receipt of a segment, made from what lies on the volume; null where there is none. */
  receiptOf(segment: Segment): Promise<Receipt | null>;
  /** Removes entries from the landing area; those that are not there are no error. */
  remove(paths: readonly BytePath[]): Promise<void>;
  /** The landing area, read back; or only what is in these directories of it, and at its top. `changedAt` is that of the volume. */
  landed(directories?: readonly BytePath[]): AsyncIterable<Entry>;
  /** SHA-256 of the whole listing of the landing area, in the form of `expectedDigest`; the time of the named directories is left out. */
  landedDigest(withoutTime: readonly BytePath[]): Promise<string>;
  /** SHA-256 of files in the landing area, read back from there. Missing files are absent from the result. */
  digestsOf(paths: readonly BytePath[]): Promise<ReadonlyMap<BytePath, string>>;
  lookUp(paths: readonly string[]): AsyncIterable<MediaFinding>;
  /** Size and SHA-256 of the first bytes of a media file as the target sees it; null when missing. */
  sampleMedia(path: string, firstBytes: number): Promise<{ readonly sizeBytes: number; readonly sha256: string } | null>;
  /** Plex's own SQLite on copies of the landed databases, as Plex's user; `skip` where the kind has none. */
  checkDatabases(paths: readonly string[]): Promise<readonly { readonly path: string; readonly finding: Finding }[]>;
  /** Keeps a copy of the journal beside the landing area. */
  keepJournal(journal: Uint8Array): Promise<void>;
  publish(seal: Seal): Promise<void>;
  /** The running server after publish; null where the kind has none. Waits until it answers, at most `timeoutMs`. */
  connect(options: { readonly timeoutMs: number; readonly runs: readonly string[] }): Promise<ServerConnection | null>;
  /** The identity that the server tells at this moment; null while none runs. Throws where one runs and does not tell it. */
  serving(): Promise<string | null>;
  /** What of plexlift's, and which libraries put aside, lie on the volume, with the commands that remove them. */
  leftovers(): Promise<readonly Leftover[]>;
  /** Stops the server, lets `edit` change Preferences.xml's bytes, and starts it again. */
  editPreferences(edit: (bytes: Buffer) => Buffer): Promise<void>;
  /**
   * Undoes publish: the library is withdrawn (renamed, never deleted), one that was set aside comes back. Safe to repeat. Returns
   * sentences for the record, the same when it is repeated; none where nothing had become the library, and the landing area is intact.
   * Refuses a library that another run published.
   */
  withdraw(back: WayBack): Promise<readonly string[]>;
  /** Puts the target back as `before` says, with its former server running if one ran. Safe to repeat. */
  restore(before: TargetFacts): Promise<readonly string[]>;
  /** Takes away what a run that is over needs no more (gate, landing area); every library stays, and so does what is another run's. Safe to repeat. Returns sentences for the record. */
  finish(over: WayBack): Promise<readonly string[]>;
  close(): Promise<void>;
}
