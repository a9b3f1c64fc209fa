import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { cellPointers, changePages, pageOf } from '../catalogue/rawPages.ts';

/**
 * Changes the last bytes of an index's page, as a failing disk does: the file stays well formed, so that a server starts on it and serves,
 * but the index names rows that do not exist. Nothing may have the file open. Throws when the index has more than the one page.
 */
export function spoilIndex(file: string, index: string): void {
  const { start, size } = rootPage(file, index);
  const descriptor = openSync(file, 'r+');
  try {
    const page = Buffer.alloc(size);
    readSync(descriptor, page, 0, size, start);
    // https://www.sqlite.org/fileformat2.html#b_tree_pages
    const isLeafOfAnIndex = page[0] === 0x0a;
    if (!isLeafOfAnIndex || page.readUInt16BE(3) === 0) throw new Error(`Cannot damage the index "${index}" in "${file}": its first page holds no entries`);
    writeSync(descriptor, page.subarray(size - 2).map((byte) => byte ^ 0x55), 0, 2, start + size - 2);
  } finally {
    closeSync(descriptor);
  }
}

/** Overwrites the first page of a table with zeros: nothing that reads this table can go on. Nothing may have the file open. */
export function wipeTable(file: string, table: string): void {
  const { start, size } = rootPage(file, table);
  const descriptor = openSync(file, 'r+');
  try {
    writeSync(descriptor, Buffer.alloc(size), 0, size, start);
  } finally {
    closeSync(descriptor);
  }
}

/** Lets the first and the last entry on a page of the index of titles change places: sound to whoever does not know its order. Nothing may have the file open. */
export function swapTitles(file: string): void {
  const leaf = pageOf(file, 'index_title_sort_icu', ({ type, cells }) => type === 'leaf' && cells > 2);
  changePages(file, ({ page }) => {
    const bytes = page(leaf);
    const pointers = cellPointers(bytes);
    const [first, last] = [pointers.at(0) ?? 0, pointers.at(-1) ?? 0];
    const [one, other] = [bytes.readUInt16BE(first), bytes.readUInt16BE(last)];
    bytes.writeUInt16BE(other, first);
    bytes.writeUInt16BE(one, last);
  });
}

function rootPage(file: string, name: string): { readonly start: number; readonly size: number } {
  const database = new DatabaseSync(file);
  try {
    const size = Number(database.prepare('PRAGMA page_size').get()?.['page_size']);
    const row = database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(name);
    if (row === undefined) throw new Error(`Cannot damage "${name}": "${file}" has no such part`);
    return { start: (Number(row['rootpage']) - 1) * size, size };
  } finally {
    database.close();
  }
}
