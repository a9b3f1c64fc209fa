import type { Tree } from '../transfer/entry.ts';
import type { Check } from '../runner/check.ts';
import type { ServerConnection } from '../server/connection.ts';

/** How the source's Plex is kept running, where something keeps it. Recorded before anything changes; undo relies on it. */
export type ServiceFacts = {
  readonly unit: string;
  readonly user: string;
  readonly group: string;
  readonly activeState: string;
  /** `enabled`, `disabled`, `masked` …, as `systemctl is-enabled` prints it. */
  readonly enabledState: string;
  readonly fragmentPath: string;
  readonly dropInPaths: readonly string[];
};

/** The source as it is. Everything here is JSON, for the journal. */
export type SourceFacts = {
  readonly kind: string;
  readonly name: string;
  /** Absolute path of the "Plex Media Server" directory, links resolved. */
  readonly dataDirectory: string;
  /** The exact server version, e.g. `1.43.4.10718-1e3cb7a60`; null where nothing tells it. */
  readonly version: string | null;
  readonly versionFrom: string;
  readonly running: boolean;
  readonly service: ServiceFacts | null;
  readonly machineIdentifier: string | null;
  readonly processedMachineIdentifier: string | null;
  readonly friendlyName: string | null;
  readonly hostName: string;
  /** Size of the data directory without what is left behind, in bytes and entries. */
  readonly bulkBytes: number;
  readonly bulkEntries: number;
  readonly databaseBytes: number;
  readonly scratchFreeBytes: number;
  readonly clockSkewSeconds: number;
  /** The zone in which its clock runs, e.g. `Europe/Berlin`; null where that is not known. */
  readonly timeZone: string | null;
  /** What its processes have taken of memory at their peak, in sum; null while none runs. */
  readonly memoryPeakBytes: number | null;
  readonly tools: Readonly<Record<string, string>>;
};

/** One file of a catalogue as it was taken. */
export type SnapshotFile = {
  /** Relative to the data directory, e.g. `Plug-in Support/Databases/com.plexapp.plugins.library.db`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** As computed on the source, and found equal here. */
  readonly sha256: string;
};

/** A database that could not be copied page by page. */
export type DamagedDatabase = {
  /** Relative to the data directory. */
  readonly path: string;
  /** What SQLite, or the system, says of it: `file is not a database`. */
  readonly message: string;
};

/** A catalogue taken into a directory here, laid out as in the data directory. */
export type Snapshot = {
  /** `online`: page-level copies made while the server runs. `files`: the raw files with their WAL, server stopped. */
  readonly method: 'online' | 'files';
  readonly takenAt: string;
  readonly files: readonly SnapshotFile[];
  /**
   * Databases that SQLite on the source could not read (only `online` looks); what lies here under their names, and beside them, are the
   * raw files, to be examined. Whoever gets a snapshot with any must refuse it.
   */
  readonly damaged: readonly DamagedDatabase[];
};

/** Who is using the source right now. */
export type Activity = {
  /** False where the server could not be asked; `streams` is then empty and `reason` says why. */
  readonly known: boolean;
  readonly reason?: string;
  readonly streams: readonly { readonly user: string; readonly title: string; readonly player: string; readonly transcoding: boolean }[];
  readonly backgroundJobs: readonly string[];
};

/** What stopping found: processes are gone, and which write-ahead logs stayed behind. */
export type StopEvidence = {
  readonly processesGone: boolean;
  readonly remainingWalFiles: readonly string[];
  readonly durationMs: number;
};

/**
 * Where a library comes from. It offers no method that could write to it: all it can change is whether Plex runs (and whether it may
 * start by itself). Scratch files lie outside Plex's directories and are removed.
 */
export interface Source {
  /** `systemd`, `directory`, or `absent`: its machine cannot be reached. */
  readonly kind: string;
  readonly name: string;
  /** Claims about this kind of source; they close over it. */
  readonly checks: readonly Check[];
  describe(): Promise<SourceFacts>;
  /** The data directory: list() and read() work while Plex runs. */
  readonly tree: Tree;
  /** The same, listed and read by processes that give way to everything else on that machine: for as long as Plex serves there. */
  readonly treeWhileServing: Tree;
  /** Every database of the Databases directory (dated backups too) and Preferences.xml, into `directory` (must exist, may hold an earlier try). */
  takeCatalogue(directory: string, options: { readonly method: Snapshot['method']; readonly signal?: AbortSignal }): Promise<Snapshot>;
  activity(): Promise<Activity>;
  /** True while a server, or a child of one, runs; observed by processes, not by the unit's state. */
  isRunning(): Promise<boolean>;
  /** The same catalogue files as now on the source: path, size and SHA-256; proves that nothing changed since they were taken. */
  fingerprintCatalogue(): Promise<readonly SnapshotFile[]>;
  /** Runs the source's own "Plex SQLite" integrity check on a copy taken earlier; null where there is none. */
  checkWithOwnSqlite(file: string): Promise<readonly string[] | null>;
  /** Stops Plex and proves it; safe to repeat. */
  stop(): Promise<StopEvidence>;
  /** Keeps Plex from starting by itself (survives a reboot); safe to repeat. */
  keepStopped(): Promise<void>;
  /** True where nothing starts Plex by itself: `keepStopped` was done and still holds. */
  isKeptStopped(): Promise<boolean>;
  /** Takes back `keepStopped` and starts Plex if it ran when `before` was recorded; proves that it answers. Safe to repeat. */
  restore(before: SourceFacts): Promise<void>;
  /** The server's HTTP API as reached from here; null where this kind has none or none runs. */
  connect(): Promise<ServerConnection | null>;
  /** Size and SHA-256 of a media file as the source sees it, or null when it is missing there; reads at most `firstBytes`. */
  sampleMedia(path: string, firstBytes: number): Promise<{ readonly sizeBytes: number; readonly sha256: string } | null>;
  /** Ends connections. */
  close(): Promise<void>;
}
