/** One way in which the result is not what the mapping predicts. */
export type Difference = {
  readonly file: string;
  readonly table: string | null;
  readonly column: string | null;
  /** The row, as its rowid or key; null where the difference is none of a row. */
  readonly rowid: string | null;
  readonly kind: string;
};

/** The outcome of a proof. */
export type ProofReport = {
  readonly ok: boolean;
  readonly tablesCompared: number;
  readonly rowsCompared: number;
  readonly indexesCompared: number;
  readonly cellsChanged: readonly { readonly file: string; readonly table: string; readonly column: string; readonly cells: number }[];
  /** All there are; `differences` holds the first 50. */
  readonly differenceCount: number;
  readonly differences: readonly Difference[];
  /** What could be compared only in part, and why; sentences. */
  readonly notProven: readonly string[];
};

const differencesKept = 50;

/** What a proof has found so far. */
export interface Tally {
  /** Adds a difference; those of the first 50 are kept, all are counted. */
  note(difference: Partial<Difference> & Pick<Difference, 'file' | 'kind'>): void;
  /** Counts cells that changed as predicted; one, where `cells` is not given. */
  countCell(place: { readonly file: string; readonly table: string; readonly column: string; readonly cells?: number }): void;
  /** Counts what was compared. */
  countCompared(what: { readonly tables?: number; readonly rows?: number; readonly indexes?: number }): void;
  /** Adds a sentence on what could not be proven. */
  leaveOpen(sentence: string): void;
  report(): ProofReport;
}

/** A tally with nothing in it. */
export function createTally(): Tally {
  const differences: Difference[] = [];
  const cells = new Map<string, { file: string; table: string; column: string; cells: number }>();
  const notProven: string[] = [];
  let [differenceCount, tablesCompared, rowsCompared, indexesCompared] = [0, 0, 0, 0];
  return {
    note(difference) {
      differenceCount += 1;
      if (differences.length < differencesKept) differences.push({ table: null, column: null, rowid: null, ...difference });
    },
    countCell({ file, table, column, cells: more = 1 }) {
      const name = `${file}\n${table}\n${column}`;
      const known = cells.get(name);
      if (known === undefined) cells.set(name, { file, table, column, cells: more });
      else known.cells += more;
    },
    countCompared({ tables = 0, rows = 0, indexes = 0 }) {
      tablesCompared += tables;
      rowsCompared += rows;
      indexesCompared += indexes;
    },
    leaveOpen: (sentence) => void notProven.push(sentence),
    report: () => ({ ok: differenceCount === 0, tablesCompared, rowsCompared, indexesCompared, cellsChanged: Array.from(cells.values()), differenceCount, differences, notProven }),
  };
}
