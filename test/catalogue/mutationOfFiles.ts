import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { libraryDatabase, preferencesFile } from '../../src/plex/dataDirectory.ts';
import type { Mutate } from './mutation.ts';
import { databaseOf } from './smallCatalogue.ts';

/** A path mapped twice, by another pair, not at all, or to what only begins like the target. */
export const mutatePath: Mutate = (random, { after, fileGuids }) => {
  const path = databaseOf(after);
  const columns = [['section_locations', 'root_path'], ['media_parts', 'file'], ['media_streams', 'url'], ...(fileGuids === 'rewrite' ? [['metadata_item_settings', 'guid'], ['metadata_item_views', 'guid'], ['metadata_item_views', 'grandparent_guid']] : [])] as const;
  const [table = '', column = ''] = random.pick(columns);
  const [what, from, to] = random.pick([
    ['mapped twice', '/media/library', '/media/library/media/library'],
    ['mapped by another pair', '/media/library', '/media/optimized'],
    ['mapped by the shorter pair', '/media/optimized', '/media/library-optimized'],
    ['not mapped', '/media/library', '/mnt/nas-plex'],
    ['without the boundary of a segment', '/mnt/nas-plexus', '/media/libraryus'],
    ['with a slash too many', '/media/library/', '/media/library//'],
  ] as const);
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false, readBigInts: true });
  try {
    const rows = database.prepare(`SELECT rowid AS id FROM "${table}" WHERE typeof("${column}") = 'text' AND instr("${column}", ?)`).all(from);
    if (rows.length === 0) return null;
    const id = String(random.pick(rows)['id']);
    database.prepare(`UPDATE "${table}" SET "${column}" = CAST(replace(CAST("${column}" AS BLOB), CAST(? AS BLOB), CAST(? AS BLOB)) AS TEXT) WHERE rowid = ?`).run(from, to, BigInt(id));
    return { what: `${table}.${column}, row ${id}: ${what}`, path, isNamedBy: (found) => found.file === libraryDatabase && found.table === table && found.column === column && found.rowid === id };
  } finally {
    database.close();
  }
};

/** A setting with another value, gone, added, renamed, elsewhere, or a byte between settings. */
export const mutatePreferences: Mutate = (random, { after }) => {
  const path = join(after, preferencesFile);
  const text = readFileSync(path, 'latin1');
  const settings = Array.from(text.slice(text.indexOf('<Preferences')).matchAll(/ ([\w.-]+)="([^"]*)"/g), ([whole, name = '', value = '']) => ({ whole, name, value }));
  const one = random.pick(settings);
  const other = random.pick(settings);
  const [what, made, name] = random.pick([
    ['another value', text.replace(one.whole, ` ${one.name}="${one.value}1"`), one.name],
    ['an empty value', text.replace(one.whole, ` ${one.name}=""`), one.name],
    ['the case of a letter', text.replace(one.whole, ` ${one.name}="${one.value.toUpperCase()}"`), one.name],
    ['other quotes', text.replace(one.whole, ` ${one.name}='${one.value}'`), one.name],
    ['gone', text.replace(one.whole, ''), one.name],
    ['renamed', text.replace(one.whole, ` ${one.name}X="${one.value}"`), one.name],
    ['another case of its name', text.replace(one.whole, ` ${one.name.toLowerCase()}="${one.value}"`), one.name],
    ['added', text.replace(one.whole, `${one.whole} Added="${one.value}"`), 'Added'],
    ['twice', text.replace(one.whole, one.whole + one.whole), one.name],
    ['changed places', text.replace(one.whole, '\0').replace(other.whole, one.whole).replace('\0', other.whole), 'order'],
    ['two spaces', text.replace(one.whole, ` ${one.whole}`), one.name],
    ['a space before the value', text.replace(one.whole, one.whole.replace('=', '= ')), one.name],
    ['a line feed', text.replace(one.whole, one.whole.replace(' ', '\n')), one.name],
    ['a byte at the end', `${text}\n`, 'outside'],
    ['a byte at the beginning', `\u00ef\u00bb\u00bf${text}`, 'outside'],
    ['a space before the end', text.replace('/>', ' />'), 'outside'],
  ] as const);
  if (made === text) return null;
  writeFileSync(path, made, 'latin1');
  return { what: `${preferencesFile}: ${one.name}: ${what}`, path, isNamedBy: (found) => found.file === preferencesFile && (name === 'order' || name === 'outside' ? found.kind.includes(name) : found.kind.includes(`"${name}"`)) };
};

/** One bit of a dated backup. */
export const mutateBackup: Mutate = (random, { after }) => {
  const name = `${libraryDatabase}-2026-11-20`;
  const path = databaseOf(after, name);
  const bytes = readFileSync(path);
  const at = random.integer(0, bytes.length - 1);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(0, 7));
  writeFileSync(path, bytes);
  return { what: `${name}: byte ${at}`, path, isNamedBy: (found) => found.file === name && found.kind === 'this file changed' };
};
