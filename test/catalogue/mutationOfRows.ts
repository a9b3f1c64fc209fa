import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { blobsDatabase, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import type { Random } from '../bed/library/random.ts';
import { bareTable, filledTables, reading, type MutableTable, type Mutate, type Mutation } from './mutation.ts';
import { guideDatabase } from './mutableCatalogue.ts';
import { databaseOf } from './smallCatalogue.ts';
import { withSchemaTakenApart } from './takenApart.ts';

type Cell = string | number | bigint | null | Uint8Array;

/** One cell anywhere, shadow tables and sequences among them, in one of the ways a value can differ. */
export const mutateCell: Mutate = (random, { after }) => {
  const path = pickDatabase(random, after);
  const table = pickTable(random, path);
  const columns = table.columns.filter((column) => column !== table.rowidColumn);
  if (columns.length === 0) return null;
  const column = random.pick(columns);
  const isKey = !table.hasRowid && table.keyColumns.includes(column);
  const row = reading(path, (database) => pickRow(random, { database, table }));
  const was = readCell(path, { column: isKey ? null : column, table, row });
  const mutation = takenApart(path, table, (database) => {
    const name = `"${column}"`;
    const cell = database.prepare(`SELECT typeof(${name}) AS type, ${name} AS value, CAST(${name} AS BLOB) AS bytes FROM "${table.name}" WHERE ${row.where}`).get(...row.key);
    if (cell === undefined) return null;
    const [kind, sql, value] = random.pick(changesOf(cell, random));
    try {
      database.prepare(`UPDATE "${table.name}" SET ${name} = ${sql} WHERE ${row.where}`).run(...(value === undefined ? [] : [value]), ...row.key);
    } catch {
      // A unique index may forbid it.
      return null;
    }
    return {
      what: `${path}: ${table.name}.${column}, row ${row.key.join(' ')}: ${kind}`,
      path,
      isNamedBy: (found) => path.endsWith(found.file) && found.table === table.name && (isKey || (found.column === column && (row.rowid === null || found.rowid === row.rowid))),
    };
  });
  // A number may be stored in two ways and be the same to everyone who reads it.
  return mutation === null || readCell(path, { column: isKey ? null : column, table, row }) === was ? null : mutation;
};

// What everyone reads in a cell, as one text; of a key, whether the row is there.
function readCell(path: string, { column, table, row }: { readonly column: string | null; readonly table: MutableTable; readonly row: Row }): string {
  const name = column === null ? '1' : `"${column}"`;
  return reading(path, (database) => JSON.stringify(database.prepare(`SELECT typeof(${name}) AS type, quote(${name}) AS value, hex(CAST(${name} AS BLOB)) AS bytes, CASE typeof(${name}) WHEN 'real' THEN atan2(${name}, -1) END AS sign FROM "${table.name}" WHERE ${row.where}`).get(...row.key) ?? null));
}

/** One row deleted, added, given another rowid, or changed for another. */
export const mutateRow: Mutate = (random, { after }) => {
  const path = pickDatabase(random, after);
  const table = pickTable(random, path);
  const others = table.columns.filter((column) => column !== table.rowidColumn).map((column) => `"${column}"`);
  const [rowid, columns, name] = [rowidName(table), others.join(', '), `"${table.name}"`];
  const named = (id: string | null, kinds: readonly string[]): Mutation['isNamedBy'] => (found) => path.endsWith(found.file) && found.table === table.name && (id === null || found.rowid === id) && (kinds.length === 0 || kinds.includes(found.kind));
  return takenApart(path, table, (database) => {
    const row = pickRow(random, { database, table });
    const free = BigInt(String(rowid === null ? 0 : database.prepare(`SELECT max(${rowid}) + ${random.integer(1, 9)} AS free FROM ${name}`).get()?.['free']));
    const ways: readonly (readonly [string, Mutation['isNamedBy'], () => unknown])[] = [
      ['deleted', named(row.rowid, ['the row is gone']), () => database.prepare(`DELETE FROM ${name} WHERE ${row.where}`).run(...row.key)],
      ...(rowid === null || row.rowid === null
        ? []
        : ([
            ['added', named(String(free), ['the row was added']), () => database.prepare(`INSERT INTO ${name}(${[rowid, columns].filter((part) => part !== '').join(', ')}) SELECT ${[String(free), columns].filter((part) => part !== '').join(', ')} FROM ${name} WHERE ${row.where}`).run(...row.key)],
            ['another rowid', named(row.rowid, ['the row is gone']), () => database.prepare(`UPDATE ${name} SET ${rowid} = ${free} WHERE ${row.where}`).run(...row.key)],
            ...(table.rows > 1 && columns !== '' ? ([['swapped', named(row.rowid, []), () => swap(database, { random, table, rowid, one: row, columns })]] as const) : []),
          ] as const)),
    ];
    const [kind, isNamedBy, change] = random.pick(ways);
    try {
      if (change() === false) return null;
    } catch {
      return null;
    }
    return { what: `${path}: ${table.name}, row ${row.key.join(' ')}: ${kind}`, path, isNamedBy };
  });
};

interface Swap {
  readonly random: Random;
  readonly table: MutableTable;
  readonly rowid: string;
  readonly one: Row;
  readonly columns: string;
}

function swap(database: DatabaseSync, { random, table, rowid, one, columns }: Swap): boolean {
  const other = pickRow(random, { database, table });
  const name = `"${table.name}"`;
  if (other.rowid === one.rowid) return false;
  const differ = database.prepare(`SELECT 1 FROM (SELECT ${columns} FROM ${name} WHERE ${one.where} EXCEPT SELECT ${columns} FROM ${name} WHERE ${other.where})`).get(...one.key, ...other.key);
  if (differ === undefined) return false;
  const away = -77_777;
  const move = database.prepare(`UPDATE ${name} SET ${rowid} = ? WHERE ${rowid} = ?`);
  for (const [to, from] of [[away, one.rowid], [one.rowid, other.rowid], [other.rowid, away]]) move.run(BigInt(String(to)), BigInt(String(from)));
  return true;
}

function changesOf(cell: Readonly<Record<string, unknown>>, random: Random): readonly (readonly [string, string, SQLInputValue?])[] {
  const bytes = cell['bytes'] instanceof Uint8Array ? Buffer.from(cell['bytes']) : Buffer.alloc(0);
  const text = bytes.toString('utf8');
  const value = cell['value'] as Cell;
  switch (cell['type']) {
    case 'null':
      return [["NULL to ''", "''"], ['NULL to 0', '0'], ['NULL to an empty BLOB', "x''"]];
    case 'integer':
      return [['one more', '?', BigInt(String(value)) + 1n], ['to the same real', `CAST(${String(value)} AS REAL)`], ['to the same text', `'${String(value)}'`], ['to NULL', 'NULL']];
    case 'real':
      return [...(value === 0 ? ([['the other zero', '?', Object.is(value, 0) ? -0 : 0]] as const) : []), ['the next number', '?', nextNumber(Number(value))], ['to the same text', `'${String(value)}'`], ['to NULL', 'NULL'], ...(Number.isInteger(value) ? ([['to the same integer', String(BigInt(Number(value)))]] as const) : [])];
    case 'text': {
      const cut = random.integer(0, Math.max(bytes.length - 1, 0));
      const flipped = Buffer.from(bytes);
      if (flipped.length > 0) flipped[cut] = (flipped[cut] ?? 0) ^ 0x20;
      const form = text === text.normalize('NFD') ? text.normalize('NFC') : text.normalize('NFD');
      return [
        ['a space at its end', 'CAST(? AS TEXT)', Buffer.concat([bytes, Buffer.from(' ')])],
        ['a NUL at its end', 'CAST(? AS TEXT)', Buffer.concat([bytes, Buffer.from([0])])],
        ['the case of a letter', 'CAST(? AS TEXT)', flipped],
        ['another normal form', 'CAST(? AS TEXT)', Buffer.from(form)],
        ['to a BLOB of the same bytes', '?', bytes],
        ['to NULL', 'NULL'],
        ["to ''", "''"],
      ];
    }
    default: {
      const flipped = Buffer.from(bytes);
      if (flipped.length > 0) flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
      return [['its last bit', '?', flipped], ['one byte less', '?', bytes.subarray(0, -1)], ['to text of the same bytes', 'CAST(? AS TEXT)', bytes], ['to NULL', 'NULL']];
    }
  }
}

function nextNumber(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + 1n);
  return view.getFloat64(0);
}

