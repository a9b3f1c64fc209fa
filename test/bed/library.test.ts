import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareIcuRoot, fingerprint, onStockCopy, query, rowsOf } from './library/inspection.ts';
import { makeLibrary, type LibraryFacts, type LibraryOptions } from './library/makeLibrary.ts';
import { fewestItems } from './library/options.ts';
import { allStatements, loadSchema, parseStatements } from './library/schema.ts';
import { makeScratchDirectory } from './library/scratch.ts';

const scratch = makeScratchDirectory('plexlift-library-');
afterAll(() => rmSync(scratch, { recursive: true, force: true }), 60_000);

const databases = 'Plug-in Support/Databases';
let facts: LibraryFacts;
beforeAll(async () => {
  facts = await make('first');
}, 60_000);

describe('the same options', () => {
  test('give the same bytes, names, modes, times and links, from another process too', { timeout: 60_000 }, () => {
    const again = join(scratch, 'again');
    const paths = ['--data', join(again, 'Plex Media Server'), '--media', join(again, 'media'), '--optimized', join(again, 'optimized')];
    const printed = JSON.parse(execFileSync(process.execPath, [join(import.meta.dirname, 'library/main.ts'), ...paths], { encoding: 'utf8' })) as LibraryFacts;
    for (const tree of ['dataDirectory', 'mediaDirectory', 'optimizedDirectory'] as const) expect(fingerprint(printed[tree])).toEqual(fingerprint(facts[tree]));
    expect({ ...printed, dataDirectory: '', mediaDirectory: '', optimizedDirectory: '' }).toEqual({ ...facts, dataDirectory: '', mediaDirectory: '', optimizedDirectory: '' });
  });

  test('with another seed give another library', { timeout: 60_000 }, async () => {
    const other = await make('other seed', { seed: 2, items: 80 });
    expect(other.machineIdentifier).not.toBe(facts.machineIdentifier);
    expect(other.token).not.toBe(facts.token);
    expect(other.artwork[0]?.url).not.toBe(facts.artwork[0]?.url);
  });
});

describe('the schema', () => {
  test('has 52 ordinary tables, 86 tables in all, 164 indexes and 8 triggers', () => {
    expect(loadSchema().tables).toHaveLength(52);
    for (const name of fullDatabases()) {
      const counts = query(name, 'SELECT type, count(*) AS count FROM sqlite_master GROUP BY type ORDER BY type');
      expect(counts).toEqual([{ type: 'index', count: 164 }, { type: 'table', count: 86 }, { type: 'trigger', count: 8 }]);
    }
  });

  test('stands in sqlite_master word for word, tokenizer and collation included', () => {
    const stored = new Map(query(library(), 'SELECT name, type, tbl_name, sql FROM sqlite_master').map((row) => [row['name'], row]));
    for (const { type, name, table, sql } of allStatements(loadSchema())) expect(stored.get(name)).toEqual({ name, type, tbl_name: table, sql });
    expect(stored.get('index_title_sort_icu')?.['sql']).toContain('COLLATE icu_root');
  });

  const reference = process.env['PLEX_SCHEMA_REFERENCE'];
  const sorted = (statements: readonly { name: string; sql: string }[]) => statements.map(({ name, sql }) => `${name}: ${sql}`).sort();
  test.skipIf(reference === undefined)('equals the reference in the directory PLEX_SCHEMA_REFERENCE', () => {
    const expected = parseStatements(readFileSync(join(reference ?? '', 'plex-schema.sql'), 'utf8'));
    expect(sorted(allStatements(loadSchema()))).toEqual(sorted(expected));
  });
  test.skipIf(reference === undefined)('before 1.43.4 equals the reference in the directory PLEX_SCHEMA_REFERENCE', () => {
    const expected = parseStatements(readFileSync(join(reference ?? '', 'plex-schema-1.43.0-search.sql'), 'utf8'));
    expect(sorted(allStatements(loadSchema('1.43.0')))).toEqual(expect.arrayContaining(sorted(expected)));
    expect(expected).toHaveLength(12);
  });
});

