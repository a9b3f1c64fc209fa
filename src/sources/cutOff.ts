import { open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { headerBytes, parseHeader, type ParsedHeader } from '../plex/databaseHeader.ts';
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
  const [sizeBytes, header] = [sizeOf(name), await headerOf(copy)];
  if (sizeBytes === null || sizeBytes === 0 || header === null) return null;
  const isTorn = sizeBytes % header.pageSizeBytes !== 0;
  // What is not in the file may lie in its log, or be on its way from there.
  const isShort = header.countedPages * header.pageSizeBytes > sizeBytes && ['-wal', '-journal'].every((suffix) => (sizeOf(name + suffix) ?? 0) === 0);
  if (!isTorn && !isShort) return null;
  return `the file has ${sizeBytes} bytes, and its header counts ${header.countedPages} pages of ${header.pageSizeBytes} bytes`;
}

async function headerOf(copy: string): Promise<ParsedHeader | null> {
  const handle = await open(copy, 'r');
  try {
    const bytes = Buffer.alloc(headerBytes);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return parseHeader(bytes.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
