import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

// Nothing of plexlift is used here: what sends must not be what judges.

/** What stays behind, and what is rewritten and therefore compared by its content. Written out once more, on purpose. */
const apart = ['plexmediaserver.pid', '.LocalAdminToken', 'Cache/Transcode', 'Codecs', 'Drivers', 'Updates', 'Crash Reports', 'Diagnostics', 'Logs', 'tmp', 'Setup Plex.html', 'Preferences.xml', 'Plug-in Support/Databases'];

/** Every entry below a directory as one line of type, mode, size, time and content, by its path. Times in seconds, or exact. */
export function treeOf(root: string, options: { readonly exact?: boolean } = {}): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const walk = (below: Buffer): void => {
    for (const name of readdirSync(Buffer.concat([Buffer.from(`${root}/`), below]), { encoding: 'buffer' }).toSorted((left, right) => Buffer.compare(left, right))) {
      const path = below.length === 0 ? name : Buffer.concat([below, Buffer.from('/'), name]);
      const full = Buffer.concat([Buffer.from(`${root}/`), path]);
      const stat = lstatSync(full);
      const time = options.exact === true ? stat.mtimeMs : Math.floor(stat.mtimeMs / 1000);
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isDirectory()) {
        found.set(path.toString('latin1'), `directory ${mode} ${time}`);
        walk(path);
      } else if (stat.isSymbolicLink()) found.set(path.toString('latin1'), `link ${readlinkSync(full, 'latin1')} ${time}`);
      else found.set(path.toString('latin1'), `file ${mode} ${stat.size} ${time} ${createHash('sha256').update(readFileSync(full)).digest('hex')}`);
    }
  };
  walk(Buffer.alloc(0));
  return found;
}

/** What differs between two trees, one line each. */
export function differencesOf(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...left.keys(), ...right.keys()])].filter((path) => left.get(path) !== right.get(path)).map((path) => `${path}: ${left.get(path) ?? 'absent'} / ${right.get(path) ?? 'absent'}`);
}

/** The part of a tree that moves unchanged. Directories that are `apart` themselves touch are compared without their times. */
export function bulkOf(tree: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...tree].filter(([path]) => !apart.some((entry) => path === entry || path.startsWith(`${entry}/`))));
}

type Row = Readonly<Record<string, unknown>>;

/** Every stored row of every ordinary table, in the order of the table. */
function rowsOf(file: string): ReadonlyMap<string, readonly Row[]> {
  const database = new DatabaseSync(file, { readOnly: true, enableForeignKeyConstraints: false });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name").all();
    return new Map(
      tables.map(({ name }) => {
        const statement = database.prepare(`SELECT * FROM "${String(name)}" NOT INDEXED`);
        statement.setReadBigInts(true);
        return [String(name), statement.all()];
      }),
    );
  } finally {
    database.close();
  }
}

/** Cells that differ between two databases: `table.column: before -> after`. Tables with another number of rows are told whole. */
export function changedCells(before: string, after: string): readonly { readonly place: string; readonly before: unknown; readonly after: unknown }[] {
  const [left, right] = [rowsOf(before), rowsOf(after)];
  const changed: { place: string; before: unknown; after: unknown }[] = [];
  for (const table of new Set([...left.keys(), ...right.keys()])) {
    const [rows, others] = [left.get(table) ?? [], right.get(table) ?? []];
    if (rows.length !== others.length) changed.push({ place: table, before: rows.length, after: others.length });
    for (const [position, row] of rows.entries()) {
      const other = others[position] ?? {};
      for (const column of Object.keys(row)) {
        if (!sameCell(row[column], other[column])) changed.push({ place: `${table}.${column}`, before: row[column], after: other[column] });
      }
    }
  }
  return changed;
}

function sameCell(left: unknown, right: unknown): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.from(left).equals(right);
  return Object.is(left, right);
}

/** The cells of one column. */
export function cells(file: string, sql: string): readonly unknown[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all().map((row) => Object.values(row)[0]);
  } finally {
    database.close();
  }
}

/** The settings of a Preferences.xml as they stand there, still escaped. */
export function rawPreferences(file: string): ReadonlyMap<string, string> {
  const [, attributes = ''] = /<Preferences\s([^]*?)\/>/.exec(readFileSync(file, 'utf8')) ?? [];
  return new Map(Array.from(attributes.matchAll(/([^\s=]+)="([^"]*)"/g), ([, name = '', value = '']) => [name, value]));
}

/** Where the main database lies below a data directory. */
export const mainDatabase = join('Plug-in Support', 'Databases', 'com.plexapp.plugins.library.db');