describe('every database', () => {
  test('is closed cleanly, with WAL in its header and 1024-byte pages', () => {
    const names = readdirSync(join(facts.dataDirectory, databases)).sort();
    expect(names).toEqual(facts.databases.map((path) => path.slice(databases.length + 1)).sort());
    for (const name of names) {
      const header = readFileSync(join(facts.dataDirectory, databases, name)).subarray(0, 20);
      expect([header.readUInt16BE(16), header[18], header[19]]).toEqual([1024, 2, 2]);
    }
  });

  test('is sound, table by table and as a whole, under collations and tokenizers that stock SQLite has', () => {
    for (const name of fullDatabases()) {
      const found = onStockCopy(name, (database) => [rowsOf(database, 'PRAGMA integrity_check'), rowsOf(database, 'PRAGMA foreign_key_check')]);
      expect(found).toEqual([[{ integrity_check: 'ok' }], []]);
    }
  });

  test('cannot be checked as a whole by stock SQLite as it stands', () => {
    expect(() => query(library(), 'PRAGMA integrity_check')).toThrow(/icu_root|collating/);
  });

  test('has ids that were handed out long ago: the marks of AUTOINCREMENT lie above the rows', () => {
    for (const { name, seq } of query(library(), 'SELECT name, seq FROM sqlite_sequence')) {
      const [row] = query(library(), `SELECT coalesce(max(id), 0) AS last FROM "${String(name)}"`);
      expect(Number(seq)).toBeGreaterThan(Number(row?.['last']) + 900);
    }
  });
});

test('the ICU index is in the order that the collation icu_root of the bed gives', () => {
  const sorted = 'SELECT title_sort FROM metadata_items INDEXED BY index_title_sort_icu ORDER BY title_sort COLLATE NOCASE';
  const stored = onStockCopy(library(), (database) => rowsOf(database, sorted)).map((row) => String(row['title_sort']));
  expect(stored.length).toBeGreaterThan(300);
  expect(stored.filter((title, index) => index > 0 && compareIcuRoot(stored[index - 1] ?? '', title) > 0)).toEqual([]);
});

test('the full-text tables hold every title and find words in them', () => {
  onStockCopy(library(), (database) => {
    expect(rowsOf(database, 'SELECT id FROM metadata_items EXCEPT SELECT docid FROM fts4_metadata_titles_icu_content')).toEqual([]);
    expect(rowsOf(database, "SELECT count(*) AS found FROM fts4_metadata_titles_icu WHERE fts4_metadata_titles_icu MATCH 'clock'")[0]?.['found']).toBeGreaterThan(1);
    expect(rowsOf(database, 'SELECT count(*) AS count FROM fts4_tag_titles_icu_content')).toEqual(rowsOf(database, 'SELECT count(*) AS count FROM tags WHERE tag_type IN (0,1,2,4,6,207,400)'));
    for (const table of ['fts4_metadata_titles_icu', 'fts4_tag_titles_icu']) database.exec(`INSERT INTO ${table}(${table}) VALUES('integrity-check')`);
  });
});

describe('the paths in the database', () => {
  test('lead to files of the size that is stored', () => {
    const parts = query(library(), "SELECT file, size, hash FROM media_parts WHERE file <> ''");
    for (const { file, size, hash } of parts) {
      const content = readFileSync(onDisk(String(file)));
      expect([content.length, createHash('sha1').update(content).digest('hex')]).toEqual([size, hash]);
    }
    expect(parts.length).toBeGreaterThan(300);
  });

  test('of libraries lead to directories', () => {
    const roots = query(library(), 'SELECT root_path FROM section_locations').map((row) => String(row['root_path']));
    expect(roots).toContain(facts.optimizedPath);
    expect(roots.filter((root) => !statSync(onDisk(root)).isDirectory())).toEqual([]);
  });

  test('of sidecars occur raw and escaped, and lead to files', () => {
    const urls = query(library(), "SELECT url FROM media_streams WHERE url LIKE 'file://%'").map((row) => String(row['url']).slice('file://'.length));
    const raw = urls.filter((url) => url.includes(' '));
    const escaped = urls.filter((url) => !url.includes(' '));
    expect([raw.length, escaped.length].every((count) => count > 3)).toBe(true);
    expect([...raw, ...escaped.map(unescaped)].filter((path) => !existsSync(onDisk(path)))).toEqual([]);
    expect(urls.some((url) => url.includes('%25'))).toBe(true);
    expect(urls.some((url) => /[^\0-\u007f]/.test(url))).toBe(true);
  });

  test('of other kinds of streams are there too', () => {
    const count = (where: string) => Number(query(library(), `SELECT count(*) AS count FROM media_streams WHERE ${where}`)[0]?.['count']);
    for (const where of ["url = 'blob://'", "url LIKE 'media://%'", 'url IS NULL', "url = ''", 'stream_type_id = 4']) expect([where, count(where) > 0]).toEqual([where, true]);
  });

  test('of artwork lead to images', () => {
    expect(facts.artwork.filter(({ custom }) => custom).length).toBeGreaterThan(5);
    for (const { path, metadataItemId, url } of facts.artwork) {
      expect(readFileSync(join(facts.dataDirectory, path)).subarray(1, 4).toString()).toBe('PNG');
      expect(query(library(), `SELECT user_thumb_url FROM metadata_items WHERE id = ${metadataItemId}`)).toEqual([{ user_thumb_url: url }]);
    }
  });

  test('in numbers are stored as integers, and only where a column says float as real numbers', () => {
    const real = onStockCopy(library(), (database) =>
      loadSchema().tables.flatMap(({ name }) =>
        rowsOf(database, `PRAGMA table_info("${name}")`)
          .filter(({ type }) => String(type).toLowerCase() !== 'float')
          .map((column) => String(column['name']))
          .filter((column) => rowsOf(database, `SELECT 1 FROM "${name}" WHERE typeof("${column}") = 'real' LIMIT 1`).length > 0)
          .map((column) => `${name}.${column}`),
      ),
    );
    expect(real).toEqual([]);
  });
});

