import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { headerBytes, parseHeader, type ParsedHeader } from '../../plex/databaseHeader.ts';
import { hasLog } from '../database.ts';

/** The header of a database file, and the size of the file. */
export interface DatabaseHeader extends ParsedHeader {
  readonly fileBytes: number;
}

/** What the header of a file says, and everything about it that cannot be right. `header` is null where the file is no database. */
export function readHeader(file: string): { readonly header: DatabaseHeader | null; readonly faults: readonly string[] } {
  let begin: FileBegin;
  try {
    begin = readBegin(file);
  } catch (thrown) {
    // A failing disk, or something that is no file: as bad for the library as a damaged one.
    return { header: null, faults: [`the file cannot be read: ${messageOf(thrown)}`] };
  }
  const { bytes, fileBytes, readBytes } = begin;
  if (fileBytes === 0) return { header: null, faults: ['the file is empty'] };
  const parsed = parseHeader(bytes.subarray(0, readBytes));
  if (parsed === null) return { header: null, faults: ['the file is not a database: it does not begin as one'] };

  const { pageSizeBytes, countedPages } = parsed;
  const faults: string[] = [];
  if (pageSizeBytes < 512 || (pageSizeBytes & (pageSizeBytes - 1)) !== 0) return { header: null, faults: [`the header gives a page size of ${pageSizeBytes} bytes, which no database has`] };
  if (!parsed.isUtf8) faults.push('the text in the file is not UTF-8, as it is in every database of Plex');
  const header: DatabaseHeader = { ...parsed, fileBytes };
  // With a log beside it the file itself may be anywhere between two checkpoints.
  if (hasLog(file)) return { header, faults };
  if (fileBytes % pageSizeBytes !== 0) faults.push(`the file has ${fileBytes} bytes, which is no whole number of its pages of ${pageSizeBytes} bytes`);
  if (countedPages * pageSizeBytes > fileBytes) faults.push(`the file is cut short: the header counts ${countedPages} pages (${countedPages * pageSizeBytes} bytes), the file has ${fileBytes} bytes`);
  return { header, faults };
}

interface FileBegin {
  readonly bytes: Buffer;
  readonly fileBytes: number;
  readonly readBytes: number;
}

function readBegin(file: string): FileBegin {
  const bytes = Buffer.alloc(headerBytes);
  const handle = openSync(file, 'r');
  try {
    const readBytes = readSync(handle, bytes, 0, headerBytes, 0);
    return { bytes, readBytes, fileBytes: fstatSync(handle).size };
  } finally {
    closeSync(handle);
  }
}
