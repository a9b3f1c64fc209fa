import { breathe } from '../database.ts';
import type { FilePages } from './filePages.ts';
import { createPrediction, type Pair, type PredictedColumn, type PredictedForm } from './prediction.ts';
import type { StoredTable } from './proofOfSchema.ts';
import { createStoredValues, isText, readValues, type StoredValues } from './storedRecord.ts';
import { BrokenTree, createTreeCursor, type TreeCursor } from './treeCursor.ts';

/** Which table is compared, and what the pairs may change in it. Both files hold it under the same columns. */
export interface StoredRowsOptions {
  readonly before: FilePages;
  readonly after: FilePages;
  readonly table: StoredTable;
  readonly rootPageAfter: number;
  readonly predicted: readonly PredictedColumn[];
  readonly pairs: readonly Pair[];
}

/** What the bytes of the rows alone say. */
export interface StoredRowsOutcome {
  readonly rows: number;
  /** Cells that changed as predicted, by column. */
  readonly cells: ReadonlyMap<string, number>;
  /** Rows that are not proven equal: SQLite has to say what they hold. The first of them; `isComplete` where these are all. */
  readonly doubtful: readonly (number | bigint)[];
  readonly isComplete: boolean;
}

const doubtfulKept = 10_000;
const rowsBetweenBreaths = 20_000;

/**
 * Compares a table that has rowids by the bytes of its rows: equal, or changed in a predicted cell to what is predicted, or doubtful.
 * Doubtful is also what only looks different, such as the same number stored in another way. Null where a tree is broken.
 */
export async function compareStoredRows({ before, after, table, rootPageAfter, predicted, pairs }: StoredRowsOptions): Promise<StoredRowsOutcome | null> {
  const prediction = createPrediction(pairs);
  const columns = table.columns.map((column) => ({ form: predicted.find((each) => each.column === column)?.form ?? null, mayBeAbsent: table.withoutDefault.has(column) }));
  const paths = columns.flatMap(({ form }, place) => (form === null ? [] : [{ place, form }]));
  const [was, is] = [createStoredValues(), createStoredValues()];
  const counts = columns.map(() => 0);
  const doubtful: (number | bigint)[] = [];
  let [rows, doubts] = [0, 0];
  const doubt = (rowid: number | bigint): void => {
    doubts += 1;
    if (doubtful.length < doubtfulKept) doubtful.push(rowid);
  };
  try {
    const [b, a] = [createTreeCursor(before, table.rootPage), createTreeCursor(after, rootPageAfter)];
    const rowPair: RowPair = { b, a, was, is, columns, paths, prediction, counts, moved: [] };
    let [moreBefore, moreAfter] = [b.next(), a.next()];
    while (moreBefore || moreAfter) {
      if (moreBefore && moreAfter && b.rowid === a.rowid) {
        rows += 1;
        if (!isAsPredicted(rowPair)) doubt(b.rowid);
        moreBefore = b.next();
        moreAfter = a.next();
      } else if (moreBefore && (!moreAfter || b.rowid < a.rowid)) {
        rows += 1;
        doubt(b.rowid);
        moreBefore = b.next();
      } else {
        doubt(a.rowid);
        moreAfter = a.next();
      }
      if (rows % rowsBetweenBreaths === 0) await breathe();
    }
  } catch (thrown) {
    if (thrown instanceof BrokenTree) return null;
    throw thrown;
  }
  const cells = new Map(table.columns.map((column, place) => [column, counts[place] ?? 0] as const).filter(([, count]) => count > 0));
  return { rows, cells, doubtful, isComplete: doubts === doubtful.length };
}

interface RowPair {
  readonly b: TreeCursor;
  readonly a: TreeCursor;
  readonly was: StoredValues;
  readonly is: StoredValues;
  readonly columns: readonly { readonly form: PredictedForm | null; readonly mayBeAbsent: boolean }[];
  readonly paths: readonly { readonly place: number; readonly form: PredictedForm }[];
  readonly prediction: (value: string, form: PredictedForm) => string;
  /** Counted up for each cell that changed. */
  readonly counts: number[];
  /** Places of the row's cells that changed. */
  readonly moved: number[];
}

function isAsPredicted(rows: RowPair): boolean {
  const { b, a, was, is } = rows;
  const length = b.end - b.start;
  if (length === a.end - a.start && sameRange(b, b.start, { other: a, at: a.start, length })) {
    return rows.paths.length === 0 || (readValues(b, was, (rows.paths.at(-1)?.place ?? 0) + 1) && rows.paths.every(({ place, form }) => mayStay(rows, place, form)));
  }
  if (!readValues(b, was) || !readValues(a, is) || was.count > rows.columns.length || is.count > rows.columns.length) return false;
  return isChangedAsPredicted(rows);
}

function mayStay({ b, was, prediction }: RowPair, place: number, form: PredictedForm): boolean {
  if (place >= was.count || !isText(was.types[place] ?? 0)) return true;
  const [start, length] = [was.starts[place] ?? 0, was.lengths[place] ?? 0];
  const first = b.bytes[start];
  // Only what begins as a path or a file URL does can be mapped.
  if (length === 0 || (first !== slash && first !== letterF)) return true;
  const value = b.bytes.toString('latin1', start, start + length);
  return prediction(value, form) === value;
}

const slash = 0x2f;
const letterF = 0x66;

function isChangedAsPredicted({ b, a, was, is, columns, paths, prediction, counts, moved }: RowPair): boolean {
  moved.length = 0;
  for (let place = 0; place < columns.length; place += 1) {
    const type = place < was.count ? (was.types[place] ?? 0) : 0;
    const typeAfter = place < is.count ? (is.types[place] ?? 0) : 0;
    const column = columns[place];
    if (column === undefined || (was.count !== is.count && (place >= was.count || place >= is.count) && !column.mayBeAbsent)) return false;
    if (type !== typeAfter && (column.form === null || !isText(type) || !isText(typeAfter))) return false;
  }
  // Between the predicted columns every byte is the same.
  let from = was.starts[0] ?? b.end;
  let fromAfter = is.starts[0] ?? a.end;
  for (const { place, form } of paths) {
    if (place >= was.count || !isText(was.types[place] ?? 0)) continue;
    const [start, startAfter] = [was.starts[place] ?? 0, is.starts[place] ?? 0];
    if (start - from !== startAfter - fromAfter || !sameRange(b, from, { other: a, at: fromAfter, length: start - from })) return false;
    from = start + (was.lengths[place] ?? 0);
    fromAfter = startAfter + (is.lengths[place] ?? 0);
    const value = b.bytes.toString('latin1', start, from);
    const found = a.bytes.toString('latin1', startAfter, fromAfter);
    if (found !== prediction(value, form)) return false;
    if (found !== value) moved.push(place);
  }
  const isEqual = b.end - from === a.end - fromAfter && sameRange(b, from, { other: a, at: fromAfter, length: b.end - from });
  if (isEqual) for (const place of moved) counts[place] = (counts[place] ?? 0) + 1;
  return isEqual;
}

interface OtherRange {
  readonly other: TreeCursor;
  readonly at: number;
  readonly length: number;
}

function sameRange(one: TreeCursor, from: number, { other, at, length }: OtherRange): boolean {
  return length === 0 || one.bytes.compare(other.bytes, at, at + length, from, from + length) === 0;
}
