import { markdownTable } from '../markdownTable.ts';
import { spreadOf, type Spread } from '../transfer/transferFigures.ts';

/** One migration, from a copy made while the source served to the server on the target. */
export interface Migrated {
  readonly changedFiles: number;
  readonly copyAheadSeconds: number;
  /** A pass of copying right after it, with nothing changed. */
  readonly unchangedPassSeconds: number;
  /** From the source being told to stop to the target's server answering. */
  readonly downSeconds: number;
  /** From the last answer of the one server to the first of the other, as somebody sees it who keeps asking. */
  readonly silentSeconds: number;
  /** What of the down time each step took. */
  readonly parts: Readonly<Record<string, number>>;
}

/** What one size took. */
export interface DownTimeFigures {
  readonly items: number;
  readonly files: number;
  readonly bytes: number;
  readonly changedFiles: number;
  readonly copyAheadSeconds: Spread;
  readonly downSeconds: Spread;
  readonly silentSeconds: Spread;
  readonly unchangedPassSeconds: Spread;
  readonly unchangedPassSecondsPer100000Files: number;
  /** The medians of what each step took. */
  readonly parts: Readonly<Record<string, number>>;
}

/** What is wanted. */
export const downTimeGoals = { downSeconds: 60, unchangedPassSecondsPer100000Files: 5 } as const;

/** The figures of one size. */
export function downTimeFiguresOf(tree: { readonly items: number; readonly files: number; readonly bytes: number }, runs: readonly Migrated[]): DownTimeFigures {
  const { items, files, bytes } = tree;
  const names = [...new Set(runs.flatMap(({ parts }) => Object.keys(parts)))];
  const unchangedPassSeconds = spreadOf(runs.map((run) => run.unchangedPassSeconds));
  return {
    items, files, bytes, unchangedPassSeconds,
    changedFiles: Math.max(...runs.map(({ changedFiles }) => changedFiles)),
    copyAheadSeconds: spreadOf(runs.map((run) => run.copyAheadSeconds)),
    downSeconds: spreadOf(runs.map((run) => run.downSeconds)),
    silentSeconds: spreadOf(runs.map((run) => run.silentSeconds)),
    unchangedPassSecondsPer100000Files: (unchangedPassSeconds.median / files) * 100_000,
    parts: Object.fromEntries(names.map((name) => [name, spreadOf(runs.map(({ parts }) => parts[name] ?? 0)).median])),
  };
}

/** The figures as two tables in Markdown: a line a size, and a column a size for each step. */
export function downTimeTables(sizes: readonly DownTimeFigures[]): string {
  const sums = markdownTable(
    ['items', 'files', 'MB', 'changed', 'copy-ahead s', `down s (≤ ${downTimeGoals.downSeconds})`, 'nobody answers s', 'unchanged pass s', `for 100,000 files (≤ ${downTimeGoals.unchangedPassSecondsPer100000Files})`],
    sizes.map((each) => [
      grouped(each.items), grouped(each.files), grouped(each.bytes / 1e6), grouped(each.changedFiles), spread(each.copyAheadSeconds), spread(each.downSeconds), spread(each.silentSeconds),
      spread(each.unchangedPassSeconds), each.unchangedPassSecondsPer100000Files.toFixed(1),
    ]),
  );
  const names = [...new Set(sizes.flatMap(({ parts }) => Object.keys(parts)))].filter((name) => name !== betweenSteps);
  const steps = markdownTable(
    ['of the down time, s', ...sizes.map(({ files }) => `${grouped(files)} files`)],
    [...names, betweenSteps].map((name) => [name, ...sizes.map(({ parts }) => (parts[name] ?? 0).toFixed(1))]),
  );
  return `${sums}\n\n${steps}`;
}

const betweenSteps = 'between steps';

function spread({ median, least, most, all }: Spread): string {
  return all.length === 1 ? median.toFixed(1) : `${median.toFixed(1)} (${least.toFixed(1)}–${most.toFixed(1)})`;
}

function grouped(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}
