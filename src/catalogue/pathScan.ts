import type { DatabaseSync } from 'node:sqlite';
import { holdsMediaPaths } from '../plex/dataDirectory.ts';
import { endsName, needlesOf, pathAt, type Needle } from '../plex/needles.ts';
import { columnsWithoutText, pathColumns } from '../plex/pathColumns.ts';
import { mayHoldPath, pathsIn, type PathForm } from '../plex/pathLooks.ts';
import type { PathMapping } from '../plex/pathMapping.ts';
import { breathe, bytesOfCell, ordinaryTables, quoted, type Table } from './database.ts';

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

/** Paths that no rule has, found where no path is known to be. */
export type OtherPaths = {
  readonly file: string;
  readonly table: string;
  readonly column: string;
  /** Rows that hold one. */
  readonly rows: number;
  /** By form and by how they begin, e.g. `/home/alex`; most frequent first, at most ten. */
  readonly groups: readonly { readonly form: PathForm; readonly top: string; readonly rows: number }[];
  /** As for mapped ones. */
  readonly examples: readonly string[];
};

/** What looks like a path where none is known to be. */
export type ScannedPaths = { readonly mapped: readonly UnknownPaths[]; readonly others: readonly OtherPaths[] };

const examplesKept = 3;
const exampleBytes = 100;
const groupsTold = 10;
/** Beginnings kept apart while counting, so that a column of a million different ones stays within bounds. */
const groupsCounted = 1_000;
const rowsBetweenBreaths = 20_000;
/** SQLite nests the terms of a condition, 1,000 deep at most. */
const columnsAtOnce = 200;

/** Searches every column of every ordinary table, but the known path columns, for whatever looks like a path, in every known spelling. */
export async function scanForPaths(database: DatabaseSync, { file, mapping }: { readonly file: string; readonly mapping: PathMapping }): Promise<ScannedPaths> {
  const wanted = wantedOf(mapping);
  const mapped: UnknownPaths[] = [];
  const others: OtherPaths[] = [];
  for (const table of ordinaryTables(database)) {
    const columns = columnsWithSlashes(database, { table: table.name, columns: table.columns.filter((column) => !isKnown({ file, table: table.name, column })) });
    await breathe();
    if (columns.length === 0) continue;
    const hits = new Map<string, Hits>();
    for (let at = 0; at < columns.length; at += columnsAtOnce) {
      for (const [column, found] of await scanColumns(database, { table, columns: columns.slice(at, at + columnsAtOnce), mapping, wanted })) hits.set(column, found);
    }
    for (const [column, { needles, looks }] of hits) {
      const place = { file, table: table.name, column };
      if (needles.rows > 0) mapped.push({ ...place, rows: needles.rows, forms: Array.from(needles.forms), examples: needles.examples });
      if (looks.rows > 0) others.push({ ...place, rows: looks.rows, groups: groupsOf(looks), examples: looks.examples });
    }
  }
  return { mapped, others };
}

/** What is looked for of the mapping; `tops` are in every value that holds a needle. */
interface Wanted {
  readonly needles: readonly { readonly text: string; readonly form: Needle['form'] }[];
  readonly tops: readonly string[];
}

function wantedOf({ rules }: PathMapping): Wanted {
  // "/" is in too many values to mean anything; longest first, so that a hit is laid to the directory it really names.
  const mapped = rules.filter(({ from }) => from !== '/');
  // Every spelling of "/mnt" begins that of "/mnt/nas": few texts to look for first, however many rules.
  const spellings = Array.from(new Set(mapped.map(({ from }) => `/${from.split('/')[1] ?? ''}`))).flatMap((top) => needlesOf(top).map(({ bytes }) => bytes.toString('latin1')));
  return {
    needles: mapped.flatMap(({ from }) => needlesOf(from)).map(({ bytes, form }) => ({ text: bytes.toString('latin1'), form })),
    tops: spellings.filter((one) => !spellings.some((other) => one.length > other.length && one.includes(other))),
  };
}

// Whatever a path is written with, it has one of these. As texts, not bytes: SQLite compares them in place.
function holdsSlash(column: string): string {
  const cell = quoted(column);
  return `(typeof(${cell}) IN ('text', 'blob') AND (instr(${cell}, '/') > 0 OR instr(${cell}, '%') > 0 OR instr(${cell}, '\\') > 0))`;
}

