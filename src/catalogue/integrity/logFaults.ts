import type { DatabaseHeader } from './header.ts';
import { readLog } from './writeAheadLog.ts';
import type { WriteAheadLog } from './writeAheadLog.ts';

/** What is wrong with the write-ahead log beside a database: `faults` forbid taking it in, `warnings` are the ends of a server that was killed. */
export interface LogFindings {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** Looks at the log beside `file` without SQLite, which reads as much of a log as it can and is silent about the rest. */
export function examineLog(file: string, header: DatabaseHeader): LogFindings {
  const log = readLog(`${file}-wal`, header);
  if (log === null) return { faults: [], warnings: [] };
  const faults = [...damage(log), ...strangers(log, header)];
  const isCutOff = faults.length === 0 && log.brokenFrame !== null;
  return { faults, warnings: isCutOff ? [`the last transaction in the write-ahead log beside it was not written to its end (frame ${log.brokenFrame} of ${log.frames}); it is left out, as Plex itself would`] : [] };
}

function damage(log: WriteAheadLog): readonly string[] {
  if (log.pageSizeBytes === null && log.lostCommits === 0) return ['the write-ahead log beside it is none: it does not begin as one'];
  if (!log.headIsIntact) return [`the write-ahead log beside it has a damaged head: ${commitsText(log.lostCommits)} cannot be read`];
  // Behind a broken frame only a whole transaction proves a loss: what a killed server did not finish ends in a broken frame too.
  if (log.lostCommits > 0) return [`the write-ahead log beside it is damaged at frame ${log.brokenFrame} of ${log.frames}: ${log.lostCommits} later commit${log.lostCommits === 1 ? '' : 's'} cannot be read`];
  return [];
}

function strangers({ pageSizeBytes, commits, databasePages, pageNumbers, firstPage }: WriteAheadLog, header: DatabaseHeader): readonly string[] {
  if (pageSizeBytes !== null && pageSizeBytes !== header.pageSizeBytes) {
    return [`the write-ahead log beside it has pages of ${pageSizeBytes} bytes, the database has pages of ${header.pageSizeBytes} bytes: it is the log of another database`];
  }
  if (commits === 0) return [];
  const faults: string[] = [];
  const filePages = Math.floor(header.fileBytes / header.pageSizeBytes);
  const lacking = firstLacking(pageNumbers, { from: filePages + 1, to: databasePages });
  if (lacking !== null) faults.push(`the write-ahead log beside it counts ${databasePages} pages, but page ${lacking} is neither in it nor in the file: it is the log of another database, or the file is cut short`);
  // Only VACUUM makes a database smaller, and it writes every page.
  const isSmaller = databasePages < header.countedPages && !header.vacuumsItself;
  if (isSmaller && firstLacking(pageNumbers, { from: 1, to: databasePages }) !== null) {
    faults.push(`the write-ahead log beside it counts ${databasePages} pages, the database ${header.countedPages}: it is the log of another database, or of an earlier state of this one`);
  }
  if (firstPage !== null && (firstPage.readUInt32BE(24) < header.changeCounter || firstPage.readUInt32BE(40) < header.schemaCookie)) {
    faults.push('the write-ahead log beside it is older than the database: it is the log of another database, or of an earlier state of this one');
  }
  return faults;
}

function firstLacking(pages: ReadonlySet<number>, { from, to }: { readonly from: number; readonly to: number }): number | null {
  for (let page = from; page <= to; page += 1) if (!pages.has(page)) return page;
  return null;
}

function commitsText(count: number): string {
  return count === 1 ? '1 commit' : `${count} commits`;
}
