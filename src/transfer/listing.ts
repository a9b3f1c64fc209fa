import type { Progress } from '../runner/step.ts';
import { pagesIn, type Entry, type Page, type Tree } from './entry.ts';
import { listingFindings, type ListingFindings, type ListingSummary } from './listingFindings.ts';
import type { Manifest } from './manifest.ts';
import type { ListedPage, TreeName } from './manifestListings.ts';

/** Entries recorded in one transaction. */
const batchEntries = 5_000;

/**
 * Lists a tree into the manifest. Of a data directory only the bulk is taken over; a tree of the catalogue must hold nothing else.
 * A page that says what it said the last time is not read. Throws `failed` for a file that should not be there, and for a path that is none
 * below the root.
 */
export async function listInto(
  manifest: Manifest,
  options: { readonly tree: Tree; readonly treeName: TreeName; readonly signal: AbortSignal; readonly progress: (progress: Progress) => void },
): Promise<ListingSummary> {
  const { tree, treeName, signal, progress } = options;
  const listing = manifest.beginListing(treeName);
  const findings = listingFindings(tree, treeName);
  let batch: ListedPage[] = [];
  let toldEntries = 0;
  let entries = 0;

  function record(): void {
    manifest.recordListing(listing, batch);
    batch = [];
    toldEntries = entries;
    progress({ what: 'listing', done: findings.summary().entries, unit: 'entries' });
  }

  for await (const page of pagesIn(tree, signal)) {
    signal.throwIfAborted();
    const known = page.mark === null ? null : manifest.recallPage(listing, page.mark);
    if (known === null) batch.push(lookAt(page, findings));
    else findings.count(known);
    entries += known?.entries ?? batch.at(-1)?.entries.length ?? 0;
    if (entries - toldEntries >= batchEntries) record();
  }
  signal.throwIfAborted();
  record();
  manifest.finishListing(listing);
  return findings.summary();
}

function lookAt(page: Page, findings: ListingFindings): ListedPage {
  const entries: Entry[] = [];
  let isRemarkable = false;
  for (const entry of page.entries()) {
    const look = findings.look(entry);
    if (look.isRecorded) entries.push(entry);
    isRemarkable ||= look.isRemarkable;
  }
  return { mark: page.mark, isAllRecorded: !isRemarkable && page.isContinued?.() !== true, entries };
}
