import type { DatabaseSync } from 'node:sqlite';
import { plexliftVersion } from '../version.ts';
import { bytesOf, type PageMark } from './entry.ts';
import { numberIn } from './manifestRows.ts';
import { numberSet, type NumberSet } from './numberSet.ts';

/** What a page of the listing before held. */
export interface KnownPage {
  /** The numbers of its entries. */
  readonly numbers: readonly number[];
  /** Of its files. */
  readonly bytes: number;
}

/** The pages of one listing beside those of the one before. A page that is in here was recorded with all its entries, and none changed since. */
export interface PageBook {
  /** What the same page held before; null for one that is new, or says something else now. */
  recall(mark: PageMark): KnownPage | null;
  /** To be called in the transaction that recorded its entries. */
  keep(mark: PageMark, page: KnownPage): void;
  /** Forgets the pages that were neither recalled nor kept, to be called in the transaction that tells their entries to be gone. */
  forgetOthers(): void;
}

/** The pages of a tree, for one listing. `fromBefore`: whether the one before came to its end, and what it left can be relied on. */
export function openPages(database: DatabaseSync, { tree, fromBefore }: { readonly tree: string; readonly fromBefore: boolean }): PageBook {
  if (!fromBefore) database.prepare('DELETE FROM pages WHERE tree = ?').run(tree);
  const read = database.prepare('SELECT id, bytes, numbers FROM pages WHERE tree = ? AND path = ? AND digest = ?');
  const write = database.prepare(`
    INSERT INTO pages (tree, path, digest, bytes, numbers) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (tree, path) DO UPDATE SET digest = excluded.digest, bytes = excluded.bytes, numbers = excluded.numbers RETURNING id`);
  const count = database.prepare('SELECT count(*) AS pages FROM pages WHERE tree = ?');
  const met: NumberSet = numberSet();
  const hasAny = numberIn(count.get(tree) ?? {}, 'pages') > 0;
  return {
    recall(mark) {
      const row = hasAny ? read.get(tree, bytesOf(mark.path), saidBy(mark)) : undefined;
      const numbers = row?.['numbers'];
      if (row === undefined || !(numbers instanceof Uint8Array)) return null;
      met.add(numberIn(row, 'id'));
      return { numbers: numbersFrom(numbers), bytes: numberIn(row, 'bytes') };
    },
    keep(mark, page) {
      met.add(numberIn(write.get(tree, bytesOf(mark.path), saidBy(mark), page.bytes, bytesFrom(page.numbers)) ?? {}, 'id'));
    },
    forgetOthers() {
      if (numberIn(count.get(tree) ?? {}, 'pages') === met.size()) return;
      database.function('page_was_met', (id) => Number(met.has(Number(id))));
      database.prepare('DELETE FROM pages WHERE tree = ? AND NOT page_was_met(id)').run(tree);
    },
  };
}

/** What of a page moves, and what stays behind, is for the program to say that read it. */
function saidBy({ digest }: PageMark): string {
  return `${plexliftVersion} ${digest}`;
}

function bytesFrom(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(numbers).buffer);
}

function numbersFrom(bytes: Uint8Array): readonly number[] {
  return [...new Uint32Array(bytes.slice().buffer)];
}