describe('what the facts say', () => {
  test('of the libraries is what the database holds', () => {
    expect(facts.libraries.reduce((sum, { items }) => sum + items, 0)).toBe(300);
    expect(facts.libraries.map(({ name }) => name)).toEqual(['Movies', 'TV shows', 'Music', 'Photos', 'Other Videos', 'Dokumentärfilme']);
    for (const { id, kind, items, rowsByType } of facts.libraries) {
      const rows = query(library(), `SELECT metadata_type AS type, count(*) AS count FROM metadata_items WHERE library_section_id = ${id} GROUP BY 1`);
      expect(Object.fromEntries(rows.map(({ type, count }) => [String(type), count]))).toEqual(rowsByType);
      expect(rowsByType[String({ movies: 1, shows: 4, music: 10, photos: 13, clips: 1, documentaries: 1 }[kind])]).toBe(items);
    }
  });

  test('of people and what they did is what the database holds', () => {
    expect(query(library(), 'SELECT id, name FROM accounts WHERE id <> 0 ORDER BY id')).toEqual([...facts.users].sort((left, right) => left.id - right.id));
    const onDeck = query(library(), 'SELECT account_id, guid, view_offset FROM metadata_item_settings WHERE view_offset > 0 ORDER BY id');
    expect(onDeck).toEqual(facts.onDeck.map(({ accountId, guid, viewOffsetMs }) => ({ account_id: accountId, guid, view_offset: viewOffsetMs })));
    expect(new Set(facts.onDeck.map(({ accountId }) => accountId)).size).toBe(4);
    for (const { id, itemIds, smart } of facts.playlists) {
      const rows = query(library(), `SELECT metadata_item_id AS id, substr(uri, 1, instr(uri, '://') - 1) AS scheme FROM play_queue_generators WHERE playlist_id = ${id} ORDER BY "order"`);
      expect(rows.filter((row) => row['id'] !== null).map((row) => row['id'])).toEqual(itemIds);
      expect(rows.filter(({ scheme }) => scheme === 'library' || scheme === 'server')).toHaveLength(smart ? 1 : 0);
    }
    for (const { title, itemIds } of facts.collections) {
      const rows = query(library(), `SELECT taggings.metadata_item_id AS id FROM taggings JOIN tags ON tags.id = tag_id WHERE tag_type = 2 AND tag = '${title}' ORDER BY taggings."index"`);
      expect(rows.map((row) => row['id'])).toEqual(itemIds);
      expect(itemIds.length).toBeGreaterThan(0);
    }
  });

  test('of optimized versions and extras is what the database holds', () => {
    const optimized = query(library(), 'SELECT media_parts.id, file FROM media_parts JOIN media_items ON media_items.id = media_item_id WHERE proxy_type = 42 ORDER BY media_parts.id');
    expect(optimized).toEqual(facts.optimizedParts.map(({ partId, file }) => ({ id: partId, file })));
    expect(facts.optimizedParts.some(({ file }) => file.startsWith(`${facts.optimizedPath}/Plex Versions/`))).toBe(true);
    expect(facts.optimizedParts.some(({ file }) => file.startsWith(`${facts.mediaPath}/Movies/`))).toBe(true);
    expect(query(library(), "SELECT guid FROM metadata_items WHERE guid LIKE 'file://%' ORDER BY id")).toEqual(facts.localExtras.map(({ guid }) => ({ guid })));
    expect(facts.localExtras.length).toBeGreaterThan(0);
    expect(query(library(), "SELECT count(*) AS count FROM media_parts WHERE file = ''")).toEqual([{ count: facts.cloudExtras.length }]);
    const shared = query(library(), "SELECT file FROM media_parts WHERE file <> '' GROUP BY file HAVING count(*) > 1 ORDER BY min(id)");
    expect(shared).toEqual(facts.sharedFiles.map((file) => ({ file })));
    expect(facts.sharedFiles.length).toBeGreaterThan(0);
  });

  test('of its identity stands in Preferences.xml, which only its owner may read', () => {
    const path = join(facts.dataDirectory, 'Preferences.xml');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, 'utf8');
    const { root } = parseXml(text);
    if (!(root instanceof XmlElement)) throw new Error('Preferences.xml has no root element');
    expect(root.attributes).toEqual(facts.preferences);
    expect(facts.processedMachineIdentifier).toBe(createHash('sha1').update(`${facts.machineIdentifier}- Plex Media Server`).digest('hex'));
    for (const absent of ['autoEmptyTrash', 'FriendlyName']) expect(facts.preferences).not.toHaveProperty(absent);
    expect(text).toMatch(/customConnections="[^"]*&amp;/);
    expect(text).toContain('&#10;');
    const prerolls = facts.preferences['CinemaTrailersPrerollID']?.split(';') ?? [];
    expect(prerolls.map((file) => existsSync(onDisk(file)))).toEqual([true, true]);
  });
});

