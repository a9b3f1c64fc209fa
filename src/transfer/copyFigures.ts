import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, PlexliftError } from '../errors.ts';
import type { Load, Observation } from './copyCosts.ts';
import { numberIn, type Row } from './manifestRows.ts';
import { manifestVersion } from './manifestSchema.ts';

/** What a manifest knows of the copying of the bulk so far. */
export interface CopyFigures {
  /** According to the latest complete listing. */
  readonly whole: Load;
  /** What of it no receipt has proven. */
  readonly remaining: Load;
  readonly listingMs: number;
  /** Segments that landed, each with its share of the time in which any was on its way. */
  readonly segments: readonly Observation[];
}

/** Reads a manifest without changing it, also beside a run that is at work; null where there is none, nothing was listed yet, or an older plexlift wrote it. */
export function copyFigures(file: string): CopyFigures | null {
  if (!existsSync(file)) return null;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
    return database.prepare('PRAGMA user_version').get()?.['user_version'] === manifestVersion ? figuresIn(database) : null;
  } catch (error) {
    throw new PlexliftError('failed', `Cannot read the manifest "${file}": ${messageOf(error)}`, { remedy: 'If the file is damaged, move it away: everything is then sent and proven anew', cause: error });
  } finally {
    database?.close();
  }
}

function figuresIn(database: DatabaseSync): CopyFigures | null {
  const latest = database.prepare("SELECT begun_at AS begun, finished_at AS finished FROM listings WHERE tree = 'bulk' AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1").get();
  if (latest === undefined) return null;
  const sums = database.prepare(`
    SELECT count(*) AS entries, coalesce(sum(CASE WHEN type = 'file' THEN size END), 0) AS bytes,
      coalesce(sum(presence < 2), 0) AS remainingEntries, coalesce(sum(CASE WHEN type = 'file' AND presence < 2 THEN size END), 0) AS remainingBytes
    FROM entries WHERE tree = 'bulk' AND type <> 'other' AND listed`).get();
  if (sums === undefined) throw new Error('Counting the manifest gave no row');
  return {
    whole: { entries: numberIn(sums, 'entries'), bytes: numberIn(sums, 'bytes') },
    remaining: { entries: numberIn(sums, 'remainingEntries'), bytes: numberIn(sums, 'remainingBytes') },
    listingMs: Date.parse(String(latest['finished'])) - Date.parse(String(latest['begun'])),
    segments: sharesOf(database.prepare(`
      SELECT s.entries AS entries, c.bytes AS bytes, s.begun_at AS begun, s.ended_at AS ended
      FROM segments s JOIN (
        SELECT segment, count(*) AS entries, coalesce(sum(CASE WHEN type = 'file' THEN size END), 0) AS bytes
        FROM entries WHERE tree = 'bulk' AND presence = 2 GROUP BY segment
      ) c ON c.segment = s.id AND c.entries >= 0.9 * s.entries
      WHERE s.tree = 'bulk' AND s.outcome = 'landed' ORDER BY s.begun_at`).all()),
  };
}

/** Of two segments that were on their way at once, each took half of that time. */
function sharesOf(rows: readonly Row[]): readonly Observation[] {
  const segments = rows.map((row) => ({ entries: numberIn(row, 'entries'), bytes: numberIn(row, 'bytes'), begunMs: Date.parse(String(row['begun'])), endedMs: Date.parse(String(row['ended'])) }));
  let together = 0;
  let reachedMs = -Infinity;
  for (const { begunMs, endedMs } of segments) {
    together += Math.max(0, endedMs - Math.max(begunMs, reachedMs));
    reachedMs = Math.max(reachedMs, endedMs);
  }
  const summed = segments.reduce((sum, { begunMs, endedMs }) => sum + Math.max(0, endedMs - begunMs), 0);
  const scale = summed === 0 ? 0 : together / summed;
  return segments.map(({ entries, bytes, begunMs, endedMs }) => ({ entries, bytes, durationMs: Math.max(0, endedMs - begunMs) * scale }));
}
