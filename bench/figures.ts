import { markdownTable } from './markdownTable.ts';

/** What one size took: medians of the runs, in seconds, and the largest peak of memory. */
export interface Figures {
  readonly parts: number;
  readonly rows: number;
  readonly changedRows: number;
  readonly megabytes: number;
  readonly pageSizeBytes: number;
  readonly runs: number;
  readonly generationSeconds: number;
  readonly copySeconds: number;
  readonly rewriteSeconds: number;
  readonly proofSeconds: number;
  /** Rewrite and proof; the median of the sums. */
  readonly seconds: number;
  /** The whole process, Node's start and end included. */
  readonly processSeconds: number;
  readonly sqldiffSeconds: number;
  /** `seconds` divided by `sqldiffSeconds`: below 1 is faster than sqldiff. */
  readonly ratio: number;
  readonly memoryAtStartMb: number;
  readonly memoryAfterRewriteMb: number;
  readonly peakMemoryMb: number;
}

/** The middle of some numbers; of an even count the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const ordered = numbers.toSorted((left, right) => left - right);
  const [low, high] = [ordered[Math.floor((ordered.length - 1) / 2)], ordered[Math.ceil((ordered.length - 1) / 2)]];
  if (low === undefined || high === undefined) throw new Error('Cannot take the median of nothing');
  return (low + high) / 2;
}

/** By how much `seconds` grew for each tenfold of parts since the size before: 10 is linear. Null where the sizes are the same. */
export function growthPerTenfold(before: Pick<Figures, 'parts' | 'seconds'>, after: Pick<Figures, 'parts' | 'seconds'>): number | null {
  const tenfolds = Math.log10(after.parts / before.parts);
  return tenfolds === 0 ? null : (after.seconds / before.seconds) ** (1 / tenfolds);
}

/** The figures as a table in Markdown. */
export function table(all: readonly Figures[]): string {
  const heads = ['parts', 'rows', 'changed', 'MB', 'copy s', 'rewrite s', 'proof s', 'sum s', 'sqldiff s', 'ratio', 'peak MB', 'growth per tenfold'];
  const lines = all.map((each, place) => {
    const before = all[place - 1];
    const growth = before === undefined ? null : growthPerTenfold(before, each);
    const times = [each.copySeconds, each.rewriteSeconds, each.proofSeconds, each.seconds, each.sqldiffSeconds, each.ratio].map((number) => number.toFixed(2));
    return [grouped(each.parts), grouped(each.rows), grouped(each.changedRows), grouped(each.megabytes), ...times, each.peakMemoryMb.toFixed(0), growth === null ? '' : growth.toFixed(1)];
  });
  return markdownTable(heads, lines);
}

function grouped(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}
