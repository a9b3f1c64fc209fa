import type { DatabaseSync } from 'node:sqlite';
import { bytesOf, type BytePath, type Entry, type Owner } from './entry.ts';
import { inTransaction } from './manifestFile.ts';
import { noteTouched } from './manifestProof.ts';
import { entryColumns, entryOf, numberIn, pathIn, type Row } from './manifestRows.ts';
import { parentOf } from './plan.ts';

/** What has to happen to make the landing area like the latest listing. Its sequences hold one page of rows at a time. */
export interface Delta {
  readonly toSend: { readonly entries: number; readonly bytes: number };
  /** Paths that must go before anything is sent: gone from the source, or of another type now. Children before their directories. */
  removals(): Generator<readonly BytePath[]>;
  /** To be called when a page of removals was carried out. */
  markRemoved(paths: readonly BytePath[]): void;
  /** Files and links to send, and the directories that may be sent as soon as all of those below them are, in path order. */
  leavesAndDirectories(): Generator<Entry>;
  /** Directories to send that no receipt proves by now, deepest first. */
  directories(): Generator<Entry>;
}

/** Rows read at a time; between two pages other rows may be written. */
const pageRows = 2_000;

/** Directories read at a time: each page goes through all rows, as an index by depth costs more in every copy than it saves here. */
const pageDirectories = 10_000;

/** Paths removed in one call. */
const removalsPerCall = 1_000;

/** Sorts behind every path: Linux ends them at 4,096 bytes. */
const behindEveryPath: Buffer = Buffer.alloc(4_097, 0xff);

const mustGo = `presence > 0 AND (NOT listed OR there <> type)`;
const mustCome = `presence < 2 AND listed AND type <> 'other'`;

const nothingToDo: Delta = { toSend: { entries: 0, bytes: 0 }, removals: nothing, markRemoved: () => undefined, leavesAndDirectories: nothing, directories: nothing };

function* nothing(): Generator<never> {
  yield* [];
}

/** Works out the delta of a tree whose latest listing is complete. */
export function openDelta(database: DatabaseSync, options: { readonly tree: string; readonly owner: Owner }): Delta {
  const { tree } = options;
  inTransaction(database, () => doubtOtherOwners(database, options));
  // Each of the rest goes through all rows: on most passes nothing changed, and there is nothing to go through them for.
  if (!isAnythingToDo(database, options)) return nothingToDo;
  inTransaction(database, () => doubtWhatWillBeTouched(database, options));
  recordLate(database, options);
  const removed = database.prepare('UPDATE entries SET presence = 0, there = NULL WHERE tree = ? AND path = ?');
  return {
    toSend: countOf(database, options),
    *removals() {
      const page = database.prepare(`
        SELECT path FROM entries WHERE tree = :tree AND path < :before AND ${mustGo} ORDER BY path DESC LIMIT ${removalsPerCall}`);
      for (let before = behindEveryPath; ; ) {
        const paths = page.all({ tree, before }).map((row) => pathIn(row, 'path'));
        const last = paths.at(-1);
        if (last === undefined) return;
        inTransaction(database, () => noteTouched(database, paths));
        yield paths;
        before = bytesOf(last);
      }
    },
    markRemoved(paths) {
      inTransaction(database, () => {
        for (const path of paths) removed.run(tree, bytesOf(path));
      });
    },
    *leavesAndDirectories() {
      const page = database.prepare(`
        SELECT ${entryColumns} FROM entries WHERE tree = :tree AND ${mustCome} AND path > :after
          AND (type <> 'directory' OR path NOT IN (SELECT path FROM late)) ORDER BY path LIMIT ${pageRows}`);
      yield* paged<Entry>(pageRows, { readAfter: (after) => page.all({ tree, after: after === null ? Buffer.alloc(0) : bytesOf(after.path) }), itemOf: entryOf });
    },
    *directories() {
      const page = database.prepare(`
        SELECT ${entryColumns}, depth FROM entries WHERE tree = :tree AND presence < 2 AND type = 'directory' AND listed
          AND (:depth IS NULL OR depth < :depth OR (depth = :depth AND path > :after)) ORDER BY depth DESC, path LIMIT ${pageDirectories}`);
      const rows = paged<{ readonly entry: Entry; readonly depth: number }>(pageDirectories, {
        readAfter: (last) => page.all({ tree, depth: last?.depth ?? null, after: last === null ? Buffer.alloc(0) : bytesOf(last.entry.path) }),
        itemOf: (row) => ({ entry: entryOf(row), depth: numberIn(row, 'depth') }),
      });
      for (const { entry } of rows) yield entry;
    },
  };
}

