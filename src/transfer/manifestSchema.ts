/** Marks a SQLite file as a manifest: "plxl". */
export const manifestApplicationId = 0x70_6c_78_6c;

/** The version of the tables below. */
export const manifestVersion = 2;

/**
 * The tables of a manifest. Paths are BLOBs: they are bytes, and compare as bytes.
 * `presence` of an entry on the target: 0 never sent, 1 may lie there in whole or in part, 2 proven by a receipt as it was listed.
 * `there` is the type it may have there. An entry is gone when `listing` is older than the tree's latest complete listing; rows stay.
 * What was found on the target and never listed has the listing 0. A row of `segments` is one try of one segment, or what was read again
 * in another boot of the node; `boot` is the one in which its receipt was made, NULL where that is not known.
 */
export const manifestSchema = `
CREATE TABLE listings (
  id INTEGER PRIMARY KEY,
  tree TEXT NOT NULL,
  begun_at TEXT NOT NULL,
  finished_at TEXT
);
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
  listing INTEGER NOT NULL,
  presence INTEGER NOT NULL DEFAULT 0,
  there TEXT,
  sha256 TEXT,
  segment INTEGER REFERENCES segments (id),
  PRIMARY KEY (tree, path)
) WITHOUT ROWID;
CREATE INDEX leaves_to_send ON entries (tree, path) WHERE presence < 2 AND type IN ('file', 'link');
CREATE INDEX directories_to_send ON entries (tree, depth DESC, path) WHERE presence < 2 AND type = 'directory';
CREATE TABLE segments (
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
};
