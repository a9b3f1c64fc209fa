import { createCell, headerAt, isInterior, mostLocalBytes, pageKind, readCell, type FilePages } from './filePages.ts';

/** What a comparison of two files page by page found. */
export interface EqualPages {
  /**
   * The number of rows (of an index: entries) of the tree that begins at `root`, where each of its pages, those its long contents go on in
   * included, holds the same bytes at the same place in both files, so that both hold the same; null where that is not so.
   */
  rowsOfEqualTree(root: number): number | null;
}

const pieceBytes = 1 << 20;
// In one byte a page: its kind, and two facts about it.
const kindBits = 0x0f;
const differs = 0x10;
const goesOn = 0x20;

/** Compares two files of the same page size, reading each once; `pause` is called between pieces of a mebibyte. */
export async function compareEqualPages(before: FilePages, after: FilePages, pause: () => Promise<void>): Promise<EqualPages> {
  const { pageSizeBytes, usableBytes } = after;
  const facts = new Uint8Array(after.count + 1);
  const cells = new Uint16Array(after.count + 1);
  // The first four bytes of a page: where a long content goes on.
  const next = new Uint32Array(after.count + 1);
  const [was, is] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  const pagesInPiece = pieceBytes / pageSizeBytes;
  for (let first = 1; first <= after.count; first += pagesInPiece) {
    const position = (first - 1) * pageSizeBytes;
    const readBefore = before.readBytes(was, position);
    const read = after.readBytes(is, position);
    const equal = read === readBefore && is.subarray(0, read).equals(was.subarray(0, read));
    for (let page = first, at = 0; at + pageSizeBytes <= read; page += 1, at += pageSizeBytes) {
      if (!equal && (at + pageSizeBytes > readBefore || is.compare(was, at, at + pageSizeBytes, at, at + pageSizeBytes) !== 0)) {
        facts[page] = differs;
        continue;
      }
      const header = at + headerAt(page);
      const kind = is[header] ?? 0;
      if (kind === pageKind.leafTable || kind === pageKind.leafIndex || isInterior(kind)) {
        const count = is.readUInt16BE(header + 3);
        cells[page] = count;
        facts[page] = kind | (kind !== pageKind.interiorTable && hasLongContent(is, { at, header, kind, count, usableBytes }) ? goesOn : 0);
      }
      next[page] = is.readUInt32BE(at);
    }
    await pause();
  }
  return { rowsOfEqualTree: (root) => rowsOfEqualTree(root, { after, facts, cells, next }) };
}

interface Place {
  readonly at: number;
  readonly header: number;
  readonly kind: number;
  readonly count: number;
  readonly usableBytes: number;
}

/** True where a cell of the page may be longer than what stays in the page; `at` is where the page begins in `piece`. */
function hasLongContent(piece: Buffer, { at, header, kind, count, usableBytes }: Place): boolean {
  const most = mostLocalBytes(kind, usableBytes);
  const skip = kind === pageKind.interiorIndex ? 4 : 0;
  let pointer = header + (kind === pageKind.interiorIndex ? 12 : 8);
  const end = Math.min(pointer + 2 * count, at + usableBytes);
  for (; pointer < end; pointer += 2) {
    const start = at + (((piece[pointer] ?? 0) << 8) | (piece[pointer + 1] ?? 0)) + skip;
    const high = piece[start] ?? 0;
    if (high < 0x80) {
      if (high > most) return true;
      continue;
    }
    const low = piece[start + 1] ?? 0;
    if (low >= 0x80 || ((high & 0x7f) << 7) + low > most) return true;
  }
  return false;
}

interface Facts {
  readonly after: FilePages;
  readonly facts: Uint8Array;
  readonly cells: Uint16Array;
  readonly next: Uint32Array;
}

function rowsOfEqualTree(root: number, { after, facts, cells, next }: Facts): number | null {
  const { usableBytes } = after;
  const waiting = [root];
  const cell = createCell();
  let [rows, pages] = [0, 0];
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    const fact = facts[page] ?? differs;
    const kind = fact & kindBits;
    // A tree with more pages than the file goes in circles.
    if (page === 0 || (fact & differs) !== 0 || kind === 0 || (pages += 1) > after.count) return null;
    if (kind !== pageKind.interiorTable) rows += cells[page] ?? 0;
    if (!isInterior(kind) && (fact & goesOn) === 0) continue;
    const bytes = after.read(page);
    if (bytes === null) return null;
    const header = headerAt(page);
    const pointers = header + (isInterior(kind) ? 12 : 8);
    for (let place = 0; place < (cells[page] ?? 0); place += 1) {
      if (!readCell(bytes, { base: 0, at: bytes.readUInt16BE(pointers + 2 * place), kind, usableBytes, into: cell })) return null;
      if (isInterior(kind)) waiting.push(cell.child);
      if (cell.localBytes === cell.payloadBytes) continue;
      let left = cell.payloadBytes - cell.localBytes;
      for (let link = bytes.readUInt32BE(cell.start + cell.localBytes); left > 0; link = next[link] ?? 0, left -= usableBytes - 4) {
        if (link === 0 || ((facts[link] ?? differs) & differs) !== 0) return null;
      }
    }
    if (isInterior(kind)) waiting.push(bytes.readUInt32BE(header + 8));
  }
  return rows;
}
