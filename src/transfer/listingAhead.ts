import type { Progress } from '../runner/step.ts';
import type { Tree } from './entry.ts';
import { listInto } from './listing.ts';
import type { ListingSummary } from './listingFindings.ts';
import type { Manifest } from './manifest.ts';
import type { TreeName } from './manifestListings.ts';

/** A listing that goes on by itself while something else is done, until somebody needs it. */
export interface ListingAhead {
  /** Begins to list a tree that is at rest. Throws (a bug) where another listing was begun and is not over. */
  begin(options: { readonly tree: Tree; readonly treeName: TreeName; readonly manifest: Manifest; readonly signal: AbortSignal }): void;
  /**
   * Waits for the end of what was begun, telling from here on how far it is. Null where it has to be listed now: nothing was begun, it was handed
   * out before, or it failed. What it failed of may be over since, and nobody was told: who lists anew meets it, or does not. Rejects where the signal says so.
   */
  take(progress: (progress: Progress) => void): Promise<ListingSummary | null>;
  /** Ends what nobody took, and waits until nothing of it is left: to be called before the manifest is closed. */
  close(): Promise<void>;
}

interface Begun {
  readonly listed: Promise<ListingSummary>;
  readonly signal: AbortSignal;
  readonly unwanted: AbortController;
  readonly tell: { to: (progress: Progress) => void };
}

/** A place for one listing ahead; nothing is listed yet. */
export function listingAhead(): ListingAhead {
  let begun: Begun | null = null;
  return {
    begin({ signal, ...options }) {
      if (begun !== null) throw new Error('A listing was begun ahead already, and nobody took it');
      const unwanted = new AbortController();
      const tell: Begun['tell'] = { to: () => undefined };
      const listed = listInto(options.manifest, { ...options, signal: AbortSignal.any([signal, unwanted.signal]), progress: (progress) => tell.to(progress) });
      // Looked at by who takes it.
      listed.catch(() => undefined);
      begun = { listed, signal, unwanted, tell };
    },
    async take(progress) {
      if (begun === null) return null;
      const { listed, tell, signal } = begun;
      tell.to = progress;
      const [outcome] = await Promise.allSettled([listed]);
      begun = null;
      signal.throwIfAborted();
      return outcome.status === 'fulfilled' ? outcome.value : null;
    },
    async close() {
      if (begun === null) return;
      begun.unwanted.abort();
      await Promise.allSettled([begun.listed]);
      begun = null;
    },
  };
}
