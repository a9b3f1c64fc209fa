import type { Entry, Owner } from './entry.ts';

/** A bounded, ordered batch of entries sent as one tar stream. Its name is unique in the run and never used for another list. */
export interface Segment {
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly owner: Owner;
}

/** What was made again from what lies on the volume: the digest of the same tar, built there from the same list. */
export interface Receipt {
  readonly segment: string;
  /** SHA-256 in lower-case hex of the re-made tar. */
  readonly sha256: string;
  /** The boot of the node in which it was made; null where that cannot be told. What one boot read from memory may have never reached the disk. */
  readonly boot: string | null;
}
