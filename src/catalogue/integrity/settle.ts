import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PlexliftError } from '../../errors.ts';
import { databaseNames, databasesIn } from '../catalogueFiles.ts';
import { hasLog, withDatabase } from '../database.ts';
import { readHeader } from './header.ts';
import { remedyForLogs } from './integrityWords.ts';
import { examineLog } from './logFaults.ts';

/** What settling one database found. */
export interface Settled {
  readonly file: string;
  /** Size of the log as it was taken; 0 where there was none, and then the database was not opened. */
  readonly logBytes: number;
  /** Pages of the write-ahead log that went into the database. */
  readonly pages: number;
}

/** Takes the write-ahead log (or rollback journal) that was copied with a database into it, so that one file is left. Safe to repeat. A log that is damaged, or another database's, is refused and stays where it is. */
export async function settleDatabase(file: string): Promise<Settled> {
  const logBytes = sizeOf(`${file}-wal`) + sizeOf(`${file}-journal`);
  if (!hasLog(file) && !existsSync(`${file}-shm`) && !existsSync(`${file}-wal`)) return { file, logBytes: 0, pages: 0 };
  requireOwnLog(file);
  const pages = await withDatabase(file, 'write', (database) => {
    // A read is what makes SQLite roll back a journal or recover a log.
    database.prepare('SELECT count(*) FROM sqlite_master').get();
    const full = database.prepare('PRAGMA wal_checkpoint(FULL)').get();
    const truncated = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    if (Number(full?.['busy']) !== 0 || Number(truncated?.['busy']) !== 0 || Number(full?.['log']) !== Number(full?.['checkpointed'])) {
      throw new PlexliftError('failed', `Cannot settle "${basename(file)}": its write-ahead log did not go into the database whole`, {
        facts: [file],
        remedy: 'Make sure that no other program has the file open, and run the same command again',
      });
    }
    // -1 where the database is in no write-ahead mode.
    return Math.max(0, Number(full?.['checkpointed']));
  });
  const left = ['-wal', '-shm', '-journal'].filter((suffix) => existsSync(file + suffix));
  if (left.length > 0) {
    throw new PlexliftError('failed', `Cannot settle "${basename(file)}": ${left.map((suffix) => `"${basename(file)}${suffix}"`).join(' and ')} stayed beside it`, {
      facts: [file],
      remedy: 'Make sure that no other program has the file open, and run the same command again',
    });
  }
  return { file, logBytes, pages };
}

/** Settles every database of a catalogue; dated backups are left as they are. */
export async function settleCatalogue(directory: string): Promise<readonly Settled[]> {
  const settled: Settled[] = [];
  for (const name of databaseNames(directory)) settled.push(await settleDatabase(join(databasesIn(directory), name)));
  return settled;
}

// SQLite takes in as much of a log as it can read, whosever log it is, and is silent about the rest.
function requireOwnLog(file: string): void {
  const { header } = readHeader(file);
  const { faults } = header === null ? { faults: [] } : examineLog(file, header);
  if (faults.length === 0) return;
  throw new PlexliftError('refused', `Cannot settle "${basename(file)}": ${faults.join('; ')}`, {
    facts: [`${file}-wal`],
    remedy: `Nothing of the log was taken in. ${remedyForLogs}`,
  });
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}
