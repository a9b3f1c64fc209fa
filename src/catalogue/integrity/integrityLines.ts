import type { DatabaseSync } from 'node:sqlite';

/** One thing that a check of a database said; `table` is null where it concerns the whole file. Index and page stand in the message. */
export type IntegrityMessage = {
  readonly table: string | null;
  readonly message: string;
};

/** Which table and which index begins on which page. */
export interface Owners {
  readonly byPage: ReadonlyMap<string, Owner>;
  readonly byName: ReadonlyMap<string, string>;
}

interface Owner {
  readonly table: string;
  /** Null for the table itself. */
  readonly index: string | null;
}

/** Reads from the schema to whom each b-tree belongs; page 1 is that of the schema itself. */
export function ownersIn(database: DatabaseSync): Owners {
  const rows = database.prepare('SELECT type, name, tbl_name, rootpage FROM sqlite_master WHERE rootpage > 0').all();
  const owners = rows.map((row) => [String(row['rootpage']), { table: String(row['tbl_name']), index: row['type'] === 'index' ? String(row['name']) : null }] as const);
  return {
    byPage: new Map<string, Owner>([['1', { table: 'sqlite_master', index: null }], ...owners]),
    byName: new Map(rows.map((row) => [String(row['name']), String(row['tbl_name'])])),
  };
}

/** What `PRAGMA integrity_check` printed, each line laid to its table, the number of a tree replaced by the name of its index. */
export function messagesOf(printed: readonly string[], owners: Owners): readonly IntegrityMessage[] {
  // What is wrong with pages comes as one value of many lines.
  const lines = printed.flatMap((value) => value.split('\n')).filter((line) => line !== 'ok' && line !== '' && !line.startsWith('*** in database'));
  const unused = lines.flatMap((line) => /^Page (\d+): never used$/.exec(line)?.[1] ?? []);
  const told = lines.filter((line) => !/^Page \d+: never used$/.test(line)).map((line) => messageOf(line, owners));
  // Pages that nothing leads to are what is left of a broken tree: one line for all, behind what broke.
  const [first] = unused;
  if (first === undefined) return told;
  return [...told, { table: null, message: unused.length === 1 ? `page ${first} is used by nothing` : `${unused.length} pages are used by nothing, the first of them is page ${first}` }];
}

function messageOf(line: string, { byPage, byName }: Owners): IntegrityMessage {
  const [whole = '', root = '', page, rest = ''] = /^Tree (\d+)(?: page (\d+))?(.*)$/s.exec(line) ?? [];
  if (whole !== '') {
    const owner = byPage.get(root);
    const place = owner === undefined ? `tree ${root}, ` : owner.index === null ? '' : `index ${owner.index}, `;
    return { table: owner?.table ?? null, message: `${place}page ${page ?? root}${rest}` };
  }
  const name = /\b(?:index|value in|order for) ([^\s.]+)/.exec(line)?.[1];
  return { table: name === undefined ? null : (byName.get(name) ?? null), message: line };
}
