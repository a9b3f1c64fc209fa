import { PlexliftError } from '../errors.ts';
import type { Progress } from '../runner/step.ts';
import { textOf, type BytePath, type Entry, type Tree } from './entry.ts';
import { placeOf } from './leftBehind.ts';
import type { Manifest } from './manifest.ts';
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

/** Entries recorded in one transaction. */
const batchEntries = 5_000;

/** Names kept of each kind, for people. */
const namesKept = 100;

/**
 * Lists a tree into the manifest. Of a data directory only the bulk is taken over; a tree of the catalogue must hold nothing else.
 * Throws `failed` for a file that should not be there, and for a path that is none below the root.
 */
export async function listInto(
  manifest: Manifest,
  options: { readonly tree: Tree; readonly treeName: TreeName; readonly signal: AbortSignal; readonly progress: (progress: Progress) => void },
): Promise<ListingSummary> {
  const { tree, treeName, signal, progress } = options;
  const listing = manifest.beginListing(treeName);
  const leavingLinks = sampler(namesKept);
  const skippedOther = sampler(namesKept);
  const leftBehind = new Map<BytePath, LeftBehindCount>();
  let batch: Entry[] = [];
  let entries = 0;
  let bytes = 0;

  function record(): void {
    manifest.recordListing(listing, batch);
    batch = [];
    progress({ what: 'listing', done: entries, unit: 'entries' });
  }

  for await (const entry of tree.list({ signal })) {
    signal.throwIfAborted();
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
    if (place.kind !== treeName) continue;
    batch.push(entry);
    if (entry.type === 'other') {
      skippedOther.add(entry.path);
    } else {
      entries += 1;
      bytes += contentBytes(entry);
    }
    if (entry.linkTarget !== undefined && leaves(entry.path, entry.linkTarget)) leavingLinks.add(entry.path, `leads to ${textOf(entry.linkTarget)}`);
    if (batch.length >= batchEntries) record();
  }
  signal.throwIfAborted();
  record();
  manifest.finishListing(listing);
  return { entries, bytes, leftBehind: [...leftBehind.values()], leavingLinks: leavingLinks.sample(), skippedOther: skippedOther.sample() };
}

function refuseStrangePath(path: BytePath, treeName: string): void {
  if (!path.includes('\0') && !/(?:^|\/)\.{0,2}(?:\/|$)/.test(path)) return;
  throw new PlexliftError('failed', `Cannot take over the listing of ${treeName}: "${textOf(path)}" is no path below its root`, {
    remedy: 'This should not happen with a listing by "find"; please report it',
  });
}

function strangerIn(tree: Tree, path: BytePath): PlexliftError {
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
