import type { BytePath, Entry } from './entry.ts';

/** How much one segment holds at most; a single larger file is a segment of its own. */
export interface SegmentLimits {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Measured: what a segment costs by itself (a kubectl, an exec in the container, some dozen programs there) is a fifth of a second of processor time,
 * a tenth of all at 8,000 entries; and a lost segment costs seconds.
 */
export const segmentLimits: SegmentLimits = { entries: 12_000, bytes: 192 * 1024 * 1024 };

/** The content an entry brings, in bytes: sizes of directories and links are the file system's own business. */
export function contentBytes(entry: Entry): number {
  return entry.type === 'file' ? entry.sizeBytes : 0;
}

/** A directory, and the run in which the first leaf below it was met. */
interface OpenDirectory {
  readonly path: BytePath;
  readonly run: number;
}

/**
 * Cuts entries, which come in path order, into runs of files and links, and puts into each run the directories that all of their files and
 * links are in: behind what is in them, so that nothing that comes later touches their times. Directories across several runs, and those
 * without files and links, are in none. Lazy: holds one run at a time.
 */
export function* runsWithDirectories(entries: Iterable<Entry>, limits: () => SegmentLimits): Generator<readonly Entry[]> {
  const open: OpenDirectory[] = [];
  /** Directories that came, and are not closed: each comes before what is in it. */
  const waiting = new Map<BytePath, Entry>();
  let run: Entry[] = [];
  let closed: Entry[] = [];
  let runBytes = 0;
  let number = 0;

  /** Below a directory all paths follow one another, so that a leaf elsewhere closes it; what is deeper closes first. */
  function closeAllBut(leaf: BytePath | null): void {
    for (let last = open.at(-1); last !== undefined && !(leaf?.startsWith(`${last.path}/`) ?? false); last = open.at(-1)) {
      open.pop();
      const entry = waiting.get(last.path);
      waiting.delete(last.path);
      if (entry !== undefined && last.run === number) closed.push(entry);
    }
  }

  function* cut(): Generator<readonly Entry[]> {
    if (run.length > 0) yield [...run, ...closed];
    run = [];
    closed = [];
    runBytes = 0;
    number += 1;
  }

  for (const entry of entries) {
    if (entry.type === 'directory') {
      waiting.set(entry.path, entry);
      continue;
    }
    closeAllBut(entry.path);
    const most = limits();
    const size = contentBytes(entry);
    if (run.length > 0 && (run.length + closed.length >= most.entries || runBytes + size > most.bytes)) yield* cut();
    const known = open.at(-1)?.path ?? null;
    const above: OpenDirectory[] = [];
    for (let path = parentOf(entry.path); path !== null && path !== known; path = parentOf(path)) above.push({ path, run: number });
    open.push(...above.toReversed());
    run.push(entry);
    runBytes += size;
  }
  closeAllBut(null);
  yield* cut();
}

/** How many directories lie above a path. */
export function depthOf(path: string): number {
  let depth = 0;
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) depth += 1;
  return depth;
}

/** The directory that holds a path; null for what lies at the root. */
export function parentOf(path: BytePath): BytePath | null {
  const end = path.lastIndexOf('/');
  return end === -1 ? null : (path.slice(0, end) as BytePath);
}

/** The order in which files and links are sent: by the bytes of the path. */
export function inPathOrder(one: Entry, other: Entry): number {
  return one.path < other.path ? -1 : Number(one.path > other.path);
}

/** The order in which directories are sent: deepest first, so that nothing that comes later touches their times. */
export function deepestFirst(one: Entry, other: Entry): number {
  return depthOf(other.path) - depthOf(one.path) || inPathOrder(one, other);
}

/** Cuts a sequence of entries, without changing its order, into runs within the limits. Lazy: holds one run at a time. */
export function* runsOf(entries: Iterable<Entry>, limits: SegmentLimits = segmentLimits): Generator<readonly Entry[]> {
  let run: Entry[] = [];
  let runBytes = 0;
  for (const entry of entries) {
    const size = contentBytes(entry);
    if (run.length > 0 && (run.length >= limits.entries || runBytes + size > limits.bytes)) {
      yield run;
      run = [];
      runBytes = 0;
    }
    run.push(entry);
    runBytes += size;
  }
  if (run.length > 0) yield run;
}
