import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { messageOf, PlexliftError } from '../../errors.ts';
import { afterMove, type Move, type PathMapping } from '../../plex/pathMapping.ts';
import { moveOfValue } from '../../plex/pathValue.ts';
import { reversalOf } from '../../plex/reversal.ts';
import { breathe, isSqliteError, quoted } from '../database.ts';
import type { PresentColumn } from './rewritePlan.ts';

/** What happened to one column of one database. */
export type ColumnRewrite = {
  readonly table: string;
  readonly column: string;
  /** Rows that held a path: text in a column of plain paths, `file://` URLs in one of URLs. */
  readonly rows: number;
  readonly changed: number;
  /** Rows each rule has, by its `from`; an identity rule has rows without changing them. */
  readonly byRule: readonly { readonly from: string; readonly rows: number }[];
  /** Rows that held a path no rule has. */
  readonly uncovered: number;
  /** Rows the reverse of the mapping would not give back as they were, changed or not. */
  readonly irreversible: number;
};

interface ColumnOptions {
  readonly mapping: PathMapping;
  /** Told the number of rows of each batch. */
  readonly onBatch: (rows: number) => void;
}

const batchRows = 250;
const [leastRowid, greatestRowid] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Maps one column, inside the open transaction: every row once. Throws `refused` where the table does not take a value. */
export async function rewriteColumn(database: DatabaseSync, column: PresentColumn, { mapping, onBatch }: ColumnOptions): Promise<ColumnRewrite> {
  const [table, name, rowid] = [quoted(column.table), quoted(column.column), quoted(column.rowid)];
  // As digits: text that is no valid UTF-8 would come back changed, and blobs take longer to hand over. By rowid and without indexes:
  // an index on the path would show a row again under its new path.
  const rows = `${table} NOT INDEXED`;
  const inReach = holdsPath(name, column.form);
  const select = database.prepare(`SELECT ${rowid} AS id, hex(CAST(${name} AS BLOB)) AS value FROM ${rows} WHERE ${rowid} >= ? AND ${inReach} ORDER BY ${rowid} LIMIT ${batchRows}`);
  const update = database.prepare(`UPDATE ${rows} SET ${name} = CAST(? || substr(CAST(${name} AS BLOB), ?) AS TEXT) WHERE ${rowid} BETWEEN ? AND ? AND ${inReach}`);
  const reversal = reversalOf(mapping);
  const byRule = new Map(mapping.rules.map(({ from }) => [from, 0]));
  const count = { rows: 0, changed: 0, uncovered: 0, irreversible: 0 };
  let next: bigint | null = leastRowid;
  while (next !== null) {
    const batch: readonly Readonly<Record<string, unknown>>[] = select.all(next);
    const runs: Run[] = [];
    let last = greatestRowid;
    for (const row of batch) {
      if (typeof row['id'] !== 'bigint' || typeof row['value'] !== 'string') throw new Error(`Cannot rewrite "${column.table}": a row without a number or a value`);
      last = row['id'];
      const before = Buffer.from(row['value'], 'hex');
      const moved = moveOfValue(mapping, column.form, before);
      const after = moved === null ? before : afterMove(before, moved.move);
      count.rows += 1;
      if (moved === null) count.uncovered += 1;
      else byRule.set(moved.rule.from, (byRule.get(moved.rule.from) ?? 0) + 1);
      if (!reversal.givesBack(column.form, { before, after })) count.irreversible += 1;
      addToRuns(runs, last, moved === null || moved.rule.from === moved.rule.to ? null : moved.move);
    }
    for (const run of runs) count.changed += write(update, run, column);
    onBatch(batch.length);
    next = batch.length < batchRows || last === greatestRowid ? null : last + 1n;
    if (next !== null) await breathe();
  }
  return { table: column.table, column: column.column, ...count, byRule: Array.from(byRule, ([from, rows]) => ({ from, rows })) };
}

/** Rows one after the other that change in the same way, or not at all. */
interface Run {
  readonly move: Move | null;
  readonly first: bigint;
  last: bigint;
  rows: number;
}

function addToRuns(runs: Run[], id: bigint, move: Move | null): void {
  const run = runs.at(-1);
  if (run === undefined || run.move?.put !== move?.put || run.move?.cutBytes !== move?.cutBytes) {
    runs.push({ move, first: id, last: id, rows: 1 });
  } else {
    run.last = id;
    run.rows += 1;
  }
}

/** True in SQL of a cell that holds a path; most streams and nearly all identifiers hold none, and never cross over. */
function holdsPath(name: string, form: PresentColumn['form']): string {
  // "0" follows "/"; numbers sort before text and blobs after it.
  return form === 'path' ? `typeof(${name}) = 'text' AND ${name} COLLATE BINARY > ''` : `${name} COLLATE BINARY >= 'file:///' AND ${name} COLLATE BINARY < 'file://0'`;
}

/** One statement for the whole run: to hand over each row by itself would take as long as to change it. */
function write(update: StatementSync, { move, first, last, rows }: Run, { table, column }: PresentColumn): number {
  if (move === null) return 0;
  try {
    const changed = Number(update.run(move.put, move.cutBytes + 1, first, last).changes);
    if (changed !== rows) throw new Error(`Cannot rewrite "${table}": ${changed} rows from ${first} to ${last} took a new path, not ${rows}`);
    return rows;
  } catch (thrown) {
    if (!isSqliteError(thrown) || thrown.errcode % 256 !== sqliteConstraint) throw thrown;
    throw new PlexliftError('refused', `Cannot rewrite "${table}": ${messageOf(thrown)}`, {
      facts: [`One of the rows ${first} to ${last}, whose "${column}" was to begin with "${move.put.toString('utf8')}"`],
      remedy: 'The table does not take this value, most often because another row holds it already. Nothing was changed; give the directories of the mapping targets of their own',
      cause: thrown,
    });
  }
}

// SQLITE_CONSTRAINT; the upper bytes of the code say which.
const sqliteConstraint = 19;
