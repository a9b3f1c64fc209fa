import { z } from 'zod';
import type { OpenRequest, TargetFacts } from '../target.ts';

/** What putting a release back needs; values stay in Helm's own record, because they may hold secrets. No revision where Helm keeps no record. */
const beforeShape = z.object({ revision: z.number().nullable(), podWasReady: z.boolean(), identity: z.string().nullable(), image: z.string(), nodePassesMountsOn: z.boolean().default(false) });

/** A release as it was before anything was changed. */
export type ReleaseBefore = z.infer<typeof beforeShape>;

/** Reads what `describe` recorded of a release. */
export function releaseBefore(before: TargetFacts): ReleaseBefore {
  return beforeShape.parse(before.before);
}

/**
 * Whoever can change a release: Helm, which plexlift runs, or the controller that owns the release, which a person has to commit to and
 * which is waited for. Every change of a release goes through one of these three calls. Each is safe to repeat, returns once the
 * StatefulSet is as asked, and gives back sentences for the record; the pods are somebody else's business.
 */
export interface ReleaseKeeper {
  /**
   * Brings in the gate of a run, with its script and the pinned version; nothing to tell where it is there already. Refuses where somebody changed
   * the release since it was looked at, unless `acceptsChanges`: what was found out about it, its volume above all, may be another's.
   */
  putGate(request: OpenRequest, options?: { readonly acceptsChanges?: true }): Promise<readonly string[]>;
  /** Takes back what `putGate` has just done, after a pod with the gate turned out not to start; null where that is not for plexlift to do. */
  goBack: ((before: TargetFacts) => Promise<string>) | null;
  /** Makes the release as it was before anything was changed. */
  putBack(before: TargetFacts): Promise<readonly string[]>;
  /** Leaves the user's own values, with the version pinned that the server has now. */
  takeGateAway(before: TargetFacts): Promise<readonly string[]>;
}
