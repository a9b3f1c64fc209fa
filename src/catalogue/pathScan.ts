import type { DatabaseSync } from 'node:sqlite';
import { holdsMediaPaths } from '../plex/dataDirectory.ts';
import { endsName, needlesOf, pathAt, type Needle } from '../plex/needles.ts';
import { columnsWithoutText, pathColumns } from '../plex/pathColumns.ts';
import type { PathMapping } from '../plex/pathMapping.ts';
import { breathe, bytesOfCell, ordinaryTables, quoted } from './database.ts';

/** Mapped directories found where no path is known to be. */
export type UnknownPaths = {
  readonly file: string;
  readonly table: string;
  readonly column: string;
  /** Rows that hold one. */
  readonly rows: number;
  readonly forms: readonly Needle['form'][];
  /** Up to three: the path alone, cut short, never what stands beside it. */
  readonly examples: readonly string[];
};

// A statement may have a million characters; each term takes about fifty, twice.
const termsAtOnce = 4_000;
const examplesKept = 3;
const exampleBytes = 100;

/** Searches every column of every ordinary table, but the known path columns, for the mapping's directories in every known spelling. */
export async function scanForPaths(database: DatabaseSync, { file, mapping }: { readonly file: string; readonly mapping: PathMapping }): Promise<readonly UnknownPaths[]> {
  // "/" is in too many values to mean anything; longest first, so that a hit is laid to the directory it really names.
  const needles = mapping.rules.filter(({ from }) => from !== '/').flatMap(({ from }) => needlesOf(from));
  if (needles.length === 0) return [];
  // SQL looks only for the first segments (every spelling of "/mnt" begins that of "/mnt/nas"): few terms, however many rules.
  const tops = Array.from(new Set(mapping.rules.map(({ from }) => `/${from.split('/')[1] ?? ''}`).filter((top) => top !== '/')));
  const spellings = tops.flatMap(needlesOf);
  const wanted = spellings.filter((one) => !spellings.some((other) => one.bytes.length > other.bytes.length && one.bytes.includes(other.bytes)));
  const found: UnknownPaths[] = [];
  for (const table of ordinaryTables(database)) {
    const columns = table.columns.filter((column) => !isKnown({ file, table: table.name, column }));
    const atOnce = Math.max(1, Math.floor(termsAtOnce / wanted.length));
    for (let at = 0; at < columns.length; at += atOnce) {
      found.push(...scanTable(database, { file, table: table.name, columns: columns.slice(at, at + atOnce), needles, wanted }));
      await breathe();
    }
  }
  return found;
}

interface TableScan {
  readonly file: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly needles: readonly Needle[];
  /** What every hit contains. */
  readonly wanted: readonly Needle[];
}

function scanTable(database: DatabaseSync, { file, table, columns, needles, wanted }: TableScan): UnknownPaths[] {
  const holds = columns.map((column) => {
    const cell = `CAST(${quoted(column)} AS BLOB)`;
    return `(typeof(${quoted(column)}) IN ('text', 'blob') AND (${wanted.map((_, place) => `instr(${cell}, ?${place + 1}) > 0`).join(' OR ')}))`;
  });
  const cells = columns.map((column, place) => `CASE WHEN ${holds[place] ?? ''} THEN CAST(${quoted(column)} AS BLOB) END AS c${place}`);
  const select = database.prepare(`SELECT ${cells.join(', ')} FROM ${quoted(table)} NOT INDEXED WHERE ${holds.join(' OR ')}`);
  const hits = new Map<string, { rows: number; forms: Set<Needle['form']>; examples: string[] }>();
  for (const row of select.iterate(...wanted.map(({ bytes }) => bytes))) {
    for (const [place, column] of columns.entries()) {
      const value = bytesOfCell(row[`c${place}`])?.toString('latin1');
      const hit = value === undefined ? null : firstHit(value, needles);
      if (value === undefined || hit === null) continue;
      const known = hits.get(column) ?? { rows: 0, forms: new Set(), examples: [] };
      hits.set(column, known);
      known.rows += 1;
      known.forms.add(hit.form);
      const example = pathAt(value, { at: hit.at, longest: exampleBytes });
      if (known.examples.length < examplesKept && !known.examples.includes(example)) known.examples.push(example);
    }
  }
  return Array.from(hits, ([column, { rows, forms, examples }]) => ({ file, table, column, rows, forms: Array.from(forms), examples }));
}

function firstHit(value: string, needles: readonly Needle[]): { readonly at: number; readonly form: Needle['form'] } | null {
  for (const { bytes, form } of needles) {
    const text = bytes.toString('latin1');
    for (let at = value.indexOf(text); at !== -1; at = value.indexOf(text, at + 1)) {
      if (endsName(value, at + text.length)) return { at, form };
    }
  }
  return null;
}

// In a database that is not rewritten (a guide) nothing is known to hold paths, so everything is searched.
function isKnown({ file, table, column }: { readonly file: string; readonly table: string; readonly column: string }): boolean {
  const known = holdsMediaPaths(file) ? [...pathColumns, ...columnsWithoutText] : columnsWithoutText;
  return known.some((each) => each.table === table && each.column === column);
}
