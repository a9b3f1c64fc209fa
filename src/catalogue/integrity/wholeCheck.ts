import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../errors.ts';
import { breathe, isSqliteError, ordinaryTables, plexOnlyParts, quoted } from '../database.ts';
import { messagesOf, ownersIn } from './integrityLines.ts';
import type { IntegrityMessage } from './integrityLines.ts';
import type { UncheckedTable } from './integrityWords.ts';
import { compareEntries, replaceCollations } from './plexOnlyIndexes.ts';
import type { ComparedIndex, ReplacedCollations } from './plexOnlyIndexes.ts';

/** What the check of a whole file found, and what it had to leave out. */
export interface WholeCheck {
  readonly messages: readonly IntegrityMessage[];
  readonly indexes: readonly ComparedIndex[];
  readonly setAside: readonly UncheckedTable[];
  /** Tables with a column of a collation that is not known here. */
  readonly collatedTables: readonly string[];
}

/** Checks every page, row and index entry of a throwaway copy, whose schema is taken apart for it. */
export async function checkWhole(database: DatabaseSync): Promise<WholeCheck> {
  const owners = ownersIn(database);
  const replaced = takeApart(database);
  const setAside = setAsideUncheckable(database);
  const foreign = replaced.indexes.filter(({ table }) => !setAside.some((aside) => aside.table === table));
  await breathe();
  // Every page, also those of indexes whose order is not known here.
  const found = messagesOf(check(database, 'PRAGMA quick_check(1000)'), owners).filter((message) => !isAboutOrder(message, { ...replaced, indexes: foreign }));
  const pages = setAside.length === 0 ? found : found.filter(isNoLooseEnd);
  // Where pages are broken, reading on from them would only find the same.
  const isBroken = ({ table }: { readonly table: string }): boolean => pages.some((found) => found.table === table && /\bpage \d+/.test(found.message));
  const indexes = [...(await compareEntries(database, foreign.filter((index) => !isBroken(index)))), ...foreign.filter(isBroken).map((index) => ({ ...index, compared: false, messages: [] }))];
  removeIndexes(database, foreign);
  await breathe();
  // What no index may be asked for is a page that nothing uses now; the first look has told of those that are.
  const rows = messagesOf(check(database, 'PRAGMA integrity_check(1000)'), owners).filter((message) => isNoLooseEnd(message) && !isAboutOrder(message, { ...replaced, indexes: foreign }));
  return { messages: [...pages, ...rows, ...indexes.flatMap(({ messages }) => messages)], indexes, setAside, collatedTables: replaced.tables };
}

/** True for what is only said because the true order is not known here: it says nothing about the file. */
function isAboutOrder({ message }: IntegrityMessage, { indexes, tables }: ReplacedCollations): boolean {
  return indexes.some(({ name }) => new RegExp(String.raw`^(?:row .* missing from|non-unique entry in) index ${RegExp.escape(name)}$`).test(message)) || tables.some((table) => message === `row not in PRIMARY KEY order for ${table}`);
}

function isNoLooseEnd({ message }: IntegrityMessage): boolean {
  return !message.includes('used by nothing');
}

/** Takes tables out of the schema whose text calls for something that stock SQLite lacks: otherwise nothing else could be checked either. */
function setAsideUncheckable(database: DatabaseSync): readonly UncheckedTable[] {
  const unchecked = ordinaryTables(database).flatMap(({ name }) => {
    try {
      database.prepare(`PRAGMA integrity_check(${quoted(name)})`);
      return [];
    } catch (thrown) {
      if (!isSqliteError(thrown) || !lacksPart(thrown)) throw thrown;
      return [{ table: name, why: messageOf(thrown) }];
    }
  });
  database.exec('PRAGMA writable_schema = ON');
  for (const { table } of unchecked) database.prepare('DELETE FROM sqlite_master WHERE tbl_name = ?').run(table);
  database.exec('PRAGMA writable_schema = RESET');
  return unchecked;
}

/** True where SQLite cannot do something for want of a part that only Plex's own has; that is no damage. */
export function lacksPart(thrown: Error): boolean {
  return /^(?:no such (?:collation sequence|function|module)|unknown (?:function|tokenizer))\b/i.test(thrown.message);
}

/** Takes out of the schema what stock SQLite cannot serve; gives back the indexes whose order it does not know. */
function takeApart(database: DatabaseSync): ReturnType<typeof replaceCollations> {
  database.exec('PRAGMA writable_schema = ON');
  database.exec("DELETE FROM sqlite_master WHERE type = 'trigger'");
  const remove = database.prepare("DELETE FROM sqlite_master WHERE type = 'table' AND name = ?");
  // Full-text tables that Plex keeps empty beside their content would fail their own self-check; an rtree passes it in every library.
  for (const { name, module } of plexOnlyParts(database).virtualTables) if (module !== 'rtree') remove.run(name);
  const indexes = replaceCollations(database);
  database.exec('PRAGMA writable_schema = RESET');
  return indexes;
}

// Out of the schema, but not dropped: a damaged one could not be.
function removeIndexes(database: DatabaseSync, indexes: readonly { readonly name: string }[]): void {
  database.exec('PRAGMA writable_schema = ON');
  // What a constraint made has no text of its own and cannot go.
  const remove = database.prepare("DELETE FROM sqlite_master WHERE type = 'index' AND name = ? AND sql IS NOT NULL");
  for (const { name } of indexes) remove.run(name);
  database.exec('PRAGMA writable_schema = RESET');
}

/** Each table by itself, for a file in which the whole cannot be checked. */
export async function checkTables(database: DatabaseSync): Promise<readonly IntegrityMessage[]> {
  const owners = ownersIn(database);
  const { indexes } = plexOnlyParts(database);
  const messages: IntegrityMessage[] = [];
  for (const { name } of ordinaryTables(database)) {
    if (indexes.some(({ table }) => table === name)) continue;
    try {
      messages.push(...messagesOf(check(database, `PRAGMA integrity_check(${quoted(name)})`), owners).map(({ message }) => ({ table: name, message })));
    } catch (thrown) {
      if (!isSqliteError(thrown) || !lacksPart(thrown)) throw thrown;
    }
    await breathe();
  }
  return messages;
}

function check(database: DatabaseSync, sql: string): readonly string[] {
  const lines: string[] = [];
  try {
    for (const row of database.prepare(sql).iterate()) lines.push(String(Object.values(row)[0]));
  } catch (thrown) {
    if (!isSqliteError(thrown) || isDiskFull(thrown) || lacksPart(thrown)) throw thrown;
    // Damage can be such that the check itself stops; what it said before that names the place.
    if (lines.length === 0) lines.push(messageOf(thrown));
  }
  return lines;
}

/** SQLITE_FULL, https://www.sqlite.org/rescode.html: no room on this computer, which says nothing about the file. */
export function isDiskFull(thrown: { readonly errcode: number }): boolean {
  return thrown.errcode === 13;
}
