import { closeSync, openSync, readSync } from 'node:fs';

const pieceBytes = 1 << 20;

/** True where two files hold the same bytes; reads them piece by piece. */
export function sameBytes(left: string, right: string): boolean {
  const handles = [openSync(left, 'r'), openSync(right, 'r')] as const;
  try {
    const pieces = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)] as const;
    for (;;) {
      const one = fill(handles[0], pieces[0]);
      const other = fill(handles[1], pieces[1]);
      if (one !== other || !pieces[0].subarray(0, one).equals(pieces[1].subarray(0, other))) return false;
      if (one < pieceBytes) return true;
    }
  } finally {
    for (const handle of handles) closeSync(handle);
  }
}

function fill(handle: number, piece: Buffer): number {
  let filled = 0;
  while (filled < piece.length) {
    const read = readSync(handle, piece, filled, piece.length - filled, null);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}
