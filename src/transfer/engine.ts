import { availableParallelism, loadavg } from 'node:os';
import { PlexliftError } from '../errors.ts';
import type { Progress } from '../runner/step.ts';
import type { Target } from '../targets/target.ts';
import { patience as usualPatience, type Patience } from './attempt.ts';
import { adaptation, type Fared } from './adaptation.ts';
import { deliver, type Receiver } from './delivery.ts';
import type { Entry, Owner, Tree } from './entry.ts';
import { listInto } from './listing.ts';
import type { ListingAhead } from './listingAhead.ts';
import type { ListingSummary } from './listingFindings.ts';
import type { Manifest } from './manifest.ts';
import type { TreeName } from './manifestListings.ts';
import type { Delta } from './manifestDelta.ts';
import { readAgain, type ReadAgain } from './readAgain.ts';
import { contentBytes, runsOf, runsWithDirectories, type SegmentLimits } from './plan.ts';
import type { Sample } from './sample.ts';
import { tallyOf, type Tally } from './tally.ts';

/** What to send where, and how. */
export interface SendOptions {
  readonly tree: Tree;
  readonly treeName: TreeName;
  readonly target: Receiver & Pick<Target, 'remove' | 'bootId' | 'digestsOf'>;
  readonly manifest: Manifest;
  readonly owner: Owner;
  /** Segments in flight. Default: as many as suit the way, see `adaptation`. */
  readonly concurrency?: number;
  /** `while running`: files that change or vanish meanwhile are left for the next time. `at rest`: they are an error. */
  readonly mode: 'while running' | 'at rest';
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
  readonly patience?: Patience;
  readonly limits?: SegmentLimits;
  /** Where the tree may have been listed already, since it came to rest. */
  readonly listingAhead?: Pick<ListingAhead, 'take'>;
}

/** What a sending did; JSON, for the journal. */
export type SendSummary = {
  /** What the listing found in all. */
  readonly listed: ListingSummary;
  /** What was sent this time, and is proven by receipts. */
  readonly entries: number;
  readonly bytes: number;
  readonly segments: number;
  /** Streams that were sent again because something failed. */
  readonly retries: number;
  /** Entries taken away from the landing area because the source has them no more. */
  readonly removed: number;
  /** What was read from the volume again, because the node was restarted since it was sent. */
  readonly readAgain: ReadAgain;
  /** Entries that changed or vanished meanwhile, each with what happened to it: the next sending sees to them. */
  readonly notSent: Sample;
  /** Symbolic links are sent as links; these lead out of the data directory and may lead nowhere on the target. */
  readonly leavingLinks: Sample;
  readonly skippedOther: Sample;
  readonly durationMs: number;
};

/**
 * Makes the landing area like the tree: lists it, removes what is gone, and sends what no receipt proves as it is now listed. Safe to
 * repeat and to kill at any time. Throws `failed` where a segment cannot be delivered, `interrupted` when the signal says so.
 */
export async function send(options: SendOptions): Promise<SendSummary> {
  const begunAt = performance.now();
  const { manifest, treeName, target, owner, signal } = options;
  try {
    const listed = (await options.listingAhead?.take(options.progress)) ?? (await listInto(manifest, options));
    const again = await readAgain(manifest.otherBoots(treeName, { owner, boot: await target.bootId() }), options);
    const delta = manifest.delta(treeName, owner);
    const removed = await removeGone(delta, options);
    const tally = tallyOf(delta, options);
    const adapted = adaptation({ isBusy: isThisComputerBusy, ...(options.limits === undefined ? {} : { limits: options.limits }), ...(options.concurrency === undefined ? {} : { inFlight: options.concurrency }) });
    const { limits, landed } = adapted;
    // Directories come after everything that is in them, so that their times survive: most in the segment of what is in them, the others last.
    await deliverAll(runsWithDirectories(delta.leavesAndDirectories(), limits), { ...options, inFlight: adapted.inFlight, tally, landed });
    await deliverAll(runsOf(delta.directories().filter(({ path }) => !tally.wasLeft(path)), limits()), { ...options, inFlight: () => 1, tally, landed });
    return {
      listed,
      ...tally.sums(),
      removed,
      readAgain: again,
      leavingLinks: listed.leavingLinks,
      skippedOther: listed.skippedOther,
      durationMs: Math.round(performance.now() - begunAt),
    };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new PlexliftError('interrupted', `Sending ${options.tree.name} was interrupted`, {
      remedy: 'Run the same command again: what has landed is not sent again',
      cause: error,
    });
  }
}

/** True where as much waits for a processor of this computer as it has. */
function isThisComputerBusy(): boolean {
  const [lastMinute = 0] = loadavg();
  return lastMinute >= availableParallelism();
}

async function removeGone(delta: Delta, options: SendOptions): Promise<number> {
  let removed = 0;
  for (const paths of delta.removals()) {
    options.signal.throwIfAborted();
    await options.target.remove(paths);
    delta.markRemoved(paths);
    removed += paths.length;
  }
  return removed;
}

/** Delivers runs, several in flight; the first that fails ends the others, and is what is thrown. */
async function deliverAll(runs: Iterable<readonly Entry[]>, options: SendOptions & { readonly inFlight: () => number; readonly tally: Tally; readonly landed: (fared: Fared) => void }): Promise<void> {
  const { tally, inFlight } = options;
  const others = new AbortController();
  const signal = AbortSignal.any([options.signal, others.signal]);
  const flights = new Set<Promise<void>>();
  let failed = false;
  let failure: unknown;

  async function fly(run: readonly Entry[]): Promise<void> {
    try {
      signal.throwIfAborted();
      const begunAtMs = performance.now();
      const flight = tally.takeOff(run);
      const delivery = await deliver(run, { ...options, patience: options.patience ?? usualPatience, signal, onBytes: flight.onBytes });
      flight.land(delivery);
      options.landed({ entries: run.length, bytes: run.reduce((sum, entry) => sum + contentBytes(entry), 0), durationMs: performance.now() - begunAtMs, retries: delivery.retries });
    } catch (error) {
      if (!failed) failure = error;
      failed = true;
      others.abort(error);
    }
  }

  for (const run of runs) {
    const flight = fly(run).finally(() => flights.delete(flight));
    flights.add(flight);
    while (flights.size >= inFlight() && !signal.aborted) await Promise.race(flights);
    if (signal.aborted) break;
  }
  await Promise.all(flights);
  if (failed) throw failure;
  signal.throwIfAborted();
}
