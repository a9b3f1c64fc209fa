import type { Machine } from '../machines/machine.ts';
import type { FileGuids } from '../plex/pathColumns.ts';
import type { PathMapping } from '../plex/pathMapping.ts';
import type { Ask } from '../runner/ask.ts';
import type { PathPair, RunEvent } from '../runner/events.ts';
import type { Step } from '../runner/step.ts';
import type { Json } from '../runner/json.ts';
import type { Source } from '../sources/source.ts';
import type { Target } from '../targets/target.ts';
import type { ListingAhead } from '../transfer/listingAhead.ts';
import type { Manifest } from '../transfer/manifest.ts';
import type { RunDirectory } from './runDirectory.ts';

/** What the steps of a migration may use. Each step asks for the slice it needs with `Pick`. Read-only: a step's only output is its result. */
export interface Migration {
  /** Names this run on the volume, e.g. `20261123t181500-4f2a`. */
  readonly run: string;
  /** Every run of this run directory, `run` among them: what is to be taken back or removed may be a former one's. */
  readonly runs: readonly string[];
  readonly source: Source;
  readonly target: Target;
  /** This computer. */
  readonly here: Machine;
  readonly pairs: readonly PathPair[];
  readonly mapping: PathMapping;
  /** Whether `file://` identifiers are mapped too. */
  readonly fileGuids: FileGuids;
  readonly directory: RunDirectory;
  /** True where the source goes on serving and the target is only a directory to look at. */
  readonly rehearsal: boolean;
  /** The most that is copied a second while the source serves, in bytes; null for no limit. */
  readonly limitBytesPerSecond: number | null;
  /** Opened on first use, closed when the command ends. */
  readonly manifest: () => Manifest;
  /** Of the bulk, once the source is at rest; ended when the command ends. */
  readonly listingAhead: ListingAhead;
  readonly ask: Ask;
  /** Names of failed checks that a person accepts. */
  readonly accepted: ReadonlySet<string>;
  readonly record: (event: RunEvent) => void;
}

/** A step of a migration that uses these members of it. */
export type MigrationStep<Needs extends keyof Migration, Result extends Json> = Step<Pick<Migration, Needs>, Result>;
