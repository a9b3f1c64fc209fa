import type { DatabaseSync } from 'node:sqlite';
import { isSqliteError, isStockCollation, quoted } from '../database.ts';
import type { FilePages } from './filePages.ts';
import type { StoredIndex } from './proofOfSchema.ts';
import type { Tally } from './proofReport.ts';
import { BrokenTree, createTreeCursor } from './treeCursor.ts';

/** One index, and what is known of the table it belongs to. */
export interface IndexComparison {
  readonly file: string;
  readonly index: StoredIndex;
  readonly rootPageBefore: number;
  /** The pages of both files, where these can be read by themselves. */
  readonly pages: { readonly before: FilePages; readonly after: FilePages } | null;
  /** True where each page of the index is the same in both files. */
  readonly isSame: boolean;
  /** What SQL can name the table's rowid by; null where it has none, or none that can be named. */
  readonly rowid: string | null;
  /** The columns of the table in which a cell differs from before. */
  readonly changed: ReadonlySet<string>;
  readonly tally: Tally;
}

/** Proves that an index holds what its table does: because neither changed, or entry by entry. */
export function compareIndex(database: DatabaseSync, comparison: IndexComparison): void {
  const { file, index, pages, rootPageBefore, isSame, rowid, changed, tally } = comparison;
  tally.countCompared({ indexes: 1 });
  const isAsBefore = isSame || (pages !== null && sameEntries(pages, { before: rootPageBefore, after: index.rootPage }));
  if (changed.size === 0 && isAsBefore) return;
  const shape = shapeOf(database, index);
  const isTouched = changed.size > 0 && (shape.columns === null || shape.columns.some((column) => changed.has(column)));
  if (!isTouched && isAsBefore) return;
  if (!shape.isKnown) {
    if (pages === null) tally.leaveOpen(`Index "${index.name}" of "${index.table}" in "${file}" was not compared: its order is one only Plex's own SQLite has, and the pages of the files cannot be compared`);
    else if (isAsBefore) tally.note({ file, table: index.table, kind: `the index "${index.name}" stayed as it was although cells it holds changed` });
    else tally.note({ file, table: index.table, kind: `the index "${index.name}" does not hold the same entries in the same order, and only Plex's own SQLite could tell whether they are right` });
  } else if (shape.columns !== null && rowid !== null) {
    compareWithRows(database, { ...comparison, columns: shape.columns, collations: shape.collations, rowid: quoted(rowid) });
  } else {
    compareByCheck(database, comparison);
  }
}

interface Shape {
  /** The columns it is made of; null where it holds expressions, or not every row. */
  readonly columns: readonly string[] | null;
  /** The collation of each column. */
  readonly collations: readonly string[];
  /** False where SQLite lacks a collation of its. */
  readonly isKnown: boolean;
}

function shapeOf(database: DatabaseSync, { name, table }: StoredIndex): Shape {
  const parts = database.prepare("SELECT cid, name, coll FROM pragma_index_xinfo(?, 'after') WHERE key = 1 ORDER BY seqno").all(name);
  const isPartial = Number(database.prepare("SELECT partial FROM pragma_index_list(?, 'after') WHERE name = ?").get(table, name)?.['partial'] ?? 0) === 1;
  const isPlain = !isPartial && parts.every(({ cid }) => Number(cid) >= 0);
  return { columns: isPlain ? parts.map((part) => String(part['name'])) : null, collations: parts.map(({ coll }) => String(coll ?? 'BINARY')), isKnown: parts.every(({ coll }) => coll === null || isStockCollation(String(coll))) };
}

/** True where two trees hold the same entries in the same order: they need no collation to be the same, wherever their pages lie. */
export function sameEntries(pages: { readonly before: FilePages; readonly after: FilePages }, roots: { readonly before: number; readonly after: number }): boolean {
  try {
    const [b, a] = [createTreeCursor(pages.before, roots.before), createTreeCursor(pages.after, roots.after)];
    for (;;) {
      const [moreBefore, moreAfter] = [b.next(), a.next()];
      if (!moreBefore || !moreAfter) return moreBefore === moreAfter;
      if (b.bytes.compare(a.bytes, a.start, a.end, b.start, b.end) !== 0) return false;
    }
  } catch (thrown) {
    if (thrown instanceof BrokenTree) return false;
    throw thrown;
  }
}

/** Looks every row up in the index, and counts the entries. */
function compareWithRows(database: DatabaseSync, { file, index, columns, collations, rowid, tally }: IndexComparison & { readonly columns: readonly string[]; readonly collations: readonly string[] }): void {
  const [table, name] = [quoted(index.table), quoted(index.name)];
  const equal = columns.map((column, place) => {
    const [i, r] = [`i.${quoted(column)}`, `r.${quoted(column)}`];
    // The first finds the entry, in the order of the index; the others tell what that order takes for equal.
    return `${i} COLLATE ${quoted(collations[place] ?? 'BINARY')} IS ${r} AND ${i} COLLATE BINARY IS ${r} AND typeof(${i}) = typeof(${r})`;
  });
  const missing = database.prepare(`SELECT r.${rowid} AS id FROM after.${table} AS r NOT INDEXED WHERE NOT EXISTS (SELECT 1 FROM after.${table} AS i INDEXED BY ${name} WHERE ${equal.join(' AND ')} AND i.${rowid} = r.${rowid})`);
  for (const row of missing.iterate()) tally.note({ file, table: index.table, rowid: String(row['id']), kind: `the index "${index.name}" does not hold this row as the table does` });
  const entries = Number(database.prepare(`SELECT count(typeof(i.${quoted(columns[0] ?? '')})) AS entries FROM after.${table} AS i INDEXED BY ${name}`).get()?.['entries']);
  const rows = Number(database.prepare(`SELECT count(*) AS rows FROM after.${table} NOT INDEXED`).get()?.['rows']);
  if (entries !== rows) tally.note({ file, table: index.table, kind: `the index "${index.name}" has ${entries} entries for ${rows} rows` });
}

// For the indexes that only SQLite can work out: of expressions, of some of the rows, of tables whose rows SQL can name by their key only.
function compareByCheck(database: DatabaseSync, { file, index, tally }: IndexComparison): void {
  const check = (schema: string): readonly string[] => database.prepare(`PRAGMA ${schema}.integrity_check(${quoted(index.table)})`).all().map((row) => String(row['integrity_check']));
  let before: ReadonlySet<string>;
  try {
    before = new Set(check('before'));
  } catch (thrown) {
    // An index beside it may need a collation or a function that only Plex has.
    if (!isSqliteError(thrown)) throw thrown;
    tally.leaveOpen(`Index "${index.name}" of "${index.table}" in "${file}" changed with its table and could not be checked: ${thrown.message}`);
    return;
  }
  for (const message of check('after')) {
    if (message !== 'ok' && !before.has(message)) tally.note({ file, table: index.table, kind: `the index "${index.name}" does not fit its table: ${message}` });
  }
}
