import { PlexliftError } from '../errors.ts';
import { textOf, type BytePath, type Entry, type Tree } from './entry.ts';
import { placeOf } from './leftBehind.ts';
import type { TreeName } from './manifestListings.ts';
import { contentBytes } from './plan.ts';
import { sampler, type Sample } from './sample.ts';

/** Something that was left behind, with what it would have added. */
export type LeftBehindCount = { readonly path: string; readonly reason: string; readonly entries: number; readonly sizeBytes: number };

/** What a listing found beside the entries that it recorded. */
export type ListingSummary = {
  /** What moves; sockets, pipes and devices are not among it. */
  readonly entries: number;
  readonly bytes: number;
  readonly leftBehind: readonly LeftBehindCount[];
  /** Symbolic links that lead out of the data directory, or are absolute: sent as the links they are, so they may lead nowhere on the target. */
  readonly leavingLinks: Sample;
  /** Sockets, pipes and devices: never sent. */
  readonly skippedOther: Sample;
};

/** What a listing comes to while its entries pass by. */
export interface ListingFindings {
  /** Looks at an entry. Throws `failed` for a file that should not be there, and for a path that is none below the root. */
  look(entry: Entry): Look;
  /** Counts entries of which there is nothing to say but that they move. */
  count(moving: { readonly entries: number; readonly bytes: number }): void;
  summary(): ListingSummary;
}

/** What there is to an entry. */
export interface Look {
  /** True where it belongs to the tree, and is recorded. */
  readonly isRecorded: boolean;
  /** True where it has to be looked at each time, since a record of it does not say all. */
  readonly isRemarkable: boolean;
}

const ordinary: Look = { isRecorded: true, isRemarkable: false };

/** Names kept of each kind, for people. */
const namesKept = 100;

/** Begins to look at a listing of a tree. */
export function listingFindings(tree: Pick<Tree, 'name'>, treeName: TreeName): ListingFindings {
  const leavingLinks = sampler(namesKept);
  const skippedOther = sampler(namesKept);
  const leftBehind = new Map<BytePath, LeftBehindCount>();
  let entries = 0;
  let bytes = 0;

  return {
    look(entry) {
      refuseStrangePath(entry.path, tree.name);
      const place = placeOf(entry.path);
      if (place.kind === 'left behind' && treeName === 'bulk') {
        const before = leftBehind.get(place.entry);
        leftBehind.set(place.entry, {
          path: textOf(place.entry),
          reason: place.reason,
          entries: (before?.entries ?? 0) + 1,
          sizeBytes: (before?.sizeBytes ?? 0) + contentBytes(entry),
        });
      }
      if (treeName === 'catalogue' && place.kind !== 'catalogue' && entry.type !== 'directory') throw strangerIn(tree, entry.path);
      if (place.kind !== treeName) return { isRecorded: false, isRemarkable: true };
      if (entry.type === 'other') {
        skippedOther.add(entry.path);
        return { isRecorded: true, isRemarkable: true };
      }
      entries += 1;
      bytes += contentBytes(entry);
      if (entry.linkTarget === undefined || !leaves(entry.path, entry.linkTarget)) return ordinary;
      leavingLinks.add(entry.path, `leads to ${textOf(entry.linkTarget)}`);
      return { isRecorded: true, isRemarkable: true };
    },
    count(moving) {
      entries += moving.entries;
      bytes += moving.bytes;
    },
    summary: () => ({ entries, bytes, leftBehind: [...leftBehind.values()], leavingLinks: leavingLinks.sample(), skippedOther: skippedOther.sample() }),
  };
}

function refuseStrangePath(path: BytePath, treeName: string): void {
  if (!path.includes('\0') && !/(?:^|\/)\.{0,2}(?:\/|$)/.test(path)) return;
  throw new PlexliftError('failed', `Cannot take over the listing of ${treeName}: "${textOf(path)}" is no path below its root`, {
    remedy: 'This should not happen with a listing by "find"; please report it',
  });
}

function strangerIn(tree: Pick<Tree, 'name'>, path: BytePath): PlexliftError {
  return new PlexliftError('failed', `Cannot deliver the catalogue in ${tree.name}: "${textOf(path)}" does not belong to it`, {
    remedy: 'Move what does not belong there out of that directory, then run the same command again',
  });
}

/** Whether a link leads out of the tree, told by its text alone: an absolute one always does, as the root lies elsewhere on the target. */
export function leaves(path: BytePath, target: BytePath): boolean {
  if (target.startsWith('/')) return true;
  let depth = path.split('/').length - 1;
  for (const part of target.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '.' && part !== '') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