test('values that a careless reader changes are there', () => {
  const count = (from: string) => query(library(), `SELECT count(*) AS count FROM ${from}`)[0]?.['count'];
  expect(count("metadata_items WHERE instr(CAST(tagline AS BLOB), x'e974e9') > 0 AND typeof(tagline) = 'text'")).toBe(1);
  expect(count('statistics_bandwidth WHERE bytes > 9007199254740992')).toBe(1);
  expect(count('taggings WHERE metadata_item_id NOT IN (SELECT id FROM metadata_items)')).toBe(1);
  for (const { table, column, rowid } of facts.pathMentions) expect(count(`${table} WHERE rowid = ${rowid} AND instr(${column}, '${facts.mediaPath}/Movies') > 0`)).toBe(1);
});

test('dated backups hold an earlier state of the same library', () => {
  const counts = ['-2026-11-11', '-2026-11-20', ''].map((date) => Number(query(`${library()}${date}`, 'SELECT count(*) AS count FROM metadata_item_views')[0]?.['count']));
  expect(counts).toEqual([...new Set(counts)].sort((left, right) => left - right));
});

test('the data directory holds the awkward things that a copy must survive', () => {
  const support = join(facts.dataDirectory, 'Plug-in Support/Data', facts.thirdPartyAgent);
  expect(readdirSync(join(support, 'DataItems'))).toContain('name with a\nnewline');
  expect(lstatSync(join(support, 'dangling link')).isSymbolicLink()).toBe(true);
  expect(existsSync(join(support, 'dangling link'))).toBe(false);
  expect(readdirSync(join(support, 'empty directory'))).toEqual([]);
  expect(statSync(join(support, 'empty file')).size).toBe(0);
  expect(statSync(join(facts.dataDirectory, 'Scripts/after recording.sh')).mode & 0o777).toBe(0o755);
});

