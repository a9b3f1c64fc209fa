import { createHash } from 'node:crypto';
import { copyFileSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeScratchDirectory } from './scratch.ts';

/** A row by column name. */
export type Row = Readonly<Record<string, unknown>>;

/** All rows of a query on an open database, as plain objects. */
export function rowsOf(database: DatabaseSync, sql: string): readonly Row[] {
  return database.prepare(sql).all().map((row) => ({ ...row }));
}

/** All rows of a query on a copy of the database at `path`: opening a WAL database itself would make files beside it. */
export function query(path: string, sql: string): readonly Row[] {
  return onCopy(path, (copy) => {
    const database = new DatabaseSync(copy, { readOnly: true, enableForeignKeyConstraints: false });
    try {
      return rowsOf(database, sql);
    } finally {
      database.close();
    }
  });
}

/** Lets `inspect` use a copy in which what only Plex has is replaced by what stands in for it, so that stock SQLite can judge the contents. */
export function onStockCopy<T>(path: string, inspect: (database: DatabaseSync) => T): T {
  return onCopy(path, (copy) => {
    const unlocked = new DatabaseSync(copy, { enableForeignKeyConstraints: false, defensive: false });
    try {
      unlocked.exec(`PRAGMA writable_schema=ON;
        UPDATE sqlite_master SET sql = replace(sql, 'COLLATE icu_root', 'COLLATE NOCASE') WHERE name = 'index_title_sort_icu';
        UPDATE sqlite_master SET sql = substr(sql, 1, instr(sql, ', tokenize=') - 1) || ')' WHERE sql LIKE '%tokenize=collating%';
        DELETE FROM sqlite_master WHERE sql LIKE '%USING spellfix1%'`);
    } finally {
      unlocked.close();
    }
    const database = new DatabaseSync(copy, { enableForeignKeyConstraints: false });
    try {
      return inspect(database);
    } finally {
      database.close();
    }
  });
}

/** Compares as the bed's `icu_root` does: code points with ASCII case folded, runs of digits by value, ties by bytes. */
export function compareIcuRoot(left: string, right: string): number {
  const pieces = (text: string): readonly string[] => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()).match(/\d+|[^\d]/gu) ?? [];
  const [leftPieces, rightPieces] = [pieces(left), pieces(right)];
  for (let index = 0; index < Math.min(leftPieces.length, rightPieces.length); index += 1) {
    const [one = '', other = ''] = [leftPieces[index], rightPieces[index]];
    const numbers = /^\d/.test(one) && /^\d/.test(other);
    const difference = numbers ? Number(one) - Number(other) : (one.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return leftPieces.length - rightPieces.length || Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** One line for each entry below `root`: name, mode, modification time, link target or digest of the content. */
export function fingerprint(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(root, name);
      const stats = lstatSync(path);
      if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(path)} ${stats.mtimeMs}`;
      if (stats.isDirectory()) return `${name}/ ${stats.mode}`;
      return `${name} ${stats.mode} ${stats.mtimeMs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
    });
}

function onCopy<T>(path: string, use: (copy: string) => T): T {
  const directory = makeScratchDirectory('plexlift-inspection-');
  try {
    const copy = join(directory, 'copy.db');
    copyFileSync(path, copy);
    return use(copy);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
