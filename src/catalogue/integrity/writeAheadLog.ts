import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

/** What a write-ahead log holds, read as https://www.sqlite.org/fileformat2.html#walformat describes it. Frames are counted from 1. */
export interface WriteAheadLog {
  /** Null where the log does not begin as one. */
  readonly pageSizeBytes: number | null;
  /** False where SQLite would look at nothing in the log, because its first 32 bytes are not what they were. */
  readonly headIsIntact: boolean;
  /** Whole frames in the file, those of former rounds of the log among them. */
  readonly frames: number;
  /** Transactions that SQLite will read, and the frames they end at. */
  readonly commits: number;
  readonly committedFrames: number;
  /** The first frame of this round of the log that is not what it was; null where there is none. */
  readonly brokenFrame: number | null;
  /** Transactions behind the broken frame that were written whole: SQLite will not read them, and says nothing. */
  readonly lostCommits: number;
  /** Pages of the database after the last commit that can be read; 0 without one. */
  readonly databasePages: number;
  /** Numbers of the pages in those commits. */
  readonly pageNumbers: ReadonlySet<number>;
  /** The first 100 bytes of page 1 as last committed; null where the log does not hold it. */
  readonly firstPage: Buffer | null;
}

const headBytes = 32;
const frameHeadBytes = 24;
const batchBytes = 4 * 1024 * 1024;

/** Reads a write-ahead log without SQLite; null where there is none, or none with a frame in it. `pageSizeBytes` is that of the database, for a log whose head cannot be believed. */
export function readLog(file: string, { pageSizeBytes }: { readonly pageSizeBytes: number }): WriteAheadLog | null {
  if (!existsSync(file)) return null;
  const handle = openSync(file, 'r');
  try {
    const fileBytes = fstatSync(handle).size;
    if (fileBytes <= headBytes) return null;
    const bytes = Buffer.alloc(headBytes);
    readSync(handle, bytes, 0, headBytes, 0);
    const head = readHead(bytes);
    return readFrames({ handle, fileBytes, head, frameBytes: frameHeadBytes + (head.pageSizeBytes ?? pageSizeBytes) });
  } finally {
    closeSync(handle);
  }
}

type Sums = readonly [number, number];

interface Head {
  readonly isIntact: boolean;
  readonly pageSizeBytes: number | null;
  readonly littleEndian: boolean;
  readonly salts: Buffer;
  readonly sums: Sums;
}

function readHead(bytes: Buffer): Head {
  const magic = bytes.readUInt32BE(0);
  const littleEndian = magic === 0x377f0682;
  const stored: Sums = [bytes.readUInt32BE(24), bytes.readUInt32BE(28)];
  const isLog = (littleEndian || magic === 0x377f0683) && bytes.readUInt32BE(4) === 3_007_000;
  const size = bytes.readUInt32BE(8);
  const isSize = size >= 512 && size <= 65_536 && (size & (size - 1)) === 0;
  const isIntact = isLog && isSize && equal(checksum([bytes.subarray(0, 24)], { from: [0, 0], littleEndian }), stored);
  return { isIntact, pageSizeBytes: isLog && isSize ? size : null, littleEndian: littleEndian || !isLog, salts: Buffer.from(bytes.subarray(16, 24)), sums: stored };
}

function readFrames({ handle, fileBytes, head, frameBytes }: { readonly handle: number; readonly fileBytes: number; readonly head: Head; readonly frameBytes: number }): WriteAheadLog {
  const frames = Math.floor((fileBytes - headBytes) / frameBytes);
  const pageNumbers = new Set<number>();
  let pending: number[] = [];
  let [commits, committedFrames, databasePages, lostCommits] = [0, 0, 0, 0];
  let brokenFrame: number | null = null;
  let [firstPage, pendingFirstPage]: [Buffer | null, Buffer | null] = [null, null];
  let sums = head.sums;
  // Where the head cannot be believed, the frames tell by themselves to which round they belong.
  let salts: Buffer = head.salts;
  const perBatch = Math.max(1, Math.floor(batchBytes / frameBytes));
  const batch = Buffer.alloc(perBatch * frameBytes);
  for (let number = 1; number <= frames; number += 1) {
    const place = (number - 1) % perBatch;
    if (place === 0) readSync(handle, batch, 0, batch.length, headBytes + (number - 1) * frameBytes);
    const frame = batch.subarray(place * frameBytes, (place + 1) * frameBytes);
    if (number === 1 && !head.isIntact) salts = Buffer.from(frame.subarray(8, 16));
    const stored: Sums = [frame.readUInt32BE(16), frame.readUInt32BE(20)];
    const isOfThisRound = frame.compare(salts, 0, 8, 8, 16) === 0;
    // Each checksum begins with the one stored in the frame before: so an intact frame shows itself even behind a broken one.
    const goesOn = frame.readUInt32BE(0) > 0 && equal(checksum([frame.subarray(0, 8), frame.subarray(frameHeadBytes)], { from: sums, littleEndian: head.littleEndian }), stored);
    const isIntact = isOfThisRound && goesOn;
    sums = stored;
    // No checksum covers the salts: a frame that goes on from the one before is of this round, whatever its salts say.
    if (!isIntact || !head.isIntact) brokenFrame ??= isOfThisRound || goesOn || isFollowedByThisRound({ handle, from: number, frames, frameBytes, salts }) ? number : null;
    if (!isOfThisRound && brokenFrame === null) break;
    const databaseSize = frame.readUInt32BE(4);
    if (brokenFrame !== null) {
      if ((isIntact || (goesOn && number === brokenFrame)) && databaseSize > 0) lostCommits += 1;
      continue;
    }
    pending.push(frame.readUInt32BE(0));
    if (frame.readUInt32BE(0) === 1) pendingFirstPage = Buffer.from(frame.subarray(frameHeadBytes, frameHeadBytes + 100));
    if (databaseSize === 0) continue;
    for (const page of pending) pageNumbers.add(page);
    [pending, firstPage, pendingFirstPage] = [[], pendingFirstPage ?? firstPage, null];
    [commits, committedFrames, databasePages] = [commits + 1, number, databaseSize];
  }
  return { pageSizeBytes: head.pageSizeBytes, headIsIntact: head.isIntact, frames, commits, committedFrames, brokenFrame, lostCommits, databasePages, pageNumbers, firstPage };
}

// A frame of a former round ends what counts; but where frames of this round come behind it, it was one of them, and its salts were damaged.
function isFollowedByThisRound({ handle, from, frames, frameBytes, salts }: { readonly handle: number; readonly from: number; readonly frames: number; readonly frameBytes: number; readonly salts: Buffer }): boolean {
  const found = Buffer.alloc(8);
  for (let number = from + 1; number <= frames; number += 1) {
    readSync(handle, found, 0, 8, headBytes + (number - 1) * frameBytes + 8);
    if (found.equals(salts)) return true;
  }
  return false;
}

/** The checksum of https://www.sqlite.org/fileformat2.html#checksum_algorithm, going on from an earlier one. */
function checksum(parts: readonly Buffer[], { from, littleEndian }: { readonly from: Sums; readonly littleEndian: boolean }): Sums {
  let [first, second] = from;
  for (const part of parts) {
    const words = new DataView(part.buffer, part.byteOffset, part.byteLength);
    for (let at = 0; at < part.length; at += 8) {
      first = (first + words.getUint32(at, littleEndian) + second) >>> 0;
      second = (second + words.getUint32(at + 4, littleEndian) + first) >>> 0;
    }
  }
  return [first, second];
}

function equal(left: Sums, right: Sums): boolean {
  return left[0] === right[0] && left[1] === right[1];
}
