import type { DatabaseSync } from 'node:sqlite';
import { quoted } from '../database.ts';

/** A trigger as `sqlite_master` holds it. */
export interface StoredTrigger {
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

/** When a trigger that keeps a search table fires, and what it puts there. */
interface SearchTrigger {
  readonly event: 'insert' | 'update' | 'delete';
  /** The columns whose update it fires on, in small letters; null for all of them. */
  readonly columns: readonly string[] | null;
  /** What it reads of the row, in small letters. */
  readonly reads: readonly string[];
}

/** The triggers of `table`, with their text. */
export function triggersOf(database: DatabaseSync, table: string): readonly StoredTrigger[] {
  return database
    .prepare("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE ORDER BY rowid")
    .all(table)
    .map((row) => ({ name: String(row['name']), table: String(row['tbl_name']), sql: String(row['sql']) }));
}

/**
 * Whether an update of `columns` sets off a trigger that only keeps Plex's search tables in step: `rests` where it does not, `fires`
 * where it does and would only write again what is there; `unknown` where its text says anything else than the texts Plex writes.
 */
export function effectOn(trigger: StoredTrigger, columns: readonly string[]): 'rests' | 'fires' | 'unknown' {
  const read = readSearchTrigger(trigger);
  if (read === null) return 'unknown';
  const changed = columns.map((column) => column.toLowerCase());
  // What it puts into the search table would no longer be what is there.
  if (changed.some((column) => read.reads.includes(column))) return 'unknown';
  if (read.event !== 'update') return 'rests';
  return read.columns === null || changed.some((column) => read.columns?.includes(column) === true) ? 'fires' : 'rests';
}

/**
 * Does `work` with `triggers` out of the way, inside the open transaction, and leaves the schema as it was: text, names and the number
 * that tells other connections of a change. Servers up to 1.43.0 write triggers that fire on any column and need a tokenizer that only
 * Plex has; what they keep in step is not among the columns changed here.
 */
export async function withoutTriggers<Result>(database: DatabaseSync, triggers: readonly StoredTrigger[], work: () => Promise<Result>): Promise<Result> {
  if (triggers.length === 0) return work();
  const [objects, version] = [schemaObjects(database), schemaVersion(database)];
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${quoted(name)}`);
  const result = await work();
  for (const { sql } of triggers) database.exec(sql);
  if (schemaObjects(database) !== objects) throw new Error('Cannot put the search triggers back as they were');
  // Nobody else has the file open, so the number may be what it was; SQLite holds it back from connections in defensive mode.
  database.enableDefensive(false);
  database.exec(`PRAGMA schema_version = ${version}`);
  database.enableDefensive(true);
  if (schemaVersion(database) !== version) throw new Error('Cannot put the number of the schema back as it was');
  return result;
}

const name = String.raw`["'\`[]?(fts4_(?:metadata|tag)_titles_(?:before|after)_(?:insert|update|delete)(?:_icu)?)["'\`\]]?`;
const identifier = String.raw`["'\`[]?\w+["'\`\]]?`;
const list = String.raw`["'\`[\]\w\s,]+?`;
const rows = String.raw`(?:\s+WHEN\s+(?:old|new)\.(\w+)\s+IN\s*\([\d\s,]+\))?`;
const removal = String.raw`DELETE\s+FROM\s+(\w+)\s+WHERE\s+docid\s*=\s*old\.rowid`;
const addition = String.raw`INSERT\s+INTO\s+(\w+)\s*\(\s*docid\s*,([\w\s,]+)\)\s*VALUES\s*\(\s*new\.rowid\s*,([\w\s,.]+)\)`;
const shape = new RegExp(String.raw`^CREATE\s+TRIGGER\s+${name}\s+(?:BEFORE|AFTER)\s+(INSERT|DELETE|UPDATE(?:\s+OF\s+(${list}))?)\s+ON\s+${identifier}${rows}\s+BEGIN\s+(?:${removal}|${addition})\s*;\s*END\s*;?\s*$`, 'i');

function readSearchTrigger(trigger: StoredTrigger): SearchTrigger | null {
  const read = shape.exec(trigger.sql);
  if (read === null) return null;
  const [, written = '', event = '', columns, condition, removedFrom, addedTo, names = '', values = ''] = read;
  // "fts4_metadata_titles_after_update_icu" keeps "fts4_metadata_titles_icu".
  const kept = written.replace(/_(?:before|after)_(?:insert|update|delete)/i, '');
  if ((removedFrom ?? addedTo)?.toLowerCase() !== kept.toLowerCase()) return null;
  const filled = listed(names);
  if (listed(values).join() !== filled.map((column) => `new.${column}`).join()) return null;
  return { ...eventOf(event, columns), reads: [...filled, ...listed(condition ?? '')] };
}

function eventOf(event: string, columns: string | undefined): Pick<SearchTrigger, 'event' | 'columns'> {
  const kind = /^\w+/.exec(event)?.[0].toLowerCase();
  return { event: kind === 'insert' || kind === 'delete' ? kind : 'update', columns: columns === undefined ? null : listed(columns) };
}

function listed(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.replaceAll(/["'`[\]\s]/g, '').toLowerCase())
    .filter((part) => part !== '');
}

function schemaObjects(database: DatabaseSync): string {
  return JSON.stringify(database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name').all());
}

function schemaVersion(database: DatabaseSync): string {
  return String(database.prepare('PRAGMA schema_version').get()?.['schema_version']);
}
