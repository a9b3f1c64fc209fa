import { blobsDatabase, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { reading, type Mutate } from './mutation.ts';
import { guideDatabase } from './mutableCatalogue.ts';
import { databaseOf, tamper } from './smallCatalogue.ts';
import { withSchemaTakenApart } from './takenApart.ts';

/** An index dropped, added, made unique, or with one entry of it removed or altered. */
export const mutateIndex: Mutate = (random, { after }) => {
  const path = databaseOf(after, random.pick([libraryDatabase, blobsDatabase, guideDatabase]));
  const index = random.pick(rowsOf(path, "SELECT m.name, m.tbl_name AS owner, m.sql, l.wr FROM sqlite_master AS m JOIN pragma_table_list AS l ON l.name = m.tbl_name AND l.schema = 'main' WHERE m.type = 'index' AND m.rootpage > 0"));
  const [name, owner] = [String(index['name']), String(index['owner'])];
  const isNamedBy = (verb: string) => (found: { readonly file: string; readonly table: string | null; readonly kind: string }) => path.endsWith(found.file) && found.table === owner && found.kind.includes(`index "${name}" ${verb}`);
  const result = (what: string, verb: string) => ({ what: `${path}: index ${name}: ${what}`, path, isNamedBy: isNamedBy(verb) });
  const kind = random.pick(['dropped', 'added', 'unique', 'entry', 'entry', 'entry'] as const);
  if (kind === 'added') {
    tamper(path, `CREATE INDEX "added ${name}" ON "${owner}"("${String(rowsOf(path, 'SELECT name FROM pragma_table_info(?)', owner)[0]?.['name'])}")`);
    return { what: `${path}: index on ${owner} added`, path, isNamedBy: (found) => found.table === owner && found.kind === `the index "added ${name}" was added or changed` };
  }
  if (kind === 'entry') return mutateEntry(random, { path, name, isWithoutRowid: Number(index['wr']) === 1 }) ? result('an entry', 'does not') : null;
  const { sql } = index;
  if (typeof sql !== 'string') return null;
  if (kind === 'dropped') tamper(path, `DROP INDEX "${name}"`);
  else {
    const [, rest = ''] = sql.split(/CREATE (?:UNIQUE )?INDEX/);
    const made = `CREATE ${sql.startsWith('CREATE UNIQUE') ? '' : 'UNIQUE '}INDEX${rest}`;
    tamper(path, `PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = '${made.replaceAll("'", "''")}' WHERE name = '${name}'`);
  }
  return result(kind, 'is gone or was changed');
};

// The index's pages, read as a table of the same entries.
function mutateEntry(random: Parameters<Mutate>[0], { path, name, isWithoutRowid }: { readonly path: string; readonly name: string; readonly isWithoutRowid: boolean }): boolean {
  const parts = rowsOf(path, 'SELECT seqno, coll, "desc" FROM pragma_index_xinfo(?) ORDER BY seqno', name);
  const columns = parts.map((_, place) => `c${place}`);
  const sorted = parts.map(({ coll, desc }, place) => `c${place} COLLATE ${/^(?:binary|nocase|rtrim)$/i.test(String(coll)) ? String(coll) : 'NOCASE'}${Number(desc) === 1 ? ' DESC' : ''}`);
  const sql = `CREATE TABLE entries(${columns.join(', ')}, PRIMARY KEY (${sorted.join(', ')})) WITHOUT ROWID`;
  return withSchemaTakenApart(path, (row) => (row.name === name && row.type === 'index' ? { ...row, type: 'table', name: 'entries', table: 'entries', sql } : null), (database) => {
    const entries = database.prepare('SELECT * FROM entries').all();
    if (entries.length === 0) return false;
    const entry = random.pick(entries);
    const where = columns.map((column) => `${column} IS ?`).join(' AND ');
    const key = columns.map((column) => entry[column] ?? null);
    const last = columns.at(-1) ?? '';
    const change = isWithoutRowid ? 'DELETE FROM entries' : random.pick(['DELETE FROM entries', `UPDATE entries SET c0 = CASE WHEN c0 IS NULL THEN 'x' ELSE 'another' END`, "UPDATE entries SET c0 = c0 || ' '", `UPDATE entries SET ${last} = ${last} + 90000`]);
    // What is no text stays as it is when something is added to nothing.
    return Number(database.prepare(`${change} WHERE ${where}${change.includes('||') ? " AND typeof(c0) = 'text'" : ''}`).run(...key).changes) === 1;
  });
}

/** A trigger dropped, with one character changed, or added. */
export const mutateTrigger: Mutate = (random, { after }) => {
  const path = databaseOf(after, random.pick([libraryDatabase, blobsDatabase, guideDatabase]));
  const trigger = random.pick(rowsOf(path, "SELECT name, tbl_name AS owner, sql FROM sqlite_master WHERE type = 'trigger'"));
  const [name, owner, sql] = [String(trigger['name']), String(trigger['owner']), String(trigger['sql'])];
  const kind = random.pick(['dropped', 'changed', 'added'] as const);
  const places = Array.from(sql.matchAll(/(?<=\bBEGIN\b.*)[a-z](?=[a-z])/gs), ({ index }) => index);
  if (kind === 'dropped') tamper(path, `DROP TRIGGER "${name}"`);
  else if (kind === 'added') tamper(path, `CREATE TRIGGER "added" AFTER DELETE ON "${owner}" BEGIN SELECT 1; END`);
  else {
    const at = random.pick(places);
    // Upper case for lower: the same to SQLite, and another text.
    const made = sql.slice(0, at) + sql.charAt(at).toUpperCase() + sql.slice(at + 1);
    tamper(path, `PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = '${made.replaceAll("'", "''")}' WHERE name = '${name}'`);
  }
  const expected = kind === 'added' ? 'the trigger "added" was added or changed' : `the trigger "${name}" is gone or was changed`;
  return { what: `${path}: trigger ${name}: ${kind}`, path, isNamedBy: (found) => path.endsWith(found.file) && found.table === owner && found.kind === expected };
};

/** A row of the sequences changed, removed or added. */
export const mutateSequence: Mutate = (random, { after }) => {
  const path = databaseOf(after, random.pick([libraryDatabase, blobsDatabase]));
  const row = random.pick(rowsOf(path, 'SELECT rowid AS id, name, seq FROM sqlite_sequence'));
  const id = String(row['id']);
  const [what, sql, column, named] = random.pick([
    ['one more', `UPDATE sqlite_sequence SET seq = seq + 1 WHERE rowid = ${id}`, 'seq', id],
    ['back to 0', `UPDATE sqlite_sequence SET seq = 0 WHERE rowid = ${id}`, 'seq', id],
    ['of another table', `UPDATE sqlite_sequence SET name = 'Media_parts' WHERE rowid = ${id}`, 'name', id],
    ['removed', `DELETE FROM sqlite_sequence WHERE rowid = ${id}`, null, id],
    ['added', "INSERT INTO sqlite_sequence(rowid, name, seq) VALUES (5000, 'nothing', 1)", null, '5000'],
  ] as const);
  if (what === 'back to 0' && Number(row['seq']) === 0) return null;
  tamper(path, sql);
  return { what: `${path}: sequence ${String(row['name'])}: ${what}`, path, isNamedBy: (found) => path.endsWith(found.file) && found.table === 'sqlite_sequence' && found.column === column && found.rowid === named };
};

/** A setting of the database file. */
export const mutateSetting: Mutate = (random, { after }) => {
  const path = databaseOf(after, random.pick([libraryDatabase, blobsDatabase, guideDatabase]));
  const [what, sql] = random.pick([
    ['user version', 'PRAGMA user_version = 3'],
    ['application id', 'PRAGMA application_id = 77'],
    ['journal mode', 'PRAGMA journal_mode = DELETE'],
    ['schema version', 'PRAGMA schema_version = 100000'],
    ['default cache size', 'PRAGMA default_cache_size = 4321'],
  ] as const);
  tamper(path, sql);
  return { what: `${path}: ${what}`, path, isNamedBy: (found) => path.endsWith(found.file) && found.kind.includes(what) };
};

function rowsOf(path: string, sql: string, ...values: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  return reading(path, (database) => database.prepare(sql).all(...values));
}
