import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

// Nothing of plexlift is used here: what rewrites must not be what judges.

/** Two directories as a person gives them. */
export interface Pair {
  readonly from: string;
  readonly to: string;
}

/** All that a database holds: its objects, what its header says, and every cell as storage class and bytes, one line a row in the order in which they are stored. */
export interface Dump {
  readonly objects: readonly string[];
  readonly header: string;
  readonly tables: ReadonlyMap<string, readonly (readonly Cell[])[]>;
}

/** One cell: where it stands, its storage class, and its bytes, one character each (numbers as SQL writes them). */
export interface Cell {
  readonly column: string;
  readonly type: string;
  readonly bytes: string;
}

/** Reads a settled database whole, and leaves nothing beside it. */
export function dumpOf(file: string): Dump {
  const uri = pathToFileURL(file);
  uri.search = '?mode=ro&immutable=1';
  const database = new DatabaseSync(uri.href, { readOnly: true, enableForeignKeyConstraints: false });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name").all().map(({ name }) => String(name));
    const objects = database.prepare("SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, 'automatic') AS line FROM sqlite_master").all().map(({ line }) => String(line));
    const bytes = readFileSync(file);
    // Page size, write and read version; text encoding; user version and application id.
    const header = [bytes.subarray(16, 20), bytes.subarray(52, 64), bytes.subarray(68, 72)].map((part) => part.toString('hex')).join(' ');
    return { objects: objects.toSorted(), header, tables: new Map(tables.map((table) => [table, rowsOf(database, table)])) };
  } finally {
    database.close();
  }
}

function rowsOf(database: DatabaseSync, table: string): readonly (readonly Cell[])[] {
  const columns = database.prepare('SELECT name FROM pragma_table_xinfo(?) ORDER BY cid').all(table).map(({ name }) => String(name));
  const cells = columns.map((column, place) => {
    const name = quoted(column);
    return `typeof(${name}) AS t${place}, CASE WHEN typeof(${name}) IN ('text', 'blob') THEN CAST(${name} AS BLOB) ELSE CAST(quote(${name}) AS BLOB) END AS v${place}`;
  });
  return database
    .prepare(`SELECT ${cells.join(', ')} FROM ${quoted(table)} NOT INDEXED`)
    .all()
    .map((row) => columns.map((column, place) => ({ column, type: String(row[`t${place}`]), bytes: latin1(row[`v${place}`]) })));
}

/** The same database with every text cell of `places` (`table.column`) as the pairs have it. */
export function moved(dump: Dump, { places, pairs }: { readonly places: Readonly<Record<string, 'path' | 'url'>>; readonly pairs: readonly Pair[] }): Dump {
  const tables = Array.from(dump.tables, ([table, rows]) => {
    const changed = rows.map((row) => row.map((cell) => {
      const form = places[`${table}.${cell.column}`];
      if (form === undefined || cell.type !== 'text') return cell;
      return { ...cell, bytes: form === 'path' ? movedPath(cell.bytes, pairs) : movedUrl(cell.bytes, pairs) };
    }));
    return [table, changed] as const;
  });
  return { ...dump, tables: new Map(tables) };
}

function movedUrl(url: string, pairs: readonly Pair[]): string {
  if (!url.startsWith('file:///')) return url;
  const path = url.slice('file://'.length);
  const isRaw = path.includes(' ') || /%(?!2[05])/.test(path);
  const written = (directory: string): string => (isRaw ? directory : directory.replaceAll('%', '%25').replaceAll(' ', '%20'));
  return `file://${movedPath(path, pairs.map(({ from, to }) => ({ from: written(from), to: written(to) })))}`;
}

function movedPath(path: string, pairs: readonly Pair[]): string {
  const byLength = pairs.map(({ from, to }) => ({ from: bytesOf(from), to: bytesOf(to) })).toSorted((left, right) => right.from.length - left.from.length);
  for (const { from, to } of byLength) {
    const stem = from === '/' ? '' : from;
    if (path === from) return to;
    if (path.startsWith(`${stem}/`)) return (to === '/' ? '' : to) + path.slice(stem.length);
  }
  return path;
}

/** What differs between two dumps, one line each; the first few tell enough. */
export function differences(expected: Dump, found: Dump): readonly string[] {
  const lines: string[] = [];
  if (expected.header !== found.header) lines.push(`header: ${expected.header} / ${found.header}`);
  const [was, is] = [new Set(expected.objects), new Set(found.objects)];
  lines.push(...expected.objects.filter((line) => !is.has(line)).map((line) => `gone: ${line}`), ...found.objects.filter((line) => !was.has(line)).map((line) => `added: ${line}`));
  for (const table of new Set([...expected.tables.keys(), ...found.tables.keys()])) {
    const [rows, others] = [expected.tables.get(table) ?? [], found.tables.get(table) ?? []];
    if (rows.length !== others.length) lines.push(`${table}: ${rows.length} rows / ${others.length}`);
    for (const [number, row] of rows.entries()) {
      for (const [place, cell] of row.entries()) {
        const other = others[number]?.[place];
        if (other?.type === cell.type && other.bytes === cell.bytes) continue;
        lines.push(`${table}.${cell.column}, row ${number}: ${cell.type} ${JSON.stringify(cell.bytes.slice(0, 120))} / ${other?.type ?? 'none'} ${JSON.stringify(other?.bytes.slice(0, 120))}`);
      }
    }
  }
  return lines.slice(0, 20);
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function latin1(cell: unknown): string {
  return cell instanceof Uint8Array ? Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('latin1') : '';
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
