import type { DatabaseSync } from 'node:sqlite';
import { createRandom, type Random } from '../bed/library/random.ts';
import { mention, nastyValue, pathValues, type NastyValue, type PathValue } from './shapesValues.ts';

/** Columns in which paths belong, and how: written out here once more, so that plexlift's own list is not what fills the tables. */
export const pathPlaces: Readonly<Record<string, 'path' | 'url'>> = {
  'section_locations.root_path': 'path',
  'media_parts.file': 'path',
  'media_streams.url': 'url',
  'metadata_items.guid': 'url',
  'metadata_item_settings.guid': 'url',
  'metadata_item_views.guid': 'url',
  'metadata_item_views.grandparent_guid': 'url',
  'media_metadata_mappings.media_guid': 'url',
  'media_metadata_mappings.metadata_guid': 'url',
};

// Their text is copied into search tables, where a mention would be found once more.
const searched = new Set(['metadata_items.title', 'metadata_items.title_sort', 'metadata_items.original_title', 'tags.tag']);

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isRowid: boolean;
}

interface Filling {
  readonly database: DatabaseSync;
  readonly seed: number;
  readonly rows: number;
}

/**
 * Puts nasty values into every column of every ordinary table, found with `pragma table_xinfo`, and paths into those where paths belong.
 * Returns how many rows of which column name the library's root, as `table.column`.
 */
export function fillEveryTable({ database, seed, rows }: Filling): ReadonlyMap<string, number> {
  const mentioned = new Map<string, number>();
  const tables = database.prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name").all();
  for (const { name, strict } of tables) fillTable({ database, seed, rows }, { table: String(name), strict: Number(strict) === 1, mentioned });
  return mentioned;
}

function fillTable({ database, seed, rows }: Filling, { table, strict, mentioned }: { readonly table: string; readonly strict: boolean; readonly mentioned: Map<string, number> }): void {
  const random = createRandom(seed, table);
  const columns = columnsOf(database, table);
  // What a generated column makes of a mention would be found too, under another name.
  const hasGenerated = database.prepare('SELECT 1 FROM pragma_table_xinfo(?) WHERE hidden IN (2, 3)').get(table) !== undefined;
  const paths = new Map(columns.flatMap(({ name }) => {
    const form = pathPlaces[`${table}.${name}`];
    return form === undefined ? [] : [[name, pathValues(seed, form)] as const];
  }));
  const wanted = Math.max(rows, ...Array.from(paths.values(), (values) => values.length));
  let kept = 0;
  // A table may refuse a row (NOT NULL, UNIQUE), but not all of them.
  for (let number = 0; number < wanted || (kept === 0 && number < 500); number += 1) {
    const cells = columns.map((column): PathValue => {
      if (column.isRowid) return { value: rowidOf(table, { number, random }), mentions: false };
      // The newest of these is what the version of a schema is told by.
      if (`${table}.${column.name}` === 'schema_migrations.version') return { value: { text: Buffer.from(String(19_990_101_000_000 + number)) }, mentions: false };
      const path = paths.get(column.name);
      if (path !== undefined) return path[number % path.length] ?? { value: null, mentions: false };
      const canMention = !searched.has(`${table}.${column.name}`) && !hasGenerated && /char|text|blob|string/i.test(column.type) && `${table}.${column.name}` !== 'blobs.blob';
      if (canMention && random.chance(0.08)) return { value: mention(random, { blob: /blob/i.test(column.type), number }), mentions: true };
      return { value: nastyValue(random, { type: column.type, strict }), mentions: false };
    });
    if (!insertRow(database, { table, columns, cells })) continue;
    kept += 1;
    for (const [place, { mentions }] of cells.entries()) {
      const name = `${table}.${columns[place]?.name ?? ''}`;
      if (mentions) mentioned.set(name, (mentioned.get(name) ?? 0) + 1);
    }
  }
  if (kept === 0) throw new Error(`Cannot fill "${table}": it took no row`);
}

function columnsOf(database: DatabaseSync, table: string): readonly Column[] {
  return database
    .prepare('SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid')
    .all(table)
    .map(({ name, type, pk }) => ({ name: String(name), type: String(type), isRowid: Number(pk) === 1 && String(type).toUpperCase() === 'INTEGER' }));
}

// The ends of what a rowid can be, where no search table is keyed on it and nothing counts on from it.
function rowidOf(table: string, { number, random }: { readonly number: number; readonly random: Random }): bigint {
  if (table === 'media_parts' || table === 'media_streams') {
    if (number === 0) return -(2n ** 63n);
    if (number === 1) return 2n ** 63n - 1n;
    if (number === 2) return 0n;
  }
  return 100_000n + BigInt(number) * 1_000n + BigInt(random.integer(0, 999));
}

function insertRow(database: DatabaseSync, { table, columns, cells }: { readonly table: string; readonly columns: readonly Column[]; readonly cells: readonly PathValue[] }): boolean {
  const names = columns.map(({ name }) => quoted(name)).join(', ');
  const slots = cells.map(({ value }) => (isText(value) ? 'CAST(? AS TEXT)' : '?')).join(', ');
  const bound = cells.map(({ value }) => (isText(value) ? value.text : value));
  return Number(database.prepare(`INSERT OR IGNORE INTO ${quoted(table)}(${names}) VALUES (${slots})`).run(...bound).changes) === 1;
}

function isText(value: NastyValue): value is { readonly text: Buffer } {
  return typeof value === 'object' && value !== null && 'text' in value;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
