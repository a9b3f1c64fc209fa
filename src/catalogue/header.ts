import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { hasLog } from './database.ts';

/** The first 100 bytes of a database file, read as https://www.sqlite.org/fileformat.html section 1.3 describes them. */
export interface DatabaseHeader {
  readonly pageSizeBytes: number;
  /** How the file is to be opened: with a write-ahead log, or with a rollback journal. */
  readonly journal: 'wal' | 'rollback';
  readonly fileBytes: number;
}

/** What the header of a file says, and everything about it that cannot be right. `header` is null where the file is no database. */
export function readHeader(file: string): { readonly header: DatabaseHeader | null; readonly faults: readonly string[] } {
  const bytes = Buffer.alloc(100);
  const handle = openSync(file, 'r');
  let fileBytes: number;
  let readBytes: number;
  try {
    fileBytes = fstatSync(handle).size;
    readBytes = readSync(handle, bytes, 0, 100, 0);
  } finally {
    closeSync(handle);
  }
  if (fileBytes === 0) return { header: null, faults: ['the file is empty'] };
  if (readBytes < 100 || bytes.toString('latin1', 0, 16) !== 'SQLite format 3\0') return { header: null, faults: ['the file is not a database: it does not begin as one'] };

  const stored = bytes.readUInt16BE(16);
  const pageSizeBytes = stored === 1 ? 65_536 : stored;
  const faults: string[] = [];
  if (pageSizeBytes < 512 || (pageSizeBytes & (pageSizeBytes - 1)) !== 0) return { header: null, faults: [`the header gives a page size of ${pageSizeBytes} bytes, which no database has`] };
  if (bytes.readUInt32BE(56) > 1) faults.push('the text in the file is not UTF-8, as it is in every database of Plex');
  const header = { pageSizeBytes, journal: bytes[18] === 2 || bytes[19] === 2 ? 'wal' : 'rollback', fileBytes } as const;
  // With a log beside it the file itself may be anywhere between two checkpoints.
  if (hasLog(file)) return { header, faults };
  // The page count counts only where it was written by the last change (24 and 92 agree).
  const pages = bytes.readUInt32BE(24) === bytes.readUInt32BE(92) ? bytes.readUInt32BE(28) : 0;
  if (fileBytes % pageSizeBytes !== 0) faults.push(`the file has ${fileBytes} bytes, which is no whole number of its pages of ${pageSizeBytes} bytes`);
  if (pages * pageSizeBytes > fileBytes) faults.push(`the file is cut short: the header counts ${pages} pages (${pages * pageSizeBytes} bytes), the file has ${fileBytes} bytes`);
  return { header, faults };
}
