import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { hasLog } from '../database.ts';

/** The first 100 bytes of a database file, read as https://www.sqlite.org/fileformat.html section 1.3 describes them. */
export interface DatabaseHeader {
  readonly pageSizeBytes: number;
  /** How the file is to be opened: with a write-ahead log, or with a rollback journal. */
  readonly journal: 'wal' | 'rollback';
  readonly fileBytes: number;
  /** Pages as the header counts them; 0 where a change after that count makes it worthless. */
  readonly countedPages: number;
  /** Counts changes; never goes down. */
  readonly changeCounter: number;
  /** Counts changes of the schema; never goes down. */
  readonly schemaCookie: number;
  /** True where free pages at the end are given back without a VACUUM. */
  readonly vacuumsItself: boolean;
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
  if (readBytes < 100 || bytes.toString('latin1', 0, 16) !== 'SQLite format 3\0') return { header: null, faults: ['the file is not a database: it does not begin as one'] };

  const stored = bytes.readUInt16BE(16);
  const pageSizeBytes = stored === 1 ? 65_536 : stored;
  const faults: string[] = [];
  if (pageSizeBytes < 512 || (pageSizeBytes & (pageSizeBytes - 1)) !== 0) return { header: null, faults: [`the header gives a page size of ${pageSizeBytes} bytes, which no database has`] };
  if (bytes.readUInt32BE(56) > 1) faults.push('the text in the file is not UTF-8, as it is in every database of Plex');
  // The page count counts only where it was written by the last change (24 and 92 agree).
  const countedPages = bytes.readUInt32BE(24) === bytes.readUInt32BE(92) ? bytes.readUInt32BE(28) : 0;
  const header: DatabaseHeader = {
    pageSizeBytes,
    journal: bytes[18] === 2 || bytes[19] === 2 ? 'wal' : 'rollback',
    fileBytes,
    countedPages,
    changeCounter: bytes.readUInt32BE(24),
    schemaCookie: bytes.readUInt32BE(40),
    vacuumsItself: bytes.readUInt32BE(52) > 0,
  };
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
  const bytes = Buffer.alloc(100);
  const handle = openSync(file, 'r');
  try {
    const readBytes = readSync(handle, bytes, 0, 100, 0);
    return { bytes, readBytes, fileBytes: fstatSync(handle).size };
  } finally {
    closeSync(handle);
  }
}
