import type { DatabaseSync } from 'node:sqlite';
import { PlexliftError } from '../errors.ts';
import { bytesOf, type BytePath, type Entry, type Owner } from './entry.ts';
import type { SentFile } from './manifestBoots.ts';
import { expectedDigest, type ExpectedDigest } from './landingDigest.ts';
import { placeOf } from './leftBehind.ts';
import { inTransaction } from './manifestFile.ts';
import type { TreeName } from './manifestListings.ts';
import type { Circumstances } from './manifestProof.ts';
import { entryOf, numberIn, pathIn, type Row } from './manifestRows.ts';
import { depthOf, parentOf } from './plan.ts';

/** What is compared, and for whom. */
export interface ProofScope extends Circumstances {
  /** What is in these directories and at the top; absent: everything. */
  readonly directories?: readonly BytePath[];
  /** True before the catalogue was listed: then only what was listed so far is expected. */
  readonly isAhead?: boolean;
}

/** What was read back from the landing area, beside what was listed. Sequences come in path order. */
export interface LandingRecord {
  /** What the landing area should hold, as one digest; null where it cannot be compared so. */
  expectedDigest(): ExpectedDigest | null;
  record(entries: readonly Entry[]): void;
  /** What was listed in all, also where only some directories are compared. */
  expected(): { readonly entries: number; readonly bytes: number };
  missing(): Iterable<BytePath>;
  extra(): Iterable<BytePath>;
  /** Listed entries beside what lies there, where both are there and any attribute but the size of a directory may differ, or the owner is another one than asked for. */
  pairs(): Iterable<{ readonly listed: Entry; readonly there: Entry; readonly timeMatters: boolean; readonly isStrangers: boolean }>;
  /** Listed entries that no receipt proves as they are listed, for this owner, in this boot of the node. */
  withoutReceipt(): Iterable<BytePath>;
  /** All files of the catalogue, and as many of the bulk as asked for, drawn at random; of those that are there in their size, where it was recorded what is there. */
  filesToReadAgain(bulkFiles: number, of: 'all expected' | 'those recorded'): Iterable<SentFile>;
  /** Takes back what was proven of these: the next sending sends them again. */
  doubt(paths: readonly BytePath[]): void;
  /** Takes back what was proven of everything at fault by what was recorded: the next sending sends or removes it. */
  doubtByRecord(): void;
}

/** Directories of the bulk that hold the catalogue: their time moves when it is delivered, after them. */
const holdsCatalogue = `e.tree = 'bulk' AND e.path IN (SELECT path FROM holds_catalogue)`;

/** What stands there belongs to somebody else; not known of every target. */
const isStrangers = (owner: Owner): string => `(t.belongs_to IS NOT NULL AND t.belongs_to <> '${owner.uid}:${owner.gid}')`;

const differsFor = (owner: Owner): string => `(
  ${isStrangers(owner)} OR e.type <> t.type OR (e.type = 'file' AND e.size <> t.size) OR e.link IS NOT t.link OR (e.type <> 'link' AND e.mode <> t.mode)
  OR CAST(floor(e.modified) AS INTEGER) <> CAST(floor(t.modified) AS INTEGER))`;

const isMissing = `path NOT IN (SELECT path FROM there)`;

/** A directory that was not listed but holds something that was is no stranger: it was made to hold it. "0" follows "/". */
const isExtra = `path NOT IN (SELECT path FROM expected) AND NOT EXISTS (
  SELECT 1 FROM listed AS inside
  WHERE inside.path > CAST(CAST(there.path AS TEXT) || '/' AS BLOB) AND inside.path < CAST(CAST(there.path AS TEXT) || '0' AS BLOB))`;

/** Of an entry `e` and its segment `s`: a receipt proves it as it was listed, for this owner, in this boot of the node. A boot that is not known is no proof. */
export const isProven = `e.presence = 2 AND coalesce(s.outcome, '') = 'landed' AND s.uid = :uid AND s.gid = :gid AND coalesce(s.boot = :boot, 0)`;

