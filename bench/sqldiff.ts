import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runChild } from './child.ts';

/** What `sqldiff --summary` says of one table, in rows. */
export interface SummaryLine {
  readonly table: string;
  readonly changes: number;
  readonly inserts: number;
  readonly deletes: number;
  readonly unchanged: number;
}

/** How long sqldiff took, its start included, and what it found. */
export interface Summary {
  readonly seconds: number;
  readonly lines: readonly SummaryLine[];
}

/** Where sqldiff lies; throws with the way to get it where it does not. */
export function findSqldiff(): string {
  const found = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, 'sqldiff')).find((file) => existsSync(file));
  if (found === undefined) throw new Error('Cannot find "sqldiff", which the catalogue is measured against: install it with "apt-get install sqlite3-tools"');
  return found;
}

/** Runs `sqldiff --summary OLD NEW`. */
export async function summarise(sqldiff: string, { before, after }: { readonly before: string; readonly after: string }): Promise<Summary> {
  const { stdout, seconds } = await runChild(sqldiff, ['--summary', before, after]);
  return { seconds, lines: parseSummary(stdout) };
}

/** Reads lines such as `media_parts: 3 changes, 0 inserts, 0 deletes, 12 unchanged`; throws at any other, such as that of a table only one file has. */
export function parseSummary(text: string): readonly SummaryLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const numbers = /^(.+): (\d+) changes, (\d+) inserts, (\d+) deletes, (\d+) unchanged$/.exec(line);
      const [, name, changes, inserts, deletes, unchanged] = numbers ?? [];
      if (name === undefined) throw new Error(`Cannot parse what sqldiff said: "${line}"`);
      return { table: unquoted(name), changes: Number(changes), inserts: Number(inserts), deletes: Number(deletes), unchanged: Number(unchanged) };
    });
}

// A name that is a keyword or holds other characters comes as an identifier of SQL.
function unquoted(name: string): string {
  return /^".*"$/s.test(name) ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** Throws unless sqldiff counted as many changed rows in each table as the proof did, and as many rows in all. */
export function requireAgreement(lines: readonly SummaryLine[], { changed, rows }: { readonly changed: Readonly<Record<string, number>>; readonly rows: number }): void {
  for (const { table, changes, inserts, deletes } of lines) {
    const ours = changed[table] ?? 0;
    if (changes !== ours) throw new Error(`Cannot compare: in "${table}" sqldiff sees ${changes} changed rows and the proof ${ours}`);
    if (inserts + deletes !== 0) throw new Error(`Cannot compare: in "${table}" sqldiff sees ${inserts} rows added and ${deletes} gone, which the proof did not`);
  }
  const missing = Object.keys(changed).filter((table) => !lines.some((line) => line.table === table));
  if (missing.length > 0) throw new Error(`Cannot compare: sqldiff says nothing of "${missing.join('", "')}", which the rewrite changed`);
  const seen = lines.reduce((sum, { changes, unchanged }) => sum + changes + unchanged, 0);
  if (seen !== rows) throw new Error(`Cannot compare: sqldiff read ${seen} rows and the proof ${rows}`);
}
