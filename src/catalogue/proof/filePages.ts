import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The pages of a database file, read as https://www.sqlite.org/fileformat.html describes them; counted from 1. */
export interface FilePages {
  readonly pageSizeBytes: number;
  /** What of a page holds content: its size without the bytes reserved at its end. */
  readonly usableBytes: number;
  readonly count: number;
  /** The page in a buffer that the next call uses again; null where the file has no such page. */
  read(page: number): Buffer | null;
  /** Fills `into` with the bytes from `position` on; returns how many there were. */
  readBytes(into: Buffer, position: number): number;
  close(): void;
}

/** Opens a database file for reading page by page; null where its header is none. What lies in a log beside it is not seen. */
export function openPages(file: string): FilePages | null {
  const handle = openSync(file, 'r');
  const header = Buffer.alloc(100);
  const readBytes = (into: Buffer, position: number): number => {
    let filled = 0;
    while (filled < into.length) {
      const read = readSync(handle, into, filled, into.length - filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  };
  const whole = readBytes(header, 0) === header.length;
  const stored = header.readUInt16BE(16);
  const pageSizeBytes = stored === 1 ? 65_536 : stored;
  const usableBytes = pageSizeBytes - header.readUInt8(20);
  // 480 is the least that SQLite works with.
  if (!whole || header.toString('latin1', 0, 16) !== 'SQLite format 3\0' || pageSizeBytes < 512 || (pageSizeBytes & (pageSizeBytes - 1)) !== 0 || usableBytes < 480) {
    closeSync(handle);
    return null;
  }
  const buffer = Buffer.allocUnsafe(pageSizeBytes);
  const count = Math.floor(fstatSync(handle).size / pageSizeBytes);
  return {
    pageSizeBytes,
    usableBytes,
    count,
    read: (page) => (page < 1 || page > count || readBytes(buffer, (page - 1) * pageSizeBytes) < pageSizeBytes ? null : buffer),
    readBytes,
    close: () => closeSync(handle),
  };
}

/** What kinds of page a tree is made of, by the first byte of the page. */
export const pageKind = { interiorIndex: 2, interiorTable: 5, leafIndex: 10, leafTable: 13 } as const;

/** Where the header of a tree's page begins: the first page begins with that of the file. */
export function headerAt(page: number): number {
  return page === 1 ? 100 : 0;
}

/** True for the kinds of page that hold no rows themselves, or, in an index, pages below them too. */
export function isInterior(kind: number): boolean {
  return kind === pageKind.interiorIndex || kind === pageKind.interiorTable;
}

/** One cell of a page: the page below it, how long its content is, where it begins, and how much of it lies in the page. */
export interface Cell {
  child: number;
  payloadBytes: number;
  start: number;
  localBytes: number;
}

/** A place for what `readCell` finds, to be used again for every cell. */
export function createCell(): Cell {
  return { child: 0, payloadBytes: 0, start: 0, localBytes: 0 };
}

/** Where a cell lies: `at` in the page that begins at `base`. */
export interface CellPlace {
  readonly base: number;
  readonly at: number;
  readonly kind: number;
  readonly usableBytes: number;
  readonly into: Cell;
}

/** How much of a content of `payloadBytes` stays in its page; the rest goes on in a chain of pages of its own. */
export function localBytesOf(payloadBytes: number, { kind, usableBytes }: { readonly kind: number; readonly usableBytes: number }): number {
  const most = mostLocalBytes(kind, usableBytes);
  if (payloadBytes <= most) return payloadBytes;
  const least = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
  const fitting = least + ((payloadBytes - least) % (usableBytes - 4));
  return fitting <= most ? fitting : least;
}

/** The longest content that stays in its page as a whole. */
export function mostLocalBytes(kind: number, usableBytes: number): number {
  return kind === pageKind.leafTable ? usableBytes - 35 : Math.floor(((usableBytes - 12) * 64) / 255) - 23;
}

/** Reads a cell; false where the page ends before it. Cells of interior table pages hold no content. */
export function readCell(page: Buffer, { base, at, kind, usableBytes, into }: CellPlace): boolean {
  const end = base + usableBytes;
  let start = base + at;
  if (start + 4 > end) return false;
  into.child = 0;
  if (isInterior(kind)) {
    into.child = page.readUInt32BE(start);
    start += 4;
  }
  if (kind === pageKind.interiorTable) {
    into.payloadBytes = 0;
    into.localBytes = 0;
    into.start = start;
    return true;
  }
  let payloadBytes = 0;
  for (let place = 0; place < 9; place += 1) {
    const byte = page[start] ?? 0;
    start += 1;
    payloadBytes = place === 8 ? payloadBytes * 256 + byte : payloadBytes * 128 + (byte & 0x7f);
    if (byte < 0x80) break;
  }
  if (kind === pageKind.leafTable) {
    for (let place = 0; place < 9; place += 1) {
      start += 1;
      if ((page[start - 1] ?? 0) < 0x80) break;
    }
  }
  into.payloadBytes = payloadBytes;
  into.localBytes = localBytesOf(payloadBytes, { kind, usableBytes });
  into.start = start;
  return start + into.localBytes + (into.localBytes < payloadBytes ? 4 : 0) <= end;
}