/** With nothing in the schema but this table, bare; where `change` says null, nothing was changed. */
function takenApart(path: string, table: MutableTable, change: (database: DatabaseSync) => Mutation | null): Mutation | null {
  return withSchemaTakenApart(path, (row) => (row.type === 'table' && row.name === table.name ? { ...row, sql: bareTable(table) } : null), change);
}

interface Row {
  readonly where: string;
  readonly key: readonly (string | number | bigint | null | Uint8Array)[];
  readonly rowid: string | null;
}

function pickRow(random: Random, { database, table }: { readonly database: DatabaseSync; readonly table: MutableTable }): Row {
  const rowid = rowidName(table);
  const names = rowid === null ? table.keyColumns.map((column) => `"${column}"`) : [rowid];
  const found = database.prepare(`SELECT ${names.map((name, place) => `${name} AS k${place}`).join(', ')} FROM "${table.name}" LIMIT 1 OFFSET ${random.integer(0, table.rows - 1)}`).get();
  const key = names.map((_, place) => found?.[`k${place}`] ?? null);
  return { where: names.map((name) => `${name} IS ?`).join(' AND '), key, rowid: rowid === null ? null : String(key[0]) };
}

function rowidName({ hasRowid, rowidColumn, columns }: MutableTable): string | null {
  if (!hasRowid) return null;
  const free = ['rowid', '_rowid_', 'oid'].find((name) => !columns.some((column) => column.toLowerCase() === name));
  return free ?? (rowidColumn === null ? null : `"${rowidColumn}"`);
}

function pickDatabase(random: Random, after: string): string {
  return databaseOf(after, random.pick([libraryDatabase, libraryDatabase, libraryDatabase, blobsDatabase, guideDatabase]));
}

function pickTable(random: Random, path: string): MutableTable {
  return random.pick(reading(path, filledTables));
}
