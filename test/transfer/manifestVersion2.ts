import { DatabaseSync } from 'node:sqlite';
import { manifestApplicationId } from '../../src/transfer/manifestSchema.ts';

/** Writes a manifest as an older plexlift did: three entries listed twice, one of them gone the second time, and one found on the target that was never listed. */
export function writeManifestOfVersion2(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(`
    CREATE TABLE listings (id INTEGER PRIMARY KEY, tree TEXT NOT NULL, begun_at TEXT NOT NULL, finished_at TEXT);
    CREATE TABLE entries (
      tree TEXT NOT NULL, path BLOB NOT NULL, parent BLOB, depth INTEGER NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL, modified NUMERIC NOT NULL,
      changed TEXT NOT NULL, mode INTEGER NOT NULL, link BLOB, listing INTEGER NOT NULL, presence INTEGER NOT NULL DEFAULT 0, there TEXT, sha256 TEXT,
      segment INTEGER REFERENCES segments (id), PRIMARY KEY (tree, path)
    ) WITHOUT ROWID;
    CREATE INDEX leaves_to_send ON entries (tree, path) WHERE presence < 2 AND type IN ('file', 'link');
    CREATE INDEX directories_to_send ON entries (tree, depth DESC, path) WHERE presence < 2 AND type = 'directory';
    CREATE TABLE segments (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, tree TEXT NOT NULL, listing INTEGER NOT NULL REFERENCES listings (id), entries INTEGER NOT NULL,
      uid INTEGER NOT NULL, gid INTEGER NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT, outcome TEXT, sha256_sent TEXT, sha256_received TEXT, boot TEXT
    );
    INSERT INTO listings VALUES (1, 'bulk', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'), (2, 'bulk', '2026-01-02T00:00:00Z', '2026-01-02T00:00:01Z');
    INSERT INTO segments VALUES (1, 'bulk-1', 'bulk', 1, 3, 1000, 1000, '2026-01-01T00:00:02Z', '2026-01-01T00:00:03Z', 'landed', 'x', 'x', 'b');
    INSERT INTO entries VALUES
      ('bulk', CAST('a' AS BLOB), NULL, 0, 'file', 3, 5, '5.0', 420, NULL, 2, 2, 'file', 'hash', 1),
      ('bulk', CAST('b' AS BLOB), NULL, 0, 'file', 3, 5, '5.0', 420, NULL, 2, 0, NULL, NULL, NULL),
      ('bulk', CAST('gone' AS BLOB), NULL, 0, 'file', 3, 5, '5.0', 420, NULL, 1, 2, 'file', 'hash', 1),
      ('bulk', CAST('stranger' AS BLOB), NULL, 0, 'file', 3, 5, '5.0', 420, NULL, 0, 1, 'file', NULL, NULL);
    PRAGMA application_id = ${manifestApplicationId};
    PRAGMA user_version = 2;`);
  database.close();
}
