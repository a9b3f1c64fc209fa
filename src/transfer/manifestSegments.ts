import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { bytesOf, type BytePath, type Entry, type Owner } from './entry.ts';
import { inTransaction } from './manifestFile.ts';
import { noteTouched } from './manifestProof.ts';
import { numberIn } from './manifestRows.ts';
import { parentOf } from './plan.ts';
import type { Segment } from './segment.ts';

/** How sending a segment came out. */
export interface SegmentOutcome {
  /** `landed`: the receipt equals what was sent. Anything else proves nothing, and is kept for the record. */
  readonly outcome: 'landed' | 'unlike its list' | 'failed';
  readonly sha256Sent: string | null;
  readonly sha256Received: string | null;
  /** The boot of the node in which the receipt was made; null where there is none, or it cannot be told. */
  readonly boot: string | null;
  /** SHA-256 of each file as it was sent, in the order of the segment; null for links, directories, and files that were not sent. */
  readonly hashes: readonly (string | null)[];
  /** Positions that are not to count as proven although the segment landed: they changed while they were read. */
  readonly unproven: ReadonlySet<number>;
}

/** The part of a manifest that knows segments. */
export interface SegmentBook {
  /** Begins one try of a segment. From here on its entries may lie on the target, in whole or in part. */
  begin(options: { readonly tree: string; readonly entries: readonly Entry[]; readonly owner: Owner }): SegmentTry;
  /** Records how it came out; only `landed` makes its entries count as proven. */
  end(segmentTry: SegmentTry, outcome: SegmentOutcome): void;
}

/** One try of a segment. Each try of the same list has the same name, so that the far side can end what is left of an earlier one. */
export interface SegmentTry {
  readonly id: number;
  readonly tree: string;
  readonly segment: Segment;
}

/** The segments of a manifest's database. */
export function openSegments(database: DatabaseSync): SegmentBook {
  const insert = database.prepare(`
    INSERT INTO segments (name, tree, listing, entries, uid, gid, begun_at)
    VALUES (?, ?, (SELECT max(id) FROM listings WHERE tree = ?), ?, ?, ?, ?)`);
  // What lies between the first and the last of a segment that goes by the order of paths is sent now, or was before: all at once is cheaper
  // than one by one, where that is not most of a tree of which little changed. A directory without anything to send is among it, and is sent
  // later: thought to be there before, it costs nothing.
  const between = database.prepare('SELECT count(*) AS rows FROM (SELECT 1 FROM entries WHERE tree = ? AND path BETWEEN ? AND ? LIMIT ?)');
  const allBetweenMayBeThere = database.prepare(`
    UPDATE entries SET presence = 1, there = type WHERE tree = ? AND path BETWEEN ? AND ? AND presence = 0 AND listed AND type <> 'other'`);
  const leafMayBeThere = database.prepare(`UPDATE entries SET presence = 1, there = type WHERE tree = ? AND path = ? AND presence = 0`);
  const directoryMayBeThere = database.prepare(`UPDATE entries SET presence = 1, there = type WHERE tree = ? AND path = ? AND type = 'directory' AND presence = 0`);
  const finish = database.prepare('UPDATE segments SET outcome = ?, sha256_sent = ?, sha256_received = ?, boot = ?, ended_at = ? WHERE id = ?');
  const prove = database.prepare('UPDATE entries SET presence = 2, sha256 = ?, segment = ? WHERE tree = ? AND path = ?');

  /** Of leaves in path order. Tells which directories are marked with them. */
  function leavesMayBeThere(tree: string, leaves: readonly BytePath[]): (directory: BytePath) => boolean {
    const [first, last] = [leaves.at(0), leaves.at(-1)];
    if (first === undefined || last === undefined) return () => false;
    const rowsAtMost = leaves.length * rowsToALeaf;
    if (numberIn(between.get(tree, bytesOf(first), bytesOf(last), rowsAtMost + 1) ?? {}, 'rows') > rowsAtMost) {
      for (const path of leaves) leafMayBeThere.run(tree, bytesOf(path));
      return () => false;
    }
    allBetweenMayBeThere.run(tree, bytesOf(first), bytesOf(last));
    return (directory) => directory >= first && directory <= last;
  }

  return {
    begin({ tree, entries, owner }) {
      const segment: Segment = { name: `${tree}-${digestOfList(entries, owner).slice(0, 24)}`, entries, owner };
      return inTransaction(database, () => {
        const id = Number(insert.run(segment.name, tree, tree, entries.length, owner.uid, owner.gid, new Date().toISOString()).lastInsertRowid);
        noteTouched(database, entries.map(({ path }) => path));
        const isMarked = leavesMayBeThere(tree, entries.filter(({ type }) => type !== 'directory').map(({ path }) => path).toSorted());
        for (const path of directoriesIn(entries)) if (!isMarked(path)) directoryMayBeThere.run(tree, bytesOf(path));
        return { id, tree, segment };
      });
    },
    end({ id, tree, segment }, { outcome, sha256Sent, sha256Received, boot, hashes, unproven }) {
      inTransaction(database, () => {
        finish.run(outcome, sha256Sent, sha256Received, boot, new Date().toISOString(), id);
        if (outcome !== 'landed') return;
        for (const [position, { path }] of segment.entries.entries()) {
          if (!unproven.has(position)) prove.run(hashes[position] ?? null, id, tree, bytesOf(path));
        }
      });
    },
  };
}

/** In a first copy two or three rows lie between one leaf and the next: their directories. */
const rowsToALeaf = 8;

/** SHA-256 over the owner and every member of a list, in order. */
function digestOfList(entries: readonly Entry[], owner: Owner): string {
  const hash = createHash('sha256').update(`${owner.uid}:${owner.gid}\0`);
  for (const { path, type, sizeBytes, modifiedAtSeconds, changedAt, mode, linkTarget } of entries) {
    hash.update(`${[path, type, sizeBytes, modifiedAtSeconds, changedAt, mode, linkTarget ?? ''].join('\0')}\0`, 'latin1');
  }
  return hash.digest('hex');
}

/** All directories that are in a list or above an entry of it: extraction makes those that are missing. */
function directoriesIn(entries: readonly Entry[]): ReadonlySet<BytePath> {
  const directories = new Set<BytePath>();
  for (const { path, type } of entries) {
    if (type === 'directory') directories.add(path);
    for (let parent = parentOf(path); parent !== null && !directories.has(parent); parent = parentOf(parent)) directories.add(parent);
  }
  return directories;
}