describe('options', () => {
  test('choose paths, a name, a version, and how much media is missing', { timeout: 60_000 }, async () => {
    const made = await make('options', { items: 120, mediaPath: '/srv/a b/', optimizedPath: '/srv/a b-opt', missingMedia: 7, friendlyName: 'Wohnzimmer <1>', version: '1.43.0.10492-121068a07' });
    expect(made.preferences['FriendlyName']).toBe('Wohnzimmer <1>');
    expect(made.version).toBe('1.43.0.10492-121068a07');
    const path = join(made.dataDirectory, databases, 'com.plexapp.plugins.library.db');
    const lacking = query(path, "SELECT DISTINCT file FROM media_parts WHERE file <> ''")
      .map((row) => String(row['file']))
      .filter((file) => !existsSync(onDisk(file, made)));
    expect(lacking.sort()).toEqual([...made.missingMedia].sort());
    expect(lacking).toHaveLength(7);
    expect(query(path, "SELECT count(*) AS count FROM media_parts WHERE file LIKE '/mnt/%'")).toEqual([{ count: 0 }]);
  });

  test('choose a server before 1.43.4, whose search tables have no content of their own and whose triggers fire on every column', { timeout: 60_000 }, async () => {
    const made = await make('older', { items: 80, version: '1.43.0.10492-121068a07' });
    const path = join(made.dataDirectory, databases, 'com.plexapp.plugins.library.db');
    const stored = query(path, 'SELECT name, sql FROM sqlite_master');
    for (const { name, sql } of allStatements(loadSchema(made.version))) expect(stored).toContainEqual({ name, sql });
    expect(stored.filter(({ name }) => String(name).endsWith('_content'))).toEqual([]);
    expect(made.newestMigration < facts.newestMigration).toBe(true);
    const found = onStockCopy(path, (database) => {
      for (const table of ['fts4_metadata_titles_icu', 'fts4_tag_titles_icu']) database.exec(`INSERT INTO ${table}(${table}) VALUES('integrity-check')`);
      return rowsOf(database, 'PRAGMA integrity_check');
    });
    expect(found).toEqual([{ integrity_check: 'ok' }]);
    expect(() => query(path, "UPDATE metadata_items SET hash = 'x'")).toThrow(/collating|readonly/);
  });

  test('for the smallest library leave nothing out', async () => {
    const made = await make('smallest', { items: fewestItems });
    const { libraries, onDeck, playlists, collections, optimizedParts, artwork, localExtras, cloudExtras, sharedFiles } = made;
    const smallest = [onDeck, playlists, collections, localExtras, cloudExtras, sharedFiles, ...collections.map(({ itemIds }) => itemIds), ...libraries.map(({ items }) => Array.from({ length: items }))];
    expect(smallest.map((list) => list.length).filter((length) => length === 0)).toEqual([]);
    expect(new Set(onDeck.map(({ accountId }) => accountId)).size).toBe(4);
    expect(artwork.some(({ custom }) => custom)).toBe(true);
    expect(new Set(optimizedParts.map(({ file }) => file.startsWith(made.optimizedPath))).size).toBe(2);
    const path = join(made.dataDirectory, databases, 'com.plexapp.plugins.library.db');
    const [urls] = query(path, "SELECT sum(url GLOB 'file://* *') AS raw, sum(url GLOB 'file://*%20*') AS escaped, sum(url = 'blob://') AS blobs, sum(url GLOB 'media://*') AS media, sum(stream_type_id = 4) AS lyrics FROM media_streams");
    expect(Object.values(urls ?? { none: 0 }).every((count) => Number(count) > 0)).toBe(true);
  });

  test('that make no sense are refused, and nothing is overwritten', async () => {
    await expect(make('few', { items: 10 })).rejects.toThrow('at least 60');
    await expect(make('many missing', { missingMedia: 200 })).rejects.toThrow('from 0 to 75');
    await expect(make('first')).rejects.toThrow('already holds');
  });

  test('for a larger library take time in proportion', { timeout: 120_000 }, async () => {
    const made = await make('large', { items: 1000 });
    expect(query(join(made.dataDirectory, databases, 'com.plexapp.plugins.library.db'), 'SELECT count(*) > 1000 AS enough FROM metadata_items')).toEqual([{ enough: 1 }]);
  });
});

function make(name: string, options: Partial<LibraryOptions> = {}): Promise<LibraryFacts> {
  const base = join(scratch, name);
  return makeLibrary({ dataDirectory: join(base, 'Plex Media Server'), mediaDirectory: join(base, 'media'), optimizedDirectory: join(base, 'optimized'), ...options });
}

function library(): string {
  return join(facts.dataDirectory, databases, 'com.plexapp.plugins.library.db');
}

function fullDatabases(): readonly string[] {
  return facts.databases.filter((path) => !path.endsWith('com.plexapp.dlna.db')).map((path) => join(facts.dataDirectory, path));
}

function onDisk(path: string, made: LibraryFacts = facts): string {
  if (path === made.optimizedPath || path.startsWith(`${made.optimizedPath}/`)) return `${made.optimizedDirectory}${path.slice(made.optimizedPath.length)}`;
  if (path.startsWith(`${made.mediaPath}/`)) return `${made.mediaDirectory}${path.slice(made.mediaPath.length)}`;
  throw new Error(`"${path}" is below no root`);
}

function unescaped(url: string): string {
  return url.replaceAll('%20', ' ').replaceAll('%25', '%');
}
