import { cpus, totalmem } from 'node:os';
import { keepJson } from './keepJson.ts';
import { tell } from './onceStopped.ts';
import { requireTools } from './requireTools.ts';

/** Sizes to measure one after the other; `measure` hands its figures so far to `keep` after every round. */
export interface SizesToMeasure<Figures> {
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly minutes: number;
  /** Where the figures are written as JSON; null for nowhere. */
  readonly json: string | null;
  readonly measure: (files: number, keep: (figures: Figures) => void) => Promise<void>;
  readonly tables: (figures: readonly Figures[]) => string;
}

/** Measures every size, keeps what was measured as it comes, and prints the tables. */
export async function measureSizes<Figures extends object>({ sizes, rounds, minutes, json, measure, tables }: SizesToMeasure<Figures>): Promise<void> {
  requireTools(sizes);
  tell(`Measuring on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 1e9).toFixed(1)} GB of memory, Node ${process.versions.node}; ${rounds} rounds; about ${minutes} minutes`);
  const figures = new Map<number, Figures>();
  try {
    for (const files of sizes) {
      await measure(files, (measured) => {
        figures.set(files, measured);
        keepJson(json, [...figures.values()]);
      });
    }
  } finally {
    // A bench that is cut off has measured something all the same.
    if (figures.size > 0) process.stdout.write(`${tables([...figures.values()])}\n`);
  }
}
