import { open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { listCatalogue } from './catalogueCopy.ts';
import type { CataloguePlace, ListedFile } from './catalogueCopy.ts';
import type { DamagedDatabase, SnapshotFile } from './source.ts';

/** A file that grows while it is looked at is looked at again after this. */
const secondLookMs = 500;

/**
 * Which of the databases that were copied page by page are shorter on the source than they say themselves: SQLite takes what is cut off
 * for zeros and copies those without a word. Every copy lies in `into`, with the header that the source has.
 */
export async function cutOffDatabases(place: CataloguePlace, copies: readonly SnapshotFile[], { into, signal }: { readonly into: string; readonly signal?: AbortSignal | undefined }): Promise<readonly DamagedDatabase[]> {
  const look = async (among: readonly SnapshotFile[]): Promise<readonly DamagedDatabase[]> => {
    if (among.length === 0) return [];
    const listed = await listCatalogue(place);
    const found: DamagedDatabase[] = [];
    for (const copy of among) {
      const fault = await faultOf(path.join(into, copy.path), { listed, name: copy.path });
      if (fault !== null) found.push({ path: copy.path, message: fault });
    }
    return found;
  };
  const suspects = await look(copies);
  if (suspects.length === 0) return [];
  await wait(secondLookMs, undefined, { signal });
  return look(copies.filter((copy) => suspects.some((suspect) => suspect.path === copy.path)));
}

async function faultOf(copy: string, { listed, name }: { readonly listed: readonly ListedFile[]; readonly name: string }): Promise<string | null> {
  const sizeOf = (file: string): number | null => listed.find((each) => each.path === file)?.sizeBytes ?? null;
  const [sizeBytes, shape] = [sizeOf(name), await shapeOf(copy)];
  if (sizeBytes === null || sizeBytes === 0 || shape === null) return null;
  const isTorn = sizeBytes % shape.pageSizeBytes !== 0;
  // What is not in the file may lie in its log, or be on its way from there.
  const isShort = shape.pages * shape.pageSizeBytes > sizeBytes && ['-wal', '-journal'].every((suffix) => (sizeOf(name + suffix) ?? 0) === 0);
  if (!isTorn && !isShort) return null;
  return `the file has ${sizeBytes} bytes, and its header counts ${shape.pages} pages of ${shape.pageSizeBytes} bytes`;
}

/** Page size and count as the header gives them (https://www.sqlite.org/fileformat.html, 1.3); null where the copy is no database. */
async function shapeOf(copy: string): Promise<{ readonly pageSizeBytes: number; readonly pages: number } | null> {
  const handle = await open(copy, 'r');
  try {
    const header = Buffer.alloc(100);
    const { bytesRead } = await handle.read(header, 0, header.length, 0);
    if (bytesRead < header.length || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') return null;
    const stored = header.readUInt16BE(16);
    // Only a count that the last change wrote counts.
    const isCounted = header.readUInt32BE(24) === header.readUInt32BE(92);
    return { pageSizeBytes: stored === 1 ? 65_536 : stored, pages: isCounted ? header.readUInt32BE(28) : 0 };
  } finally {
    await handle.close();
  }
}
