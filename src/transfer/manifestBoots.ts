import type { DatabaseSync } from 'node:sqlite';
import { bytesOf, type BytePath, type Owner } from './entry.ts';
import { inTransaction } from './manifestFile.ts';
import { numberIn, pathIn, textIn } from './manifestRows.ts';

/** A file with the SHA-256 it had when it was sent. */
export interface SentFile {
  readonly path: BytePath;
  readonly sha256: string;
}

/** What receipts of other boots of the node prove: it was read from the memory of a node that has lost that memory since. */
export interface OtherBoots {
  /** How many entries there are that only such receipts prove. */
  count(): number;
  /** Takes back what was proven of all that has no content to be read again: directories, links, empty files. */
  doubtWithoutContent(): void;
  /** The files, in pages and in path order; those of a page may be settled before the next is read. */
  files(): Generator<readonly SentFile[]>;
  /** Files that were read again in this boot, and those of them that are not what was sent. */
  settle(files: readonly SentFile[], lost: ReadonlySet<BytePath>): void;
}

/** Files read again in one call. */
const pageFiles = 2_000;

/** What a boot leaves of earlier receipts, for a tree whose `listing` is complete. A boot that cannot be told is another one. */
export function openOtherBoots(database: DatabaseSync, options: { readonly tree: string; readonly listing: number; readonly owner: Owner; readonly boot: string | null }): OtherBoots {
  const { tree, listing, owner, boot } = options;
  const isOfOtherBoot = `(s.boot IS NULL OR s.boot IS NOT :boot)`;
  const ofOtherBoots = `e.tree = :tree AND e.presence = 2 AND e.listed AND ${isOfOtherBoot}`;
  const from = 'entries AS e JOIN segments AS s ON s.id = e.segment';
  const prove = database.prepare('UPDATE entries SET segment = ? WHERE tree = ? AND path = ?');
  const doubt = database.prepare('UPDATE entries SET presence = 1 WHERE tree = ? AND path = ?');
  const insert = database.prepare(`
    INSERT INTO segments (name, tree, listing, entries, uid, gid, begun_at, ended_at, outcome, boot) VALUES ('read again', ?, ?, ?, ?, ?, ?, ?, 'landed', ?)`);
  return {
    count() {
      // A few hundred segments tell it of all entries, unless the node was restarted some time.
      if (database.prepare(`SELECT 1 FROM segments AS s WHERE s.tree = :tree AND s.outcome = 'landed' AND ${isOfOtherBoot} LIMIT 1`).get({ tree, boot }) === undefined) return 0;
      const row = database.prepare(`SELECT count(*) AS entries FROM ${from} WHERE ${ofOtherBoots}`).get({ tree, boot });
      return row === undefined ? 0 : numberIn(row, 'entries');
    },
    doubtWithoutContent() {
      database
        .prepare(`UPDATE entries SET presence = 1 WHERE tree = :tree AND presence = 2 AND (type <> 'file' OR size = 0 OR sha256 IS NULL)
          AND path IN (SELECT e.path FROM ${from} WHERE ${ofOtherBoots})`)
        .run({ tree, boot });
    },
    *files() {
      const page = database.prepare(`SELECT e.path, e.sha256 FROM ${from} WHERE ${ofOtherBoots} AND e.path > :after ORDER BY e.path LIMIT ${pageFiles}`);
      for (let after: Uint8Array = Buffer.alloc(0); ; ) {
        const files = page.all({ tree, boot, after }).map((row) => ({ path: pathIn(row, 'path'), sha256: textIn(row, 'sha256') }));
        const last = files.at(-1);
        if (last === undefined) return;
        yield files;
        after = bytesOf(last.path);
      }
    },
    settle(files, lost) {
      inTransaction(database, () => {
        const now = new Date().toISOString();
        const id = Number(insert.run(tree, listing, files.length - lost.size, owner.uid, owner.gid, now, now, boot).lastInsertRowid);
        for (const { path } of files) {
          if (lost.has(path)) doubt.run(tree, bytesOf(path));
          else prove.run(id, tree, bytesOf(path));
        }
      });
    },
  };
}
