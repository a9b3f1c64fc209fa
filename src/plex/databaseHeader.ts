/** What the first 100 bytes of a database file say, unjudged (https://www.sqlite.org/fileformat.html, 1.3). */
export interface ParsedHeader {
  readonly pageSizeBytes: number;
  /** How the file is to be opened: with a write-ahead log, or with a rollback journal. */
  readonly journal: 'wal' | 'rollback';
  /** Pages as the header counts them; 0 where a change after that count makes it worthless. */
  readonly countedPages: number;
  /** Counts changes; never goes down. */
  readonly changeCounter: number;
  /** Counts changes of the schema; never goes down. */
  readonly schemaCookie: number;
  /** True where free pages at the end are given back without a VACUUM. */
  readonly vacuumsItself: boolean;
  readonly isUtf8: boolean;
}

/** How many bytes of a file its header takes. */
export const headerBytes = 100;

/** Reads the begin of a file; null where it begins no database. */
export function parseHeader(bytes: Buffer): ParsedHeader | null {
  if (bytes.length < headerBytes || bytes.toString('latin1', 0, 16) !== 'SQLite format 3\0') return null;
  const stored = bytes.readUInt16BE(16);
  return {
    pageSizeBytes: stored === 1 ? 65_536 : stored,
    journal: bytes[18] === 2 || bytes[19] === 2 ? 'wal' : 'rollback',
    // The page count counts only where it was written by the last change (24 and 92 agree).
    countedPages: bytes.readUInt32BE(24) === bytes.readUInt32BE(92) ? bytes.readUInt32BE(28) : 0,
    changeCounter: bytes.readUInt32BE(24),
    schemaCookie: bytes.readUInt32BE(40),
    vacuumsItself: bytes.readUInt32BE(52) > 0,
    // 0 in a file that holds nothing yet.
    isUtf8: bytes.readUInt32BE(56) <= 1,
  };
}
