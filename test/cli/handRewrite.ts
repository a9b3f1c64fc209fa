import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { preferencesFile } from '../../src/plex/dataDirectory.ts';
import { databaseOf, pairs, tamper } from '../catalogue/smallCatalogue.ts';

/** The pairs of `smallCatalogue.ts` as words of a command line. */
export const maps = pairs.flatMap(({ from, to }) => ['--map', `${from}=${to}`]);

/** Every statement that a careful person types for one pair: the directory itself, and what lies below it. */
export function carefulStatements({ from, to }: { readonly from: string; readonly to: string }): string {
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const plain = (table: string, column: string, before = ''): string => {
    const [old, made] = [`${before}${from}`, `${before}${to}`];
    // Bytes, not characters: one of the paths is no valid UTF-8, and substr() would count it otherwise.
    const bytes = `CAST(${column} AS BLOB)`;
    return `UPDATE ${table} SET ${column} = CAST(CAST(${text(made)} AS BLOB) || substr(${bytes}, length(CAST(${text(old)} AS BLOB)) + 1) AS TEXT)
      WHERE typeof(${column}) = 'text' AND (${column} = ${text(old)} OR substr(${bytes}, 1, length(CAST(${text(`${old}/`)} AS BLOB))) = CAST(${text(`${old}/`)} AS BLOB));`;
  };
  return [plain('section_locations', 'root_path'), plain('media_parts', 'file'), plain('media_streams', 'url', 'file://')].join('\n');
}

/** What most people type instead. */
export const plainReplace = pairs.map(({ from, to }) => `UPDATE section_locations SET root_path = replace(root_path, '${from}', '${to}'); UPDATE media_parts SET file = replace(file, '${from}', '${to}');`).join('\n');

/** Copies a database, and runs `sql` on the copy as a hand would. */
export function byHand(old: string, made: string, sql: string): void {
  copyFileSync(old, made);
  tamper(made, sql);
}

/** The same for a catalogue; the settings are edited as text. */
export function catalogueByHand(old: string, made: string, { sql, settings = (text) => text }: { readonly sql: string; readonly settings?: (text: string) => string }): void {
  cpSync(old, made, { recursive: true });
  tamper(databaseOf(made), sql);
  const file = join(made, preferencesFile);
  writeFileSync(file, settings(readFileSync(file, 'utf8')));
}

/** Every row of every table, as SQL literals, byte for byte; the order is that of the keys. */
export function dump(file: string): readonly string[] {
  const database = new DatabaseSync(file, { readOnly: true, readBigInts: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name").all().map(({ name }) => String(name));
    return tables.flatMap((table) => {
      const columns = database.prepare('SELECT name FROM pragma_table_xinfo(?) ORDER BY cid').all(table).map(({ name }) => `typeof("${String(name)}") || hex(CAST("${String(name)}" AS BLOB))`);
      return database.prepare(`SELECT ${columns.join(" || ' ' || ")} AS line FROM "${table}" NOT INDEXED`).all().map(({ line }) => `${table} ${String(line)}`).toSorted();
    });
  } finally {
    database.close();
  }
}

/** Everything about a directory that a command must not change: names, sizes, times, modes, contents. */
export function stateOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(directory, name);
      const { mtimeMs, mode, size } = lstatSync(path);
      return [name, mtimeMs, mode, size, lstatSync(path).isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''].join(' ');
    });
}
