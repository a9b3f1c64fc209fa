import type { DatabaseSync } from 'node:sqlite';
import { bytesOf, textOf, type BytePath, type Entry, type Owner } from './entry.ts';
import { isProven, openLandingRecord, type LandingRecord, type ProofScope } from './landingRecord.ts';
import { openOtherBoots, type OtherBoots } from './manifestBoots.ts';
import { openDelta, type Delta } from './manifestDelta.ts';
import { openManifestFile } from './manifestFile.ts';
import { openListings, type ListingBook, type TreeName } from './manifestListings.ts';
import { openWholeProof, type Circumstances, type WholeProof } from './manifestProof.ts';
import { entryColumns, entryOf, numberIn, pathIn } from './manifestRows.ts';
import { openSegments, type SegmentBook } from './manifestSegments.ts';

/** What is in a tree according to its latest complete listing; bytes are those of files. */
export interface Totals {
  readonly entries: number;
  readonly bytes: number;
  /** Those a receipt has proven as they were listed. */
  readonly provenEntries: number;
  readonly provenBytes: number;
}

/**
 * What was listed, sent and proven, per entry; it decides which files are sent. Every call is one transaction, or begins where it
 * was cut off: it can be killed at any time. Nothing is deleted: what is gone from the source stays, marked by its old listing.
 */
export interface Manifest extends ListingBook {
  /** What has to be sent and removed after the latest listing of a tree. Throws (a bug) while that is unfinished. */
  delta(tree: TreeName, owner: Owner): Delta;
  /** What only receipts of other boots than this one prove, after the latest listing of a tree. Throws (a bug) while that is unfinished. */
  otherBoots(tree: TreeName, now: Circumstances): OtherBoots;
  readonly segments: SegmentBook;
  totals(tree: TreeName): Totals;
  /** Paths, as ordinary text, of the files with this SHA-256 (hex) that a receipt has proven. */
  pathsWithDigest(sha256: string): readonly string[];
  /** What of the bulk the latest listing has with these bytes in its path. Goes through all of it. */
  listedBelow(part: BytePath): readonly Entry[];
  /** How many entries of a tree's latest complete listing no receipt proves as they were listed, for this owner and in this boot of the node; and how many may be there that were not listed. */
  unproven(tree: TreeName, now: Circumstances): number;
  /** Begins a comparison of what lies in the landing area, or in some directories of it, with what was listed. Throws `failed` where a listing is missing or unfinished. */
  beginProof(scope: ProofScope): LandingRecord;
  readonly wholeProof: WholeProof;
  close(): void;
}

/** Opens a manifest, making it where no such file exists. Throws `failed` for anything that is there and is no readable manifest. */
export function openManifest(file: string): Manifest {
  const database = openManifestFile(file);
  return {
    ...openListings(database),
    delta(tree, owner) {
      latestListing(database, tree);
      return openDelta(database, { tree, owner });
    },
    otherBoots: (tree, now) => openOtherBoots(database, { tree, ...now, listing: latestListing(database, tree) }),
    segments: openSegments(database),
    totals: (tree) => totalsOf(database, tree),
    pathsWithDigest(sha256) {
      const rows = database.prepare('SELECT path FROM entries WHERE sha256 = ? AND presence = 2 ORDER BY path').all(sha256);
      return rows.map((row) => textOf(pathIn(row, 'path')));
    },
    listedBelow(part) {
      const rows = database.prepare(`SELECT ${entryColumns} FROM entries WHERE tree = 'bulk' AND listed AND instr(path, ?) > 0 ORDER BY path`).all(bytesOf(part));
      return rows.map(entryOf);
    },
    unproven: (tree, now) => unprovenIn(database, { tree, ...now }),
    beginProof: (scope) => openLandingRecord(database, scope),
    wholeProof: openWholeProof(database),
    close: () => database.close(),
  };
}

function latestListing(database: DatabaseSync, tree: TreeName): number {
  const row = database.prepare('SELECT id, finished_at FROM listings WHERE tree = ? ORDER BY id DESC LIMIT 1').get(tree);
  if (row === undefined || row['finished_at'] === null) throw new Error(`The ${tree} has no complete listing to compare with`);
  return numberIn(row, 'id');
}

function unprovenIn(database: DatabaseSync, { tree, owner, boot }: { readonly tree: TreeName; readonly owner: Owner; readonly boot: string | null }): number {
  latestListing(database, tree);
  const row = database
    .prepare(`
      SELECT count(*) AS entries FROM entries AS e LEFT JOIN segments AS s ON s.id = e.segment
      WHERE e.tree = :tree AND ((e.listed AND e.type <> 'other' AND NOT (${isProven})) OR (NOT e.listed AND e.presence > 0))`)
    .get({ tree, uid: owner.uid, gid: owner.gid, boot });
  if (row === undefined) throw new Error('Counting the manifest gave no row');
  return numberIn(row, 'entries');
}

function totalsOf(database: DatabaseSync, tree: TreeName): Totals {
  const row = database
    .prepare(`
      SELECT count(*) AS entries, coalesce(sum(CASE WHEN type = 'file' THEN size END), 0) AS bytes,
        coalesce(sum(presence = 2), 0) AS provenEntries, coalesce(sum(CASE WHEN type = 'file' AND presence = 2 THEN size END), 0) AS provenBytes
      FROM entries
      WHERE tree = ? AND type <> 'other' AND listed`)
    .get(tree);
  if (row === undefined) throw new Error('Counting the manifest gave no row');
  return {
    entries: numberIn(row, 'entries'),
    bytes: numberIn(row, 'bytes'),
    provenEntries: numberIn(row, 'provenEntries'),
    provenBytes: numberIn(row, 'provenBytes'),
  };
}
