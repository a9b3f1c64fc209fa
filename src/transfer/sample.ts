import { textOf, type BytePath } from './entry.ts';

/** How many of something there are, and the first few by name, for people and the journal. */
export type Sample = { readonly count: number; readonly first: readonly string[] };

/** Collects a sample. */
export interface Sampler {
  add(path: BytePath, remark?: string): void;
  sample(): Sample;
}

/** A sampler that keeps the first `keep` names, each with its remark. */
export function sampler(keep: number): Sampler {
  const first: string[] = [];
  let count = 0;
  return {
    add(path, remark) {
      count += 1;
      if (first.length < keep) first.push(remark === undefined ? textOf(path) : `${textOf(path)}: ${remark}`);
    },
    sample: () => ({ count, first: [...first] }),
  };
}
