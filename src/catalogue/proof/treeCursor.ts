import { createCell, headerAt, isInterior, pageKind, readCell, type FilePages } from './filePages.ts';

/** Goes through the rows of a table, or the entries of an index, in the order of the tree; stands before the first at the beginning. */
export interface TreeCursor {
  /** Moves on; false at the end. Throws a `BrokenTree` where the tree is not whole. */
  next(): boolean;
  /** A `number` where it is not negative and fits in 49 bits, else a `bigint`; 0 in an index. */
  readonly rowid: number | bigint;
  /** The content lies in `bytes` from `start` to `end`, until the next move. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** A tree of pages that does not hang together; only what SQLite itself says about the file is of use then. */
export class BrokenTree extends Error {
  override readonly name = 'BrokenTree';
}

interface Level {
  /** The page begins at `base` in `page`. */
  readonly page: Buffer;
  readonly base: number;
  readonly kind: number;
  readonly header: number;
  readonly count: number;
  place: number;
  /** In an index the entries of an inner page lie between the pages below it. */
  isEntryNext: boolean;
}

// Deeper than any tree of a file with 2^32 pages whose pages hold four cells each.
const deepest = 20;

/** A cursor on the tree that begins at `root`. */
export function createTreeCursor(pages: FilePages, root: number): TreeCursor {
  const { usableBytes } = pages;
  const window = createWindow(pages);
  const levels: Level[] = [];
  const cell = createCell();
  const cursor = { next, rowid: 0 as number | bigint, bytes: window.bytes, start: 0, end: 0 };

  function enter(number: number): void {
    const at = window.place(number);
    const header = at + headerAt(number);
    const kind = window.bytes[header] ?? 0;
    const inner = isInterior(kind);
    if (levels.length > deepest || (!inner && kind !== pageKind.leafIndex && kind !== pageKind.leafTable)) throw broken(number);
    const count = window.bytes.readUInt16BE(header + 3);
    // The window moves on while what lies below is read.
    if (inner) levels.push({ page: Buffer.from(window.bytes.subarray(at, at + pages.pageSizeBytes)), base: 0, kind, header: headerAt(number), count, place: 0, isEntryNext: false });
    else levels.push({ page: window.bytes, base: at, kind, header, count, place: 0, isEntryNext: false });
  }

  function stand({ page, base, kind }: Level, at: number): void {
    if (!readCell(page, { base, at, kind, usableBytes, into: cell })) throw new BrokenTree('Cannot read a row: its page ends before it');
    if (kind === pageKind.leafTable) cursor.rowid = rowidOf(page, base + at);
    if (cell.localBytes === cell.payloadBytes) {
      cursor.bytes = page;
      cursor.start = cell.start;
      cursor.end = cell.start + cell.payloadBytes;
    } else {
      cursor.bytes = whole(page.subarray(cell.start, cell.start + cell.localBytes + 4), { pages, payloadBytes: cell.payloadBytes });
      cursor.start = 0;
      cursor.end = cell.payloadBytes;
    }
  }

  function next(): boolean {
    for (let level = levels[levels.length - 1]; level !== undefined; level = levels[levels.length - 1]) {
      const { page, kind, header, count, place } = level;
      if (!isInterior(kind)) {
        if (place < count) {
          level.place = place + 1;
          const pointer = header + 8 + 2 * place;
          stand(level, ((page[pointer] ?? 0) << 8) | (page[pointer + 1] ?? 0));
          return true;
        }
        levels.pop();
        continue;
      }
      if (place > count) {
        levels.pop();
        continue;
      }
      const at = place < count ? page.readUInt16BE(header + 12 + 2 * place) : 0;
      if (level.isEntryNext) {
        level.isEntryNext = false;
        level.place = place + 1;
        stand(level, at);
        return true;
      }
      if (kind === pageKind.interiorIndex && place < count) level.isEntryNext = true;
      else level.place = place + 1;
      if (place < count && at + 4 > usableBytes) throw new BrokenTree('Cannot read a page: it ends before what it holds');
      enter(page.readUInt32BE(place < count ? at : header + 8));
    }
    return false;
  }

  enter(root);
  return cursor;
}

/** A content that goes on in a chain of pages; `local` ends with the number of the first of them. */
function whole(local: Buffer, { pages, payloadBytes }: { readonly pages: FilePages; readonly payloadBytes: number }): Buffer {
  const content = Buffer.allocUnsafe(payloadBytes);
  let filled = local.copy(content, 0, 0, local.length - 4);
  let next = local.readUInt32BE(local.length - 4);
  while (filled < payloadBytes) {
    const page = pages.read(next);
    if (page === null) throw broken(next);
    filled += page.copy(content, filled, 4, 4 + Math.min(payloadBytes - filled, pages.usableBytes - 4));
    next = page.readUInt32BE(0);
  }
  return content;
}

function rowidOf(page: Buffer, cell: number): number | bigint {
  let at = cell;
  while ((page[at] ?? 0) >= 0x80 && at < cell + 8) at += 1;
  at += 1;
  let value = 0;
  for (let place = 0; place < 7; place += 1) {
    const byte = page[at + place] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return value;
  }
  const eighth = page[at + 7] ?? 0;
  const long = (BigInt(value) << 7n) | BigInt(eighth & 0x7f);
  return eighth < 0x80 ? long : BigInt.asIntN(64, (long << 8n) | BigInt(page[at + 8] ?? 0));
}

const windowBytes = 1 << 16;

interface Window {
  readonly bytes: Buffer;
  /** Where in `bytes` the page begins, after it was read. */
  place(page: number): number;
}

// Neighbours in a tree mostly lie side by side in the file. A leaf stays where it is until the cursor has left it.
function createWindow(pages: FilePages): Window {
  const { pageSizeBytes } = pages;
  const bytes = Buffer.allocUnsafe(Math.max(windowBytes, pageSizeBytes));
  let from = -1;
  let filled = 0;
  return {
    bytes,
    place(page) {
      const position = (page - 1) * pageSizeBytes;
      if (page < 1 || page > pages.count) throw broken(page);
      if (from === -1 || position < from || position + pageSizeBytes > from + filled) {
        from = position;
        filled = pages.readBytes(bytes, position);
        if (filled < pageSizeBytes) throw broken(page);
      }
      return position - from;
    },
  };
}

function broken(page: number): BrokenTree {
  return new BrokenTree(`Cannot read page ${page}: it is no part of a tree`);
}
