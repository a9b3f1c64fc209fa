import type { DatabaseSync } from 'node:sqlite';
import { bytesOf, type BytePath, type Entry, type Owner } from './entry.ts';
import { inTransaction } from './manifestFile.ts';
import type { TreeName } from './manifestListings.ts';
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

/** Rows up to which looking each up by its path costs less than going through all: of 644,000, the two are even at about 30,000. */
const lookedUpAtMost = 20_000;

/** Sorts behind every path: Linux ends them at 4,096 bytes. */
const behindEveryPath: Buffer = Buffer.alloc(4_097, 0xff);

const mustGo = `presence > 0 AND (NOT listed OR there <> type)`;
const mustCome = `presence < 2 AND listed AND type <> 'other'`;

const nothingToDo: Delta = { toSend: { entries: 0, bytes: 0 }, removals: nothing, markRemoved: () => undefined, leavesAndDirectories: nothing, directories: nothing };

function* nothing(): Generator<never> {
  yield* [];
}

/** Works out the delta of a tree whose latest listing is complete. `mostLookedUp`: rows up to which each is looked up by its path. */
export function openDelta(database: DatabaseSync, options: { readonly tree: TreeName; readonly owner: Owner; readonly mostLookedUp?: number }): Delta {
  const { tree, mostLookedUp = lookedUpAtMost } = options;
  inTransaction(database, () => doubtOtherOwners(database, options));
  const among = gather(database, { tree, mostLookedUp });
  // On most passes nothing changed, and there is nothing to go through all rows for once more.
  if (among === null) return nothingToDo;
  inTransaction(database, () => doubtWhatWillBeTouched(database, { tree, among }));
  recordLate(database, { tree, among });
  const removed = database.prepare('UPDATE entries SET presence = 0, there = NULL WHERE tree = ? AND path = ?');
  return {
    toSend: countOf(database, { tree, among }),
    *removals() {
      const page = database.prepare(`
        SELECT path FROM ${among} WHERE tree = :tree AND path < :before AND ${mustGo} ORDER BY path DESC LIMIT ${removalsPerCall}`);
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
        SELECT ${entryColumns} FROM ${among} WHERE tree = :tree AND ${mustCome} AND path > :after
          AND (type <> 'directory' OR path NOT IN (SELECT path FROM late_${tree})) ORDER BY path LIMIT ${pageRows}`);
      yield* paged<Entry>(pageRows, { readAfter: (after) => page.all({ tree, after: after === null ? Buffer.alloc(0) : bytesOf(after.path) }), itemOf: entryOf });
    },
    *directories() {
      const page = database.prepare(`
        SELECT ${entryColumns}, depth FROM ${among} WHERE tree = :tree AND presence < 2 AND type = 'directory' AND listed
          AND (:depth IS NULL OR depth < :depth OR (depth = :depth AND path > :after)) ORDER BY depth DESC, path LIMIT ${pageDirectories}`);
      const rows = paged<{ readonly entry: Entry; readonly depth: number }>(pageDirectories, {
        readAfter: (last) => page.all({ tree, depth: last?.depth ?? null, after: last === null ? Buffer.alloc(0) : bytesOf(last.entry.path) }),
        itemOf: (row) => ({ entry: entryOf(row), depth: numberIn(row, 'depth') }),
      });
      for (const { entry } of rows) yield entry;
    },
  };
}

/** Where the rows are among which everything lies that is to be done, for a FROM: a few looked up by path, or all. Each tree has its own few. */
type Among = `few_${TreeName} CROSS JOIN entries USING (path)` | 'entries';

interface Rows {
  readonly tree: TreeName;
  readonly among: Among;
}

/**
 * Finds what has to go or come, and the directories above, in one look at all rows; each of the rest then needs only those. Where they are
 * more than it pays to look up one by one, and that is what a first copy is, each of the rest goes through all rows. Null where nothing is to be done.
 */
function gather(database: DatabaseSync, { tree, mostLookedUp }: { readonly tree: TreeName; readonly mostLookedUp: number }): Among | null {
  const few = `few_${tree}` as const;
  const looked = `${few} CROSS JOIN entries USING (path)` as const;
  database.exec(`CREATE TEMP TABLE IF NOT EXISTS ${few} (path BLOB PRIMARY KEY) WITHOUT ROWID; DELETE FROM ${few};`);
  const found = database.prepare(`INSERT INTO ${few} SELECT path FROM entries WHERE tree = ? AND ((${mustGo}) OR (${mustCome})) LIMIT ${mostLookedUp + 1}`).run(tree).changes;
  if (found === 0) return null;
  if (found > mostLookedUp) return 'entries';
  database.prepare(`INSERT OR IGNORE INTO ${few} SELECT parent FROM ${looked} WHERE tree = ? AND parent IS NOT NULL`).run(tree);
  return looked;
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
function doubtWhatWillBeTouched(database: DatabaseSync, { tree, among }: Rows): void {
  database
    .prepare(`
      UPDATE entries SET presence = 1 WHERE tree = :tree AND presence = 2
        AND path IN (SELECT parent FROM ${among} WHERE tree = :tree AND ((${mustGo}) OR (${mustCome})))`)
    .run({ tree });
}

/** Notes the directories to send below which there is no leaf to send, and all above them: they come last, since making one touches the next. */
function recordLate(database: DatabaseSync, { tree, among }: Rows): void {
  database.exec(`CREATE TEMP TABLE IF NOT EXISTS late_${tree} (path BLOB PRIMARY KEY) WITHOUT ROWID; DELETE FROM late_${tree};`);
  const insert = database.prepare(`INSERT OR IGNORE INTO late_${tree} (path) VALUES (?)`);
  // "0" follows "/": between the two lies all that is below a directory.
  const withoutLeaves = database.prepare(`
    WITH directories AS (SELECT path AS directory FROM ${among} WHERE tree = :tree AND presence < 2 AND type = 'directory' AND listed)
    SELECT directory AS path FROM directories WHERE NOT EXISTS (
      SELECT 1 FROM ${among} WHERE tree = :tree AND presence < 2 AND type IN ('file', 'link') AND listed
        AND path > CAST(CAST(directory AS TEXT) || '/' AS BLOB) AND path < CAST(CAST(directory AS TEXT) || '0' AS BLOB))`);
  inTransaction(database, () => {
    for (const row of withoutLeaves.all({ tree })) {
      for (let path: BytePath | null = pathIn(row, 'path'); path !== null; path = parentOf(path)) {
        // Where one is known, so are all above it.
        if (insert.run(bytesOf(path)).changes === 0) break;
      }
    }
  });
}

function countOf(database: DatabaseSync, { tree, among }: Rows): Delta['toSend'] {
  const row = database
    .prepare(`SELECT count(*) AS entries, coalesce(sum(CASE WHEN type = 'file' THEN size END), 0) AS bytes FROM ${among} WHERE tree = :tree AND ${mustCome}`)
    .get({ tree });
  if (row === undefined) throw new Error('Counting the manifest gave no row');
  return { entries: numberIn(row, 'entries'), bytes: numberIn(row, 'bytes') };
}
