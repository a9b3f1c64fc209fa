import type { SQLOutputValue } from 'node:sqlite';
import { bytePath, type BytePath, type Entry } from './entry.ts';

/** One row as node:sqlite returns it. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** The columns that make an entry, for a SELECT. */
export const entryColumns = 'path, type, size, modified, changed, mode, link';

/** The entry in a row with `entryColumns`. */
export function entryOf(row: Row): Entry {
  const link = row['link'];
  return {
    path: pathIn(row, 'path'),
    type: typeIn(row, 'type'),
    sizeBytes: numberIn(row, 'size'),
    modifiedAtSeconds: numberIn(row, 'modified'),
    changedAt: textIn(row, 'changed'),
    mode: numberIn(row, 'mode'),
    ...(link instanceof Uint8Array ? { linkTarget: bytePath(link) } : {}),
  };
}

/** A column that holds a path. Throws where it does not. */
export function pathIn(row: Row, column: string): BytePath {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw unexpected(row, column);
  return bytePath(value);
}

/** A column that holds a number. Throws where it does not. */
export function numberIn(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw unexpected(row, column);
  return value;
}

/** A column that holds text. Throws where it does not. */
export function textIn(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw unexpected(row, column);
  return value;
}

function typeIn(row: Row, column: string): Entry['type'] {
  const type = entryTypes.find((known) => known === row[column]);
  if (type === undefined) throw unexpected(row, column);
  return type;
}

const entryTypes = ['file', 'directory', 'link', 'other'] as const satisfies readonly Entry['type'][];

function unexpected(row: Row, column: string): Error {
  return new Error(`The manifest holds an unexpected value in column "${column}": ${typeof row[column]}`);
}