/** Begins an empty record. Throws `failed` where a tree has no complete listing. */
export function openLandingRecord(database: DatabaseSync, { owner, boot, directories, isAhead = false }: ProofScope): LandingRecord {
  requireCompleteListing(database, 'bulk');
  if (!isAhead) requireCompleteListing(database, 'catalogue');
  forgetRecord(database);
  database.exec(`
    CREATE TEMP TABLE there (
      path BLOB PRIMARY KEY, type TEXT NOT NULL, size INTEGER NOT NULL, modified NUMERIC NOT NULL, changed TEXT NOT NULL,
      mode INTEGER NOT NULL, link BLOB, belongs_to TEXT
    ) WITHOUT ROWID;
    CREATE TEMP VIEW listed AS SELECT * FROM main.entries
      WHERE type <> 'other' AND listed;
    ${directories === undefined ? 'CREATE TEMP VIEW expected AS SELECT * FROM listed' : tableOfExpected};
    CREATE TEMP TABLE holds_catalogue AS
      SELECT DISTINCT parent AS path FROM listed WHERE tree = 'catalogue' AND parent IN (SELECT path FROM listed WHERE tree = 'bulk');`);
  if (directories !== undefined) expectIn(database, directories);
  const differs = differsFor(owner);
  const insert = database.prepare('INSERT INTO there (path, type, size, modified, changed, mode, link, belongs_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  return {
    expectedDigest: () => expectedDigest(database, owner),
    record(entries) {
      inTransaction(database, () => {
        for (const { path, type, sizeBytes, modifiedAtSeconds, changedAt, mode, linkTarget, belongsTo = null } of entries) {
          insert.run(bytesOf(path), type, sizeBytes, modifiedAtSeconds, changedAt, mode, linkTarget === undefined ? null : bytesOf(linkTarget), belongsTo);
        }
      });
    },
    expected() {
      const row = database.prepare(`SELECT count(*) AS entries, coalesce(sum(CASE WHEN type = 'file' THEN size END), 0) AS bytes FROM listed`).get();
      if (row === undefined) throw new Error('Counting the manifest gave no row');
      return { entries: numberIn(row, 'entries'), bytes: numberIn(row, 'bytes') };
    },
    missing: () => pathsOf(database, `SELECT path FROM expected WHERE ${isMissing} ORDER BY path`),
    extra: () => pathsOf(database, `SELECT path FROM there WHERE ${isExtra} ORDER BY path`),
    *pairs() {
      const rows = database
        .prepare(`
          SELECT e.*, t.type AS t_type, t.size AS t_size, t.modified AS t_modified, t.changed AS t_changed, t.mode AS t_mode, t.link AS t_link, t.belongs_to,
            ${isStrangers(owner)} AS is_strangers,
            NOT (${holdsCatalogue}) AS time_matters
          FROM expected AS e JOIN there AS t ON t.path = e.path WHERE ${differs} ORDER BY e.path`)
        .iterate();
      for (const row of rows) {
        const belongsTo = row['belongs_to'];
        const there: Entry = { ...entryOf(thereIn(row)), ...(typeof belongsTo === 'string' ? { belongsTo } : {}) };
        yield { listed: entryOf(row), there, timeMatters: row['time_matters'] === 1, isStrangers: row['is_strangers'] === 1 };
      }
    },
    *withoutReceipt() {
      const rows = database
        .prepare(`
          SELECT e.path FROM listed AS e LEFT JOIN segments AS s ON s.id = e.segment
          WHERE NOT (${isProven}) ORDER BY e.path`)
        .iterate({ uid: owner.uid, gid: owner.gid, boot });
      for (const row of rows) yield pathIn(row, 'path');
    },
    *filesToReadAgain(bulkFiles, of) {
      const isThere = of === 'all expected' ? '' : 'JOIN there AS t ON t.path = e.path AND t.type = e.type AND t.size = e.size';
      const again = `SELECT e.path, e.sha256 FROM expected AS e ${isThere} WHERE e.presence = 2 AND e.sha256 IS NOT NULL AND e.type = 'file'`;
      const rows = database
        .prepare(`${again} AND e.tree = 'catalogue' UNION ALL SELECT * FROM (${again} AND e.tree = 'bulk' ORDER BY random() LIMIT ?)`)
        .iterate(bulkFiles);
      for (const row of rows) yield { path: pathIn(row, 'path'), sha256: String(row['sha256']) };
    },
    doubt(paths) {
      const doubtOne = database.prepare('UPDATE main.entries SET presence = 1 WHERE presence = 2 AND path = ?');
      inTransaction(database, () => {
        for (const path of paths) doubtOne.run(bytesOf(path));
      });
    },
    doubtByRecord() {
      const strangers = [...pathsOf(database, `SELECT path FROM there WHERE ${isExtra}`)];
      const recordStranger = database.prepare(`
        INSERT INTO main.entries (tree, path, parent, depth, type, size, modified, changed, mode, link, number, listed, presence, there)
        SELECT ?, ?, ?, ?, type, size, modified, changed, mode, link, 0, 0, 1, type FROM there WHERE path = ?
        ON CONFLICT (tree, path) DO UPDATE SET presence = 1, there = excluded.there`);
      inTransaction(database, () => {
        database.exec(`
          UPDATE main.entries SET presence = 1 WHERE presence = 2 AND (tree, path) IN (SELECT tree, path FROM expected WHERE ${isMissing});
          UPDATE main.entries SET presence = 1 WHERE presence = 2 AND (tree, path) IN (
            SELECT e.tree, e.path FROM expected AS e JOIN there AS t ON t.path = e.path WHERE ${differs} AND NOT (${holdsCatalogue}));
          UPDATE main.entries SET there = (SELECT type FROM there AS t WHERE t.path = entries.path)
            WHERE presence = 1 AND path IN (SELECT path FROM there);`);
        for (const stranger of strangers) recordStranger.run(treeOf(stranger), bytesOf(stranger), parentBytes(stranger), depthOf(stranger), bytesOf(stranger));
      });
    },
  };
}