/** The columns in which any value holds a separator of paths; most hold none, and are not looked at again. */
function columnsWithSlashes(database: DatabaseSync, { table, columns }: { readonly table: string; readonly columns: readonly string[] }): readonly string[] {
  if (columns.length === 0) return [];
  const select = database.prepare(`SELECT ${columns.map((column) => `max(${holdsSlash(column)})`).join(', ')} FROM ${quoted(table)} NOT INDEXED`);
  select.setReturnArrays(true);
  const found: readonly unknown[] = Object.values(select.get() ?? []);
  return columns.filter((_, place) => Number(found[place] ?? 0) === 1);
}

interface Hits {
  readonly needles: { rows: number; readonly forms: Set<Needle['form']>; readonly examples: string[] };
  readonly looks: { rows: number; readonly groups: Map<string, { readonly form: PathForm; readonly top: string; rows: number }>; readonly examples: string[] };
}

interface TableScan {
  readonly table: Table;
  readonly columns: readonly string[];
  readonly mapping: PathMapping;
  readonly wanted: Wanted;
}

async function scanColumns(database: DatabaseSync, { table, columns, mapping, wanted }: TableScan): Promise<ReadonlyMap<string, Hits>> {
  const holds = columns.map(holdsSlash);
  const cells = columns.map((column, place) => `CASE WHEN ${holds[place] ?? ''} THEN CAST(${quoted(column)} AS BLOB) END`);
  const select = database.prepare(`SELECT ${cells.join(', ')} FROM ${quoted(table.name)} NOT INDEXED WHERE ${holds.join(' OR ')}`);
  select.setReturnArrays(true);
  const hits = new Map(columns.map((column): [string, Hits] => [column, { needles: { rows: 0, forms: new Set(), examples: [] }, looks: { rows: 0, groups: new Map(), examples: [] } }]));
  let sinceBreath = 0;
  for (const row of select.iterate()) {
    const values: readonly unknown[] = Object.values(row);
    for (const [place, column] of columns.entries()) {
      const value = bytesOfCell(values[place])?.toString('latin1');
      const hit = hits.get(column);
      if (value === undefined || hit === undefined) continue;
      note(hit, { value, mapping, wanted });
    }
    sinceBreath += 1;
    if (sinceBreath % rowsBetweenBreaths === 0) await breathe();
  }
  return hits;
}

function note({ needles, looks }: Hits, { value, mapping, wanted }: { readonly value: string; readonly mapping: PathMapping; readonly wanted: Wanted }): void {
  const hit = wanted.tops.some((top) => value.includes(top)) ? firstHit(value, wanted.needles) : null;
  if (hit !== null) {
    needles.rows += 1;
    needles.forms.add(hit.form);
    keep(needles.examples, pathAt(value, { at: hit.at, known: hit.known, longest: exampleBytes }));
  }
  if (!mayHoldPath(value)) return;
  const seen = pathsIn(value, mapping);
  if (seen.length === 0) return;
  looks.rows += 1;
  for (const { path } of seen) keep(looks.examples, path);
  for (const [key, { form, top }] of new Map(seen.map((one) => [`${one.form} ${one.top}`, one]))) {
    const group = looks.groups.get(key);
    if (group !== undefined) group.rows += 1;
    else if (looks.groups.size < groupsCounted) looks.groups.set(key, { form, top, rows: 1 });
  }
}

function keep(examples: string[], example: string): void {
  if (examples.length < examplesKept && !examples.includes(example)) examples.push(example);
}

function groupsOf({ groups }: Hits['looks']): OtherPaths['groups'] {
  return Array.from(groups.values())
    .toSorted((left, right) => right.rows - left.rows)
    .slice(0, groupsTold);
}

function firstHit(value: string, needles: Wanted['needles']): { readonly at: number; readonly known: number; readonly form: Needle['form'] } | null {
  for (const { text, form } of needles) {
    for (let at = value.indexOf(text); at !== -1; at = value.indexOf(text, at + 1)) {
      if (endsName(value, at + text.length)) return { at, known: text.length, form };
    }
  }
  return null;
}

// In a database that is not rewritten (a guide) nothing is known to hold paths, so everything is searched.
function isKnown({ file, table, column }: { readonly file: string; readonly table: string; readonly column: string }): boolean {
  const known = holdsMediaPaths(file) ? [...pathColumns, ...columnsWithoutText] : columnsWithoutText;
  return known.some((each) => each.table === table && each.column === column);
}
