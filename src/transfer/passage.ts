import type { Entry } from './entry.ts';
import { contentBytes } from './plan.ts';

/** Content and the entries that carry it, as counted for progress. */
export interface Amount {
  readonly bytes: number;
  readonly entries: number;
}

/** Tells from the length of a tar so far how much of a run of entries has passed. */
export interface Passage {
  after(tarBytes: number): Amount;
  readonly whole: Amount;
}

const blockBytes = 512;

/** Names longer than this travel in a member of their own, before the one they belong to. */
const longestNameBytes = 100;

/** The passage of a run of entries in GNU tar's format: every entry has a head, content is filled up to whole blocks. */
export function passageOf(run: readonly Entry[]): Passage {
  const tarEnds = new Float64Array(run.length);
  const contentEnds = new Float64Array(run.length);
  let tar = 0;
  let content = 0;
  for (const [position, entry] of run.entries()) {
    const nameBytes = entry.path.length + (entry.type === 'directory' ? '/'.length : 0);
    tar += blockBytes + longNameBlocks(nameBytes) + longNameBlocks(entry.linkTarget?.length ?? 0) + inBlocks(contentBytes(entry));
    content += contentBytes(entry);
    tarEnds[position] = tar;
    contentEnds[position] = content;
  }
  return {
    whole: { bytes: content, entries: run.length },
    after(tarBytes) {
      const passed = countUpTo(tarEnds, tarBytes);
      if (passed === run.length) return { bytes: content, entries: run.length };
      const [tarBegin, contentBegin] = passed === 0 ? [0, 0] : [tarEnds[passed - 1] ?? 0, contentEnds[passed - 1] ?? 0];
      const part = (tarBytes - tarBegin) / ((tarEnds[passed] ?? tarBytes) - tarBegin);
      return { bytes: Math.floor(contentBegin + part * ((contentEnds[passed] ?? contentBegin) - contentBegin)), entries: passed };
    },
  };
}

function longNameBlocks(nameBytes: number): number {
  return nameBytes > longestNameBytes ? blockBytes + inBlocks(nameBytes + 1) : 0;
}

function inBlocks(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

/** How many of the ascending numbers are at most `limit`. */
function countUpTo(ascending: Float64Array, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
