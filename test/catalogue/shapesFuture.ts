import type { DatabaseSync } from 'node:sqlite';
import { loadSchema, parseStatements, type PlexSchema, type SchemaStatement } from '../bed/library/schema.ts';

/** The library's root that the shapes hold paths of. */
export const mappedRoot = '/mnt/nas-plex';

const tables = `
CREATE TABLE "future_devices" ("serial" varchar(255) NOT NULL, "kind" integer NOT NULL, "note" text, PRIMARY KEY("serial", "kind")) WITHOUT ROWID;
CREATE TABLE "future_measures" ("id" INTEGER PRIMARY KEY, "name" TEXT, "weight" REAL, "payload" BLOB, "anything" ANY, "amount" INT NOT NULL) STRICT;
CREATE TABLE "future_names" ("rowid" varchar(255), "_rowid_" integer, "oid" text);
CREATE TABLE "future_half_names" ("ROWID" varchar(255), "Oid" text);
CREATE TABLE "future_folders" ("id" INTEGER PRIMARY KEY, "folder" varchar(255), "leaf" varchar(255), "whole" varchar(255) GENERATED ALWAYS AS ("folder" || '/' || "leaf") VIRTUAL, "kept" varchar(255) GENERATED ALWAYS AS ("folder" || '/' || "leaf") STORED);
CREATE TABLE "future_places" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "path" varchar(255), "seen_at" dt_integer(8), "no type");
CREATE TABLE "future_words" ("id" INTEGER PRIMARY KEY, "word" text COLLATE icu_future, "weight" double precision);
CREATE TABLE "future ""quoted"" table, with [all] 'marks'" ("a ""column""" text, "select" integer, "ü" varchar(255));
`;

const indexes = `
CREATE INDEX "index_future_places_on_lower_path" ON "future_places" (lower("path"));
CREATE INDEX "index_future_slugs" ON "metadata_items" ("slug") WHERE "slug" IS NOT NULL;
CREATE INDEX "index_future_length_of_file" ON "media_parts" (length("file"));
CREATE INDEX "index_future_present_files" ON "media_parts" ("file" DESC) WHERE "file" <> '';
CREATE UNIQUE INDEX "index_future_folders_on_whole" ON "future_folders" ("whole", "kept", "id");
`;

const collatedIndexes = `
CREATE INDEX "index_future_words_on_word" ON "future_words" ("word" COLLATE icu_future);
CREATE INDEX "index_future_tags" ON "tags" ("tag" COLLATE icu_future, "tag_type");
`;

const virtualTables = `
CREATE VIRTUAL TABLE future_search USING fts5(title, path UNINDEXED);
CREATE VIRTUAL TABLE future_icu_search USING fts5(title, tokenize='icu_future root');
CREATE VIRTUAL TABLE future_vectors USING vec0(embedding float[4]);
`;

// No function that stock SQLite lacks is called before the trigger fires, and a rewrite never fires it.
const triggers = `
CREATE TRIGGER future_places_after_update AFTER UPDATE ON future_places BEGIN UPDATE future_places SET seen_at = icu_future_now(new.path) WHERE id = new.id; END;
CREATE TRIGGER future_words_after_insert AFTER INSERT ON future_words BEGIN UPDATE future_words SET weight = 0.5 WHERE id = new.id AND weight IS NULL; END;
`;

const views = `
CREATE VIEW "future_files" AS SELECT p.id AS id, p.file AS file, m.library_section_id AS section FROM media_parts p JOIN media_items m ON m.id = p.media_item_id;
`;

/** What 1.43.4 writes, and tables, columns, indexes, triggers, modules and a collation that no server has yet. */
export function futureSchema(): PlexSchema {
  const now = loadSchema();
  const widened: Readonly<Record<string, string>> = {
    media_parts: ', "future_origin" varchar(255), "future_at" dt_integer(8) DEFAULT 0)',
    section_locations: ', "future_flags" integer(8) DEFAULT 0, "future_mount" varchar(255))',
  };
  const widen = (statement: SchemaStatement): SchemaStatement => {
    const end = widened[statement.name];
    return end === undefined ? statement : { ...statement, sql: statement.sql.replace(/\)$/, () => end) };
  };
  return {
    ...now,
    tables: [...now.tables.map(widen), ...parseStatements(tables)],
    indexes: [...now.indexes, ...parseStatements(indexes)],
    collatedIndexes: [...now.collatedIndexes, ...parseStatements(collatedIndexes)],
    virtualTables: [...now.virtualTables, ...parseStatements(virtualTables)],
    triggers: [...now.triggers, ...parseStatements(triggers)],
    views: parseStatements(views),
  };
}

/** Rows with paths in what nobody knows; returns how many rows of which column hold one. */
export function fillFuture(database: DatabaseSync): ReadonlyMap<string, number> {
  const insert = (sql: string, ...cells: readonly (string | number | null)[]): void => void database.prepare(sql).run(...cells);
  insert('INSERT INTO future_search(rowid, title, path) VALUES (1, ?, ?)', 'Found again', `${mappedRoot}/Movies/found.mkv`);
  insert('INSERT INTO future_icu_search(rowid, title) VALUES (1, ?)', 'Nothing of a path');
  insert('INSERT INTO future_folders(id, folder, leaf) VALUES (9001, ?, ?)', `${mappedRoot}/Movies`, 'folder.mkv');
  insert('INSERT INTO future_names("rowid", "_rowid_", "oid") VALUES (?, 1, ?)', `${mappedRoot}/names`, 'one');
  // Twice the same: nothing but the row's place tells these apart.
  for (let twice = 0; twice < 2; twice += 1) insert('INSERT INTO future_names("rowid", "_rowid_", "oid") VALUES (?, 2, NULL)', 'twice');
  return new Map([
    ['future_search_content.c1', 1],
    ['future_folders.folder', 1],
    ['future_folders.whole', 1],
    ['future_folders.kept', 1],
    ['future_names.rowid', 1],
  ]);
}
