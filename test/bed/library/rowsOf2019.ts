import type { DatabaseSync } from 'node:sqlite';
import { createRows, type Cell, type Rows } from './rows.ts';

/** Writes rows as servers of about 2019 did: nothing that their schema lacks, dates as text, URLs of sidecars with nothing escaped. */
export function createRowsOf2019(database: DatabaseSync): Rows {
  const rows = createRows(database);
  const known = new Map<string, ReadonlyMap<string, string>>();

  function typesOf(table: string): ReadonlyMap<string, string> {
    const types = known.get(table) ?? new Map(database.prepare('SELECT name, type FROM pragma_table_info(?)').all(table).map(({ name, type }) => [String(name), String(type)]));
    known.set(table, types);
    return types;
  }
  function insert(table: string, cells: Readonly<Record<string, Cell>>): number {
    const types = typesOf(table);
    // What has no table yet is not kept; 0 is the id of no row.
    if (types.size === 0) return 0;
    const kept = Object.entries(cells).filter(([column]) => types.has(column));
    return rows.insert(table, Object.fromEntries(kept.map(([column, cell]) => [column, types.get(column) === 'datetime' ? dateText(cell) : column === 'url' ? unescaped(cell) : cell])));
  }
  return { insert, run: (sql, ...cells) => rows.run(sql, ...cells) };
}

function dateText(cell: Cell): Cell {
  return typeof cell === 'number' ? new Date(cell * 1000).toISOString().slice(0, 19).replace('T', ' ') : cell;
}

function unescaped(cell: Cell): Cell {
  if (typeof cell !== 'string' || !cell.startsWith('file://')) return cell;
  // One that was never escaped holds spaces, or a "%" of its own.
  return / |%(?!20|25)/.test(cell) ? cell : cell.replaceAll(/%(20|25)/g, (_, code: string) => (code === '20' ? ' ' : '%'));
}
