import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** A cell by its storage class; text as bytes, because text in SQLite may be any. */
export type Cell = null | bigint | number | { readonly text: Buffer } | { readonly blob: Buffer };

/** One row of a table with a path in it: its number, the path, and cells beside it that may not change. */
export interface PathRow {
  readonly rowid: bigint;
  readonly path: Cell;
  readonly beside: readonly [Cell, Cell];
}

/** The columns of `makePathLibrary`, and what kind of path each holds. */
export const places = {
  'section_locations.root_path': 'path',
  'media_parts.file': 'path',
  'media_streams.url': 'file url',
  'metadata_items.guid': 'file url',
  'metadata_item_settings.guid': 'file url',
} as const;

/** A column of `makePathLibrary`. */
export type Place = keyof typeof places;

// Only what a rewrite looks at, with an index on each path and old search triggers: one of these is made in a millisecond or two.
const schema = Object.keys(places)
  .map((place) => {
    const [table, column] = place.split('.');
    return `CREATE TABLE ${table}(one, ${column} varchar(255), two); CREATE INDEX index_${table}_on_${column} ON ${table}(${column});`;
  })
  .join('\n');
const triggers = `
  CREATE TABLE fts4_metadata_titles_icu(docid, title);
  CREATE TRIGGER fts4_metadata_titles_before_update_icu BEFORE UPDATE ON metadata_items BEGIN DELETE FROM fts4_metadata_titles_icu WHERE docid=old.rowid; END;
  CREATE TRIGGER fts4_metadata_titles_after_update_icu AFTER UPDATE ON metadata_items BEGIN INSERT INTO fts4_metadata_titles_icu(docid, title) VALUES(new.rowid, new.title); END;
`;

/** Makes a library of path columns and little else at `file`, anew. */
export function makePathLibrary(file: string, rows: Partial<Readonly<Record<Place, readonly PathRow[]>>>, { journal = 'DELETE' }: { readonly journal?: 'DELETE' | 'WAL' } = {}): void {
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA page_size = 1024; PRAGMA journal_mode = ${journal}; PRAGMA synchronous = OFF; BEGIN; ${schema}`);
    for (const [place, given] of Object.entries(rows)) {
      const [table, column] = place.split('.');
      for (const { rowid, path, beside } of given) {
        const [one, middle, two] = [beside[0], path, beside[1]].map(written);
        database.prepare(`INSERT INTO ${table}(rowid, one, ${column}, two) VALUES (?, ${one?.sql}, ${middle?.sql}, ${two?.sql})`).run(rowid, one?.value ?? null, middle?.value ?? null, two?.value ?? null);
      }
    }
    database.exec(`${triggers}; COMMIT`);
  } finally {
    database.close();
  }
}

/** Reads the rows of one column back. */
export function readPathRows(file: string, place: Place): readonly PathRow[] {
  const [table, column] = place.split('.');
  const cells = ['one', column, 'two'].map((name, at) => `typeof(${name}) AS t${at}, CASE WHEN typeof(${name}) IN ('text', 'blob') THEN CAST(${name} AS BLOB) ELSE ${name} END AS c${at}`);
  const database = new DatabaseSync(`${pathToFileURL(file).href}?mode=ro&immutable=1`, { readOnly: true, readBigInts: true });
  try {
    return database
      .prepare(`SELECT rowid AS id, ${cells.join(', ')} FROM ${table} NOT INDEXED ORDER BY rowid`)
      .all()
      .map((row) => {
        const [one, path, two] = [0, 1, 2].map((at) => read(row[`t${at}`], row[`c${at}`]));
        return { rowid: BigInt(String(row['id'])), path: path ?? null, beside: [one ?? null, two ?? null] };
      });
  } finally {
    database.close();
  }
}

/** Text as a cell. */
export function text(value: string | Buffer): Cell {
  return { text: Buffer.from(value) };
}

function written(cell: Cell): { readonly sql: string; readonly value: null | bigint | number | Buffer } {
  if (cell === null || typeof cell === 'bigint' || typeof cell === 'number') return { sql: '?', value: cell };
  return 'text' in cell ? { sql: 'CAST(? AS TEXT)', value: cell.text } : { sql: '?', value: cell.blob };
}

function read(type: unknown, value: unknown): Cell {
  const bytes = value instanceof Uint8Array ? Buffer.from(value) : null;
  if (bytes !== null) return type === 'text' ? { text: bytes } : { blob: bytes };
  return typeof value === 'bigint' || typeof value === 'number' ? value : null;
}
