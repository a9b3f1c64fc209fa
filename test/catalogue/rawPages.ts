import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** A database file as bytes; pages are numbered from 1, https://www.sqlite.org/fileformat2.html#pages. */
export interface RawPages {
  readonly bytes: Buffer;
  readonly pageSize: number;
  readonly count: number;
  /** The bytes of one page; writing to them changes the file. */
  page(number: number): Buffer;
}

/** A page of a b-tree and what it is, as SQLite itself tells it. */
export interface TreePage {
  readonly number: number;
  readonly type: 'internal' | 'leaf' | 'overflow';
  readonly cells: number;
}

/** Lets `change` work on the bytes of a database that nobody has open; the file keeps its owner and mode. */
export function changePages(file: string, change: (pages: RawPages) => void): void {
  const bytes = readFileSync(file);
  const stored = bytes.readUInt16BE(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  change({ bytes, pageSize, count: Math.floor(bytes.length / pageSize), page: (number) => bytes.subarray((number - 1) * pageSize, number * pageSize) });
  writeFileSync(file, bytes);
}

/** The pages of a table or index, in the order of its tree. */
export function pagesOf(file: string, name: string): readonly TreePage[] {
  return query(file, `SELECT pageno AS number, pagetype AS type, ncell AS cells FROM dbstat WHERE name = '${name}' ORDER BY path`) as unknown as readonly TreePage[];
}

/** The page on which the tree of a table or index begins. */
export function rootPageOf(file: string, name: string): number {
  return Number(query(file, `SELECT rootpage FROM sqlite_master WHERE name = '${name}'`)[0]?.['rootpage']);
}

/** The first page of a tree that fits; throws where there is none. */
export function pageOf(file: string, name: string, fits: (page: TreePage) => boolean): number {
  const found = pagesOf(file, name).find(fits);
  if (found === undefined) throw new Error(`Cannot damage "${name}" in "${file}": it has no such page`);
  return found.number;
}

/** What a query says of a file; nothing is left beside it. */
export function query(file: string, sql: string): readonly Record<string, unknown>[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** Runs statements on a database as a hand would, its schema unprotected; its write-ahead log is gone into it afterwards. */
export function execute(file: string, sql: string): void {
  const database = new DatabaseSync(file, { defensive: false, enableForeignKeyConstraints: false });
  try {
    database.exec(sql);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

/** Writes a file that belongs to whom `like` belongs to. */
export function writeFileLike(file: string, { like, content }: { readonly like: string; readonly content: Buffer }): void {
  const { uid, gid, mode } = statSync(like);
  writeFileSync(file, content, { mode });
  chownSync(file, uid, gid);
}

/** Where the pointers to the cells of a b-tree page lie, counted from the page's begin. Page 1 is no such page here: its header comes first. */
export function cellPointers(page: Buffer): readonly number[] {
  const isInterior = page[0] === 0x02 || page[0] === 0x05;
  const start = isInterior ? 12 : 8;
  return Array.from({ length: page.readUInt16BE(3) }, (_, position) => start + position * 2);
}

/** Swaps the first and the last entry of a page of an index: every row is still named, in the wrong place. */
export function swapEntries(file: string, name: string): void {
  const leaf = pageOf(file, name, ({ type, cells }) => type === 'leaf' && cells > 2);
  changePages(file, ({ page }) => {
    const bytes = page(leaf);
    const pointers = cellPointers(bytes);
    const [first, last] = [pointers[0] ?? 0, pointers.at(-1) ?? 0];
    const cell = bytes.readUInt16BE(first);
    bytes.writeUInt16BE(bytes.readUInt16BE(last), first);
    bytes.writeUInt16BE(cell, last);
  });
}
