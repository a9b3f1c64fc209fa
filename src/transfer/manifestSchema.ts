/** Marks a SQLite file as a manifest: "plxl". */
export const manifestApplicationId = 0x70_6c_78_6c;

/** The version of the tables below. */
export const manifestVersion = 4;

const entriesTable = `
CREATE TABLE entries (
  tree TEXT NOT NULL,
  path BLOB NOT NULL,
  parent BLOB,
  depth INTEGER NOT NULL,
  type TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified NUMERIC NOT NULL,
  changed TEXT NOT NULL,
  mode INTEGER NOT NULL,
  link BLOB,
  number INTEGER NOT NULL,
  listed INTEGER NOT NULL,
  presence INTEGER NOT NULL DEFAULT 0,
  there TEXT,
  sha256 TEXT,
  segment INTEGER REFERENCES segments (id),
  PRIMARY KEY (tree, path)
) WITHOUT ROWID;
`;

const pagesTable = `
CREATE TABLE pages (
  id INTEGER PRIMARY KEY,
  tree TEXT NOT NULL,
  path BLOB NOT NULL,
  digest TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  numbers BLOB NOT NULL,
  UNIQUE (tree, path)
);
`;

const proofTables = `
CREATE TABLE whole_proof (
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  boot TEXT,
  made_at TEXT
);
CREATE TABLE touched (
  path BLOB PRIMARY KEY
) WITHOUT ROWID;
`;

/**
 * The tables of a manifest. Paths are BLOBs: they are bytes, and compare as bytes.
 * `presence` of an entry on the target: 0 never sent, 1 may lie there in whole or in part, 2 proven by a receipt as it was listed.
 * `there` is the type it may have there. An entry that the tree's latest complete listing did not find is not `listed` any more; rows stay.
 * What was found on the target and never listed has the number 0, every other entry one of its own. A row of `segments` is one try of
 * one segment, or what was read again in another boot of the node; `boot` is the one in which its receipt was made, NULL where that is not known.
 * A row of `pages` is a part of the latest listing that can be known again: `numbers` are those of its entries, which are in `entries` as
 * it told them; `bytes` those of its files. The one row of `whole_proof` tells when the landing area was last read as a whole, `made_at` being
 * NULL until it was; `touched` are the directories in which something was sent or removed since that was begun.
 */
export const manifestSchema = `
CREATE TABLE listings (
  id INTEGER PRIMARY KEY,
  tree TEXT NOT NULL,
  begun_at TEXT NOT NULL,
  finished_at TEXT
);
${entriesTable}${pagesTable}${proofTables}CREATE TABLE segments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  tree TEXT NOT NULL,
  listing INTEGER NOT NULL REFERENCES listings (id),
  entries INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  begun_at TEXT NOT NULL,
  ended_at TEXT,
  outcome TEXT,
  sha256_sent TEXT,
  sha256_received TEXT,
  boot TEXT
);
`;

/** What makes a manifest of an older version one of the next, by the older one's number. */
export const manifestUpgrades: Readonly<Record<number, string>> = {
  1: 'ALTER TABLE segments ADD COLUMN boot TEXT; DROP INDEX IF EXISTS proven_content; DROP TABLE IF EXISTS segment_entries',
  2: `
    DROP INDEX IF EXISTS leaves_to_send;
    DROP INDEX IF EXISTS directories_to_send;
    ALTER TABLE entries RENAME TO entries_before;
    ${entriesTable}
    INSERT INTO entries (tree, path, parent, depth, type, size, modified, changed, mode, link, number, listed, presence, there, sha256, segment)
      SELECT tree, path, parent, depth, type, size, modified, changed, mode, link, row_number() OVER (),
        listing >= (SELECT coalesce(max(id), 0) FROM listings WHERE listings.tree = entries_before.tree AND finished_at IS NOT NULL) AND listing > 0,
        presence, there, sha256, segment FROM entries_before;
    DROP TABLE entries_before`,
  3: `${pagesTable}${proofTables}`,
};