function* paged<Item>(pageLength: number, { readAfter, itemOf }: { readonly readAfter: (last: Item | null) => readonly Row[]; readonly itemOf: (row: Row) => Item }): Generator<Item> {
  for (let last: Item | null = null; ; ) {
    const items: readonly Item[] = readAfter(last).map((row) => itemOf(row));
    yield* items;
    last = items.at(-1) ?? null;
    if (last === null || items.length < pageLength) return;
  }
}

/** Another owner is another content. */
function doubtOtherOwners(database: DatabaseSync, { tree, owner: { uid, gid } }: { readonly tree: string; readonly owner: Owner }): void {
  const others = `FROM segments WHERE tree = :tree AND (uid <> :uid OR gid <> :gid)`;
  if (database.prepare(`SELECT 1 ${others} LIMIT 1`).get({ tree, uid, gid }) === undefined) return;
  database.prepare(`UPDATE entries SET presence = 1 WHERE tree = :tree AND presence = 2 AND segment IN (SELECT id ${others})`).run({ tree, uid, gid });
}

/**
 * Takes back what will be untrue once the first byte is sent: creating, replacing or removing an entry changes the time of the
 * directory it is in, so that directory has to be sent again; it is recorded before the effect.
 */
function doubtWhatWillBeTouched(database: DatabaseSync, { tree }: { readonly tree: string }): void {
  database
    .prepare(`
      UPDATE entries SET presence = 1 WHERE tree = :tree AND presence = 2
        AND path IN (SELECT parent FROM entries WHERE tree = :tree AND ((${mustGo}) OR (${mustCome})))`)
    .run({ tree });
}

function isAnythingToDo(database: DatabaseSync, { tree }: { readonly tree: string }): boolean {
  return database.prepare(`SELECT 1 FROM entries WHERE tree = ? AND ((${mustGo}) OR (${mustCome})) LIMIT 1`).get(tree) !== undefined;
}

/** Notes the directories to send below which there is no leaf to send, and all above them: they come last, since making one touches the next. */
function recordLate(database: DatabaseSync, { tree }: { readonly tree: string }): void {
  database.exec('CREATE TEMP TABLE IF NOT EXISTS late (path BLOB PRIMARY KEY) WITHOUT ROWID; DELETE FROM late;');
  const insert = database.prepare('INSERT OR IGNORE INTO late (path) VALUES (?)');
  // "0" follows "/": between the two lies all that is below a directory.
  const withoutLeaves = database.prepare(`
    SELECT d.path FROM entries AS d WHERE d.tree = :tree AND d.presence < 2 AND d.type = 'directory' AND d.listed AND NOT EXISTS (
      SELECT 1 FROM entries AS leaf WHERE leaf.tree = :tree AND leaf.presence < 2 AND leaf.type IN ('file', 'link') AND leaf.listed
        AND leaf.path > CAST(CAST(d.path AS TEXT) || '/' AS BLOB) AND leaf.path < CAST(CAST(d.path AS TEXT) || '0' AS BLOB))`);
  inTransaction(database, () => {
    for (const row of withoutLeaves.all({ tree })) {
      for (let path: BytePath | null = pathIn(row, 'path'); path !== null; path = parentOf(path)) {
        // Where one is known, so are all above it.
        if (insert.run(bytesOf(path)).changes === 0) break;
      }
    }
  });
}

function countOf(database: DatabaseSync, { tree }: { readonly tree: string }): Delta['toSend'] {
  const row = database
    .prepare(`SELECT count(*) AS entries, coalesce(sum(CASE WHEN type = 'file' THEN size END), 0) AS bytes FROM entries WHERE tree = :tree AND ${mustCome}`)
    .get({ tree });
  if (row === undefined) throw new Error('Counting the manifest gave no row');
  return { entries: numberIn(row, 'entries'), bytes: numberIn(row, 'bytes') };
}