/** What is expected in some directories, by themselves: each question would go through all of the manifest otherwise. */
const tableOfExpected = `
  CREATE TEMP TABLE looked_into (path BLOB PRIMARY KEY) WITHOUT ROWID;
  CREATE TEMP TABLE expected AS SELECT * FROM listed LIMIT 0;
  CREATE INDEX temp.expected_paths ON expected (path)`;

function expectIn(database: DatabaseSync, directories: readonly BytePath[]): void {
  const look = database.prepare('INSERT OR IGNORE INTO looked_into (path) VALUES (?)');
  inTransaction(database, () => {
    for (const directory of directories) look.run(bytesOf(directory));
    database.exec('INSERT INTO expected SELECT * FROM listed WHERE parent IS NULL OR parent IN (SELECT path FROM looked_into)');
  });
}

function forgetRecord(database: DatabaseSync): void {
  for (const { type, name } of database.prepare("SELECT type, name FROM temp.sqlite_schema WHERE type IN ('table', 'view') AND name IN ('expected', 'listed', 'looked_into', 'holds_catalogue', 'there')").all()) {
    database.exec(`DROP ${String(type)} temp.${String(name)}`);
  }
}

function* pathsOf(database: DatabaseSync, query: string): Generator<BytePath> {
  for (const row of database.prepare(query).iterate()) yield pathIn(row, 'path');
}

/** In which tree a stranger is removed: where the catalogue lies, nothing but the catalogue may be at work. */
function treeOf(stranger: BytePath): TreeName {
  return placeOf(stranger).kind === 'catalogue' ? 'catalogue' : 'bulk';
}

function parentBytes(path: BytePath): Buffer | null {
  const parent = parentOf(path);
  return parent === null ? null : bytesOf(parent);
}

function thereIn(row: Row): Row {
  return {
    path: row['path'] ?? null,
    type: row['t_type'] ?? null,
    size: row['t_size'] ?? null,
    modified: row['t_modified'] ?? null,
    changed: row['t_changed'] ?? null,
    mode: row['t_mode'] ?? null,
    link: row['t_link'] ?? null,
  };
}

function requireCompleteListing(database: DatabaseSync, tree: 'bulk' | 'catalogue'): void {
  const row = database.prepare('SELECT finished_at FROM listings WHERE tree = ? ORDER BY id DESC LIMIT 1').get(tree);
  if (row !== undefined && row['finished_at'] !== null) return;
  throw new PlexliftError('failed', `Cannot prove the landing area: the last listing of the ${tree} ${row === undefined ? 'was never made' : 'was cut off'}`, {
    remedy: 'Run the same command again, so that it is listed and sent to the end',
  });
}
