import { z } from 'zod';
import type { RecordedEvent } from '../runner/events.ts';
import type { RunDirectory } from './runDirectory.ts';

/** The copies of the catalogue that a run directory may hold, in the order they are made. */
export const catalogueNames = ['backup', 'taken', 'settled', 'rewritten'] as const;
export type CatalogueName = (typeof catalogueNames)[number];

/** A copy of the catalogue as the journal speaks of it. */
export interface RecordedCatalogue {
  readonly name: CatalogueName;
  readonly directory: string;
  /** The step that made it. */
  readonly step: string;
  /** When that step ended, as in the journal: ISO 8601, UTC. */
  readonly madeAt: string;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

// A journal may be older than this plexlift: only what is needed here is asked for.
const snapshot = z.object({ snapshot: z.object({ files: z.array(z.object({ path: z.string(), sha256: z.string() })) }) });
const settled = z.object({ settled: z.record(z.string(), z.string()) });
const rewritten = z.object({ files: z.record(z.string(), z.string()) });

const makers: Readonly<Record<CatalogueName, { readonly step: string; readonly filesIn: (result: unknown) => RecordedCatalogue['files'] | null }>> = {
  backup: { step: 'back-up', filesIn: (result) => snapshot.safeParse(result).data?.snapshot.files ?? null },
  taken: { step: 'take-catalogue', filesIn: (result) => snapshot.safeParse(result).data?.snapshot.files ?? null },
  settled: { step: 'take-catalogue', filesIn: (result) => pairsOf(settled.safeParse(result).data?.settled) },
  rewritten: { step: 'rewrite', filesIn: (result) => pairsOf(rewritten.safeParse(result).data?.files) },
};

/** What the journal records of one copy, or null where the run did not get that far. A result that was discarded still tells what lies there. */
export function recordedCatalogue(name: CatalogueName, { directory, events }: { readonly directory: RunDirectory; readonly events: readonly RecordedEvent[] }): RecordedCatalogue | null {
  const { step, filesIn } = makers[name];
  const finished = events.findLast((event) => event.type === 'step-finished' && event.step === step);
  const files = finished?.type === 'step-finished' ? filesIn(finished.result) : null;
  if (finished === undefined || files === null) return null;
  return { name, directory: directory[name], step, madeAt: finished.at, files };
}

function pairsOf(record: Readonly<Record<string, string>> | undefined): RecordedCatalogue['files'] | null {
  return record === undefined ? null : Object.entries(record).map(([path, sha256]) => ({ path, sha256 }));
}
