import type { DatabaseSync } from 'node:sqlite';
import { bytesOf, type BytePath, type Owner } from './entry.ts';
import { inTransaction } from './manifestFile.ts';
import { pathIn } from './manifestRows.ts';
import { parentOf } from './plan.ts';

/** For whom, and in which boot of the node, something was proven. */
export interface Circumstances {
  readonly owner: Owner;
  readonly boot: string | null;
}

/** The last time that the landing area was read back as a whole, and what was done in it since. */
export interface WholeProof {
  /** To be called before the landing area is read: from here on, what is done in it is noted. */
  begin(now: Circumstances): void;
  /** To be called when all of it was read: what was found at fault is recorded as such, and everything else is as it was listed. */
  finish(): void;
  /** When it was read as a whole, ISO 8601; null where it was not for this owner, in this boot of the node, or too long ago. */
  holdsSince(now: Circumstances & { readonly atMs: number }): string | null;
  /** Nothing is relied on any more. */
  forget(): void;
  /** Directories in which something was sent or removed since, or has to be; the landing area itself, which is always among them, is not named. */
  touched(): readonly BytePath[];
}

/**
 * Milliseconds for which it is relied on: somebody agrees that the source is stopped, it is proven, and what changed since the copy follows
 * in minutes. Who comes back after hours has time to have everything read once more.
 */
const reliedOnMs = 30 * 60_000;

/** The proof that a manifest's database keeps. */
export function openWholeProof(database: DatabaseSync): WholeProof {
  return {
    begin({ owner: { uid, gid }, boot }) {
      inTransaction(database, () => {
        database.exec('DELETE FROM touched; DELETE FROM whole_proof;');
        database.prepare('INSERT INTO whole_proof (uid, gid, boot) VALUES (?, ?, ?)').run(uid, gid, boot);
      });
    },
    finish() {
      database.prepare('UPDATE whole_proof SET made_at = ?').run(new Date().toISOString());
    },
    holdsSince({ owner: { uid, gid }, boot, atMs }) {
      const madeAt = database.prepare('SELECT made_at FROM whole_proof WHERE made_at IS NOT NULL AND uid = ? AND gid = ? AND boot = ?').get(uid, gid, boot)?.['made_at'];
      if (typeof madeAt !== 'string') return null;
      const ageMs = atMs - Date.parse(madeAt);
      return ageMs >= 0 && ageMs <= reliedOnMs ? madeAt : null;
    },
    forget() {
      database.exec('DELETE FROM whole_proof');
    },
    touched() {
      // What is still to be sent or removed was found at fault, or is new: in each case it has to be looked at.
      const rows = database.prepare(`
        SELECT path FROM touched UNION SELECT parent FROM entries
        WHERE parent IS NOT NULL AND type <> 'other' AND CASE listed WHEN 1 THEN presence < 2 ELSE presence > 0 END ORDER BY 1`);
      return rows.all().map((row) => pathIn(row, 'path'));
    },
  };
}

/** Notes, where a proof may rely on it, that something is about to be done to these entries. To be called in a transaction that is kept before it is. */
export function noteTouched(database: DatabaseSync, entries: Iterable<BytePath>): void {
  if (database.prepare('SELECT 1 FROM whole_proof').get() === undefined) return;
  const insert = database.prepare('INSERT OR IGNORE INTO touched (path) VALUES (?)');
  for (const entry of entries) {
    // Where one directory is noted, so are all above it: a directory that appears or goes is a change of the one above.
    for (let path = parentOf(entry); path !== null && insert.run(bytesOf(path)).changes > 0; path = parentOf(path));
  }
}
