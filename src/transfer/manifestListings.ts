import type { DatabaseSync } from 'node:sqlite';
import { bytesOf, type Entry, type PageMark } from './entry.ts';
import { inTransaction } from './manifestFile.ts';
import { openPages, type PageBook } from './manifestPages.ts';
import { numberIn } from './manifestRows.ts';
import { numberSet, type NumberSet } from './numberSet.ts';
import { contentBytes, depthOf, parentOf } from './plan.ts';

/** The two trees that make a library on the target. */
export type TreeName = 'bulk' | 'catalogue';

/** A listing in the making, or made. */
export interface Listing {
  readonly id: number;
  readonly tree: TreeName;
  /** True where nothing of this tree is known, so that nothing has to be looked up. */
  readonly isFirst: boolean;
  /** The numbers of the entries that it found so far. */
  readonly found: NumberSet;
  readonly pages: PageBook;
}

/** Entries as they were listed together. */
export interface ListedPage {
  /** By which they are known again in the next listing; null where nothing is. */
  readonly mark: PageMark | null;
  /** False where more is to be found out about them than what is recorded here: they are read each time. */
  readonly isAllRecorded: boolean;
  readonly entries: readonly Entry[];
}

/** The part of a manifest that takes listings over. */
export interface ListingBook {
  beginListing(tree: TreeName): Listing;
  /** Takes entries over as they are now; what a receipt proved of an entry that changed is proven no more. */
  recordListing(listing: Listing, pages: readonly ListedPage[]): void;
  /** Finds all entries of a page that says what it said in the listing before, without reading them; null where it does not. */
  recallPage(listing: Listing, mark: PageMark): { readonly entries: number; readonly bytes: number } | null;
  /** Only now can entries that were not listed be told to be gone. */
  finishListing(listing: Listing): void;
}

/**
 * The listings of a manifest's database. Most entries of a listing are as they were in the one before. Where a whole page of them is, they
 * are not even read; of the others, each that did not change is looked up and not written: a pass over half a million of them would
 * otherwise write a hundred megabytes that say nothing new.
 */
export function openListings(database: DatabaseSync): ListingBook {
  const begin = database.prepare('INSERT INTO listings (tree, begun_at) VALUES (?, ?)');
  const finish = database.prepare('UPDATE listings SET finished_at = ? WHERE id = ?');
  const highest = database.prepare('SELECT coalesce(max(number), 0) AS number FROM entries');
  const listedNow = database.prepare('SELECT count(*) AS entries FROM entries WHERE tree = ? AND listed');
  const any = database.prepare('SELECT 1 FROM entries WHERE tree = ? LIMIT 1');
  const latest = database.prepare('SELECT finished_at FROM listings WHERE tree = ? ORDER BY id DESC LIMIT 1');
  const unchanged = database.prepare(`
    SELECT number FROM entries WHERE tree = ? AND path = ? AND listed AND type = ? AND (type = 'directory' OR size = ?)
      AND modified = ? AND changed = ? AND mode = ? AND link IS ?`);
  const upsert = database.prepare(`
    INSERT INTO entries (tree, path, type, size, modified, changed, mode, link, parent, depth, number, listed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
    ON CONFLICT (tree, path) DO UPDATE SET
      presence = CASE WHEN presence = 2 AND NOT (
        type = excluded.type AND modified = excluded.modified AND changed = excluded.changed AND mode = excluded.mode
        AND link IS excluded.link AND (type = 'directory' OR size = excluded.size)) THEN 1 ELSE presence END,
      type = excluded.type, size = excluded.size, modified = excluded.modified, changed = excluded.changed,
      mode = excluded.mode, link = excluded.link, number = CASE number WHEN 0 THEN excluded.number ELSE number END, listed = 1
    RETURNING number`);
  let lastNumber: number | null = null;

  function nextNumber(): number {
    lastNumber ??= numberIn(highest.get() ?? {}, 'number');
    lastNumber += 1;
    return lastNumber;
  }

  function take({ tree, isFirst, found }: Listing, entry: Entry): number {
    const { path, type, sizeBytes, modifiedAtSeconds, changedAt, mode, linkTarget } = entry;
    const columns = [tree, bytesOf(path), type, sizeBytes, modifiedAtSeconds, changedAt, mode, linkTarget === undefined ? null : bytesOf(linkTarget)] as const;
    let row = isFirst ? undefined : unchanged.get(...columns);
    if (row === undefined) {
      const parent = parentOf(path);
      row = upsert.get(...columns, parent === null ? null : bytesOf(parent), depthOf(path), nextNumber());
    }
    const number = numberIn(row ?? {}, 'number');
    found.add(number);
    return number;
  }

  return {
    beginListing(tree) {
      const isFirst = any.get(tree) === undefined;
      const before = latest.get(tree)?.['finished_at'] ?? null;
      const pages = openPages(database, { tree, fromBefore: before !== null });
      return { id: Number(begin.run(tree, new Date().toISOString()).lastInsertRowid), tree, isFirst, found: numberSet(), pages };
    },
    recordListing(listing, pages) {
      inTransaction(database, () => {
        for (const { mark, isAllRecorded, entries } of pages) {
          const numbers = entries.map((entry) => take(listing, entry));
          if (mark !== null && isAllRecorded) listing.pages.keep(mark, { numbers, bytes: entries.reduce((sum, entry) => sum + contentBytes(entry), 0) });
        }
      });
    },
    recallPage({ found, pages }, mark) {
      const page = pages.recall(mark);
      if (page === null) return null;
      for (const number of page.numbers) found.add(number);
      return { entries: page.numbers.length, bytes: page.bytes };
    },
    finishListing({ id, tree, found, pages }) {
      database.function('was_found', (number) => Number(found.has(Number(number))));
      inTransaction(database, () => {
        // All that was found is listed: where no more is, nothing is gone, and not every row has to be asked.
        if (numberIn(listedNow.get(tree) ?? {}, 'entries') > found.size()) database.prepare('UPDATE entries SET listed = 0 WHERE tree = ? AND listed AND NOT was_found(number)').run(tree);
        pages.forgetOthers();
        finish.run(new Date().toISOString(), id);
      });
    },
  };
}
