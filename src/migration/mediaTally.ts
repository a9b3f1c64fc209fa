import type { MediaPath } from '../catalogue/mediaPaths.ts';
import type { MediaFinding, Sentinel } from '../targets/target.ts';
import type { SharedMedia, ShownMedia } from './mediaProof.ts';

/** Several for each mount, because any one of them may be deleted by its owner before Plex starts. */
const sentinelsPerMount = 5;

/** A media file that is not as the library has it, for the list that a person reads. */
export type OddMedia = { readonly path: string; readonly status: 'missing' | 'unreadable' | 'other size'; readonly library: string; readonly title: string | null };

/** What the look-ups add up to. */
export interface MediaTally {
  lookedUp: number;
  present: number;
  missing: number;
  unreadable: number;
  otherSize: number;
  notLookedUp: number;
  readonly missingByLibrary: Map<string, number>;
  /** The mount that a path lies below; null where none is. */
  mountOf(path: string): string | null;
  /** Takes what was found into the sums, and gives back what is to be told of it; null where the file is as it should be. */
  take(finding: MediaFinding, path: MediaPath): OddMedia | null;
  shown(): readonly ShownMedia[];
  /** Files that are there, of each mount a few picked at random: those beside each other in one directory would go together. */
  sentinels(): readonly Sentinel[];
  /** The same files, by their names on both sides. */
  shared(): readonly SharedMedia[];
}

interface Below {
  named: number;
  missing: number;
  unreadable: number;
  /** Files that could be picked. */
  candidates: number;
  readonly picked: (SharedMedia & Sentinel)[];
}

/** An empty tally for these mounts. */
export function mediaTally(mounts: readonly string[]): MediaTally {
  const below = new Map(mounts.map((mount): [string, Below] => [mount, { named: 0, missing: 0, unreadable: 0, candidates: 0, picked: [] }]));
  const longestFirst = mounts.toSorted((left, right) => right.length - left.length);

  function pick(found: Below, file: SharedMedia & Sentinel): void {
    // An empty file has no content that could tell one share from another.
    if (file.sizeBytes === 0) return;
    found.candidates += 1;
    const place = found.picked.length < sentinelsPerMount ? found.picked.length : Math.floor(Math.random() * found.candidates);
    if (place < sentinelsPerMount) found.picked[place] = file;
  }

  const tally: MediaTally = {
    lookedUp: 0,
    present: 0,
    missing: 0,
    unreadable: 0,
    otherSize: 0,
    notLookedUp: 0,
    missingByLibrary: new Map(),
    mountOf: (path) => longestFirst.find((mount) => path.startsWith(mount === '/' ? '/' : `${mount}/`)) ?? null,
    take(finding, path) {
      const mount = tally.mountOf(finding.path);
      const found = mount === null ? undefined : below.get(mount);
      if (mount === null || found === undefined) throw new Error(`"${finding.path}" was looked up and lies below no mount`);
      const library = path.library ?? 'no library';
      const odd = (status: OddMedia['status']): OddMedia => ({ path: finding.path, status, library, title: path.title });
      tally.lookedUp += 1;
      found.named += 1;
      if (finding.status !== 'present') {
        found[finding.status] += 1;
        tally[finding.status] += 1;
        if (finding.status === 'missing') tally.missingByLibrary.set(library, (tally.missingByLibrary.get(library) ?? 0) + 1);
        return odd(finding.status);
      }
      tally.present += 1;
      if (finding.sizeBytes !== null) pick(found, { mount, path: finding.path, sizeBytes: finding.sizeBytes, from: path.source.toString('utf8'), to: finding.path });
      if (path.sizeBytes === null || finding.sizeBytes === path.sizeBytes) return null;
      tally.otherSize += 1;
      return odd('other size');
    },
    shown: () => [...below].map(([mount, { named, missing, unreadable }]) => ({ mount, named, missing, unreadable })),
    sentinels: () => [...below.values()].flatMap(({ picked }) => picked.map(({ mount, path, sizeBytes }) => ({ mount, path, sizeBytes }))),
    shared: () => [...below.values()].flatMap(({ picked }) => picked.map(({ mount, from, to }) => ({ mount, from, to }))),
  };
  return tally;
}
