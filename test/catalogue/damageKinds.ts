import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { blobsDatabase, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { cellPointers, changePages, execute, pageOf, query, rootPageOf, swapEntries, writeFileLike } from './rawPages.ts';

/** One way in which databases break. */
export interface DamageKind {
  readonly name: string;
  /** Breaks databases in this directory. Nobody may have them open. */
  readonly apply: (databasesDirectory: string) => void;
  /** What is said of it: file, table or index, and page where they can be known. */
  readonly expected: RegExp;
  /** True where it lies in a write-ahead log, which a server would take in, reset or remove at its next start. */
  readonly inLog?: true;
}

const table = 'media_parts';
const index = 'index_media_parts_on_file';

/** What stock SQLite and the examination around it can see. */
export const damageKinds: readonly DamageKind[] = [
  {
    name: 'cut off within a page',
    expected: /library\.db: the file has \d+ bytes, which is no whole number of its pages/,
    apply: onLibrary((file) => truncateSync(file, sizeOf(file) - Math.floor(pageSizeOf(file) / 3))),
  },
  {
    name: 'cut off after a whole page',
    expected: /library\.db: the file is cut short: the header counts \d+ pages/,
    apply: onLibrary((file) => truncateSync(file, Math.floor(sizeOf(file) / pageSizeOf(file) / 2) * pageSizeOf(file))),
  },
  {
    name: 'a page of zeros',
    expected: /library\.db, table media_parts: page \d+/,
    apply: onLibrary((file) => {
      const leaf = pageOf(file, table, ({ type }) => type === 'leaf');
      changePages(file, ({ page }) => page(leaf).fill(0));
    }),
  },
  {
    name: 'a flipped byte in the head of a leaf',
    expected: /library\.db, table media_parts: page \d+/,
    apply: onLibrary((file) => {
      const leaf = pageOf(file, table, ({ type }) => type === 'leaf');
      changePages(file, ({ page }) => flip(page(leaf), 3));
    }),
  },
  {
    name: 'a flipped byte in the pointer to a cell',
    expected: /library\.db, table media_parts: page \d+/,
    apply: onLibrary((file) => {
      const leaf = pageOf(file, table, ({ type, cells }) => type === 'leaf' && cells > 2);
      changePages(file, ({ page }) => flip(page(leaf), cellPointers(page(leaf))[1] ?? 0));
    }),
  },
  {
    name: 'a flipped byte in the pointer to a page',
    expected: /library\.db, table media_parts: page \d+/,
    apply: onLibrary((file) => {
      const interior = pageOf(file, table, ({ type }) => type === 'internal');
      changePages(file, ({ page }) => flip(page(interior), page(interior).readUInt16BE(cellPointers(page(interior))[0] ?? 0)));
    }),
  },
  {
    name: 'a page used twice',
    expected: /library\.db, table media_parts: page \d+.*2nd reference to page \d+/,
    apply: onLibrary((file) => {
      const interior = pageOf(file, table, ({ type, cells }) => type === 'internal' && cells > 1);
      changePages(file, ({ page }) => {
        const bytes = page(interior);
        const [first, second] = cellPointers(bytes).map((pointer) => bytes.readUInt16BE(pointer));
        bytes.writeUInt32BE(bytes.readUInt32BE(first ?? 0), second ?? 0);
      });
    }),
  },
  {
    name: 'two entries of an index swapped',
    expected: /library\.db, table media_parts: row \d+ missing from index index_media_parts_on_file/,
    apply: onLibrary((file) => swapEntries(file, index)),
  },
  {
    name: 'a flipped byte in the head of an index page',
    expected: /library\.db, table media_parts: index index_media_parts_on_file, page \d+/,
    apply: onLibrary((file) => {
      const leaf = pageOf(file, index, ({ type }) => type === 'leaf');
      changePages(file, ({ page }) => flip(page(leaf), 0));
    }),
  },
  {
    name: 'a row missing from an index',
    expected: /library\.db, table media_parts: row \d+ missing from index index_media_parts_on_file/,
    apply: onLibrary((file) => withoutIndex(file, { index, table }, `INSERT INTO media_parts(media_item_id, file) VALUES (1, '/mnt/nas-plex/unindexed.mkv')`)),
  },
  {
    name: 'a page of the index of titles lost',
    expected: /library\.db, table metadata_items: .*index_title_sort_\w+|library\.db, table metadata_items: .*malformed/,
    apply: onLibrary((file) => {
      const leaf = pageOf(file, titleIndexOf(file), ({ type }) => type === 'leaf');
      changePages(file, ({ page }) => page(leaf).fill(0));
    }),
  },
  {
    name: 'an entry missing from the index of titles',
    expected: /library\.db, table metadata_items: row \d+ missing from index index_title_sort_\w+/,
    apply: onLibrary((file) => withoutIndex(file, { index: titleIndexOf(file), table: 'metadata_items' }, `INSERT INTO metadata_items(library_section_id, metadata_type, title, title_sort) VALUES (1, 1, 'Never heard of', 'Never heard of')`)),
  },
  {
    name: 'a title that its index knows otherwise',
    expected: /library\.db, table metadata_items: index index_title_sort_\w+ says something else of row \d+/,
    apply: onLibrary((file) => withoutIndex(file, { index: titleIndexOf(file), table: 'metadata_items' }, `UPDATE metadata_items SET title_sort = 'Never heard of' WHERE id = (SELECT max(id) FROM metadata_items)`)),
  },
  {
    name: 'a text at the begin that no database has',
    expected: /library\.db: the file is not a database/,
    apply: onLibrary((file) => changePages(file, ({ bytes }) => flip(bytes, 7))),
  },
  {
    name: 'another page size in the header',
    expected: /library\.db: the file is cut short/,
    apply: onLibrary((file) => changePages(file, ({ bytes, pageSize }) => bytes.writeUInt16BE(pageSize === 32_768 ? 1 : pageSize * 2, 16))),
  },
  {
    name: 'half the page size in the header',
    expected: /library\.db: /,
    apply: onLibrary((file) => changePages(file, ({ bytes, pageSize }) => bytes.writeUInt16BE(pageSize / 2, 16))),
  },
  { name: 'a length of zero', expected: /library\.db: the file is empty/, apply: (directory) => truncateSync(join(directory, libraryDatabase), 0) },
  {
    name: 'a page of a web site in place of a database',
    expected: /library\.blobs\.db: the file is not a database/,
    apply: (directory) => writeFileSync(join(directory, blobsDatabase), '<html>Sign in to go on</html>\n'.repeat(200)),
  },
  { name: 'no blobs database', expected: /library\.blobs\.db: the file is missing/, apply: (directory) => rmSync(join(directory, blobsDatabase)) },
  {
    name: 'a damaged blobs database',
    expected: /library\.blobs\.db, table blobs: page \d+/,
    apply: (directory) => {
      const file = join(directory, blobsDatabase);
      changePages(file, ({ page }) => page(rootPageOf(file, 'blobs')).fill(0));
    },
  },
  {
    name: 'a damaged guide',
    expected: /tv\.plex\.providers\.epg[^:,]*\.db, table metadata_items: page \d+/,
    apply: (directory) => {
      const file = guideIn(directory);
      const leaf = pageOf(file, 'metadata_items', ({ type }) => type === 'leaf');
      changePages(file, ({ page }) => flip(page(leaf), 3));
    },
  },
  {
    name: 'a list of free pages that runs in a circle',
    expected: /library\.db: Freelist: .*page \d+/,
    apply: onLibrary((file) => {
      freePages(file);
      changePages(file, ({ bytes, page }) => {
        const trunk = bytes.readUInt32BE(32);
        page(trunk).writeUInt32BE(trunk, 0);
      });
    }),
  },
  {
    name: 'a wrong count of free pages',
    expected: /library\.db: Freelist: size is \d+ but should be \d+/,
    apply: onLibrary((file) => {
      freePages(file);
      changePages(file, ({ bytes }) => bytes.writeUInt32BE(bytes.readUInt32BE(36) + 3, 36));
    }),
  },
  {
    name: 'pages that are neither used nor free',
    expected: /library\.db: \d+ pages are used by nothing, the first of them is page \d+/,
    apply: onLibrary((file) => {
      freePages(file);
      changePages(file, ({ bytes }) => bytes.fill(0, 32, 40));
    }),
  },
  {
    name: 'a long value that ends early',
    expected: /library\.db, table media_parts: page \d+ cell \d+: overflow list length is \d+ but should be \d+/,
    apply: onLibrary((file) => changePages(file, ({ page }) => page(overflowOf(file)).writeUInt32BE(0, 0))),
  },
  {
    name: 'a long value that goes on in another table',
    expected: /library\.db, table media_parts: page \d+ cell \d+: /,
    apply: onLibrary((file) => changePages(file, ({ page }) => page(overflowOf(file)).writeUInt32BE(rootPageOf(file, 'devices'), 0))),
  },
  {
    name: 'a table that is said to begin where another does',
    expected: /library\.db.*2nd reference to page \d+/,
    apply: onLibrary((file) => execute(file, `PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = ${rootPageOf(file, 'accounts')} WHERE name = 'devices'`)),
  },
  {
    name: 'a table that is said to begin beyond the end',
    expected: /library\.db: .*(?:invalid rootpage|malformed)/,
    apply: onLibrary((file) => execute(file, `PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 99999999 WHERE name = 'devices'`)),
  },
  {
    name: 'a write-ahead log of a database with other pages',
    expected: /library\.db: the write-ahead log beside it has pages of \d+ bytes, the database has pages of \d+ bytes/,
    inLog: true,
    apply: onLibrary((file) => writeFileLike(`${file}-wal`, { like: file, content: logOfAnother(pageSizeOf(file) === 4096 ? 8192 : 4096) })),
  },
  {
    name: 'a write-ahead log of another database with the same pages',
    expected: /library\.db: the write-ahead log beside it .*the log of another database/,
    inLog: true,
    apply: onLibrary((file) => writeFileLike(`${file}-wal`, { like: file, content: logOfAnother(pageSizeOf(file)) })),
  },
  {
    // As when the file of a backup is put back and the log is left where it was.
    name: 'a write-ahead log of a later state of the library',
    expected: /library\.db: without the write-ahead log beside it the database is sound/,
    inLog: true,
    apply: onLibrary((file) => {
      const past = readFileSync(file);
      execute(file, `DELETE FROM media_parts WHERE file GLOB '*Many/*' AND id % 3 > 0`);
      const log = leaveLog(file, { commits: 4, sql: `INSERT INTO media_parts(media_item_id, file) SELECT 1, file || '.later' FROM media_parts WHERE file GLOB '*Many/*' LIMIT 200` });
      writeFileSync(file, past);
      writeFileLike(`${file}-wal`, { like: file, content: log });
    }),
  },
  {
    name: 'a write-ahead log torn in the middle',
    expected: /library\.db: the write-ahead log beside it is damaged at frame \d+ of \d+: \d+ later commits cannot be read/,
    inLog: true,
    apply: onLibrary((file) => {
      const log = leaveLog(file, { commits: 8 });
      const frameBytes = 24 + pageSizeOf(file);
      flip(log, 32 + Math.floor((log.length - 32) / frameBytes / 2) * frameBytes + 24 + 40);
      writeFileLike(`${file}-wal`, { like: file, content: log });
    }),
  },
  {
    name: 'a write-ahead log whose head is damaged',
    expected: /library\.db: the write-ahead log beside it has a damaged head: \d+ commits cannot be read/,
    inLog: true,
    apply: onLibrary((file) => {
      const log = leaveLog(file, { commits: 3 });
      flip(log, 26);
      writeFileLike(`${file}-wal`, { like: file, content: log });
    }),
  },
  {
    // Reading a process's memory from its begin is an I/O error for everybody, on every Linux: the nearest thing to a failing disk.
    name: 'a file that cannot be read',
    expected: /library\.blobs\.db: .*(?:i\/o error|Input\/output error|cannot be read)/i,
    apply: (directory) => {
      rmSync(join(directory, blobsDatabase));
      symlinkSync('/proc/self/mem', join(directory, blobsDatabase));
    },
  },
  {
    name: 'a directory in place of a database',
    expected: /library\.blobs\.db: .*(?:directory|missing)/i,
    apply: (directory) => {
      const aside = mkdtempSync(join(directory, 'directory-'));
      rmSync(join(directory, blobsDatabase));
      renameSync(aside, join(directory, blobsDatabase));
    },
  },
];

/** What only Plex's own SQLite can see. */
export const plexOnlyDamageKinds: readonly DamageKind[] = [
  { name: 'two entries of the index of titles swapped', expected: /row \d+ missing from index index_title_sort_\w+|out of order/, apply: onLibrary((file) => swapEntries(file, titleIndexOf(file))) },
  {
    name: 'a word in a search index that no title has',
    expected: /malformed inverted index for FTS4 table main\.fts4_metadata_titles/,
    apply: onLibrary((file) => {
      const segments = query(file, "SELECT name FROM sqlite_master WHERE name GLOB 'fts4_metadata_titles*_segdir' ORDER BY length(name) DESC")[0]?.['name'];
      const place = query(file, `SELECT level, idx, root FROM "${String(segments)}" WHERE length(root) > 6 ORDER BY length(root) DESC LIMIT 1`)[0];
      const root = place?.['root'];
      if (!(root instanceof Uint8Array)) throw new Error(`Cannot damage the search index in "${file}": it is empty`);
      // The last letters of a leaf belong to its last word; what follows them are numbers below 0x30.
      const at = root.findLastIndex((byte) => byte >= 0x61 && byte <= 0x79);
      if (at < 0) throw new Error(`Cannot damage the search index in "${file}": it holds no word`);
      const changed = Buffer.from(root);
      changed[at] = (changed[at] ?? 0) + 1;
      execute(file, `UPDATE "${String(segments)}" SET root = x'${changed.toString('hex')}' WHERE level = ${String(place?.['level'])} AND idx = ${String(place?.['idx'])}`);
    }),
  },
];

/** What nobody can see: a file that is sound in every respect and says something else. */
export const unseenDamageKinds: readonly Omit<DamageKind, 'expected'>[] = [
  {
    name: 'a wrong letter in a text',
    apply: onLibrary((file) => changePages(file, ({ page }) => page(overflowOf(file)).fill('y', 40, 41))),
  },
];

/** Gives the library enough parts for a tree of several levels and one long value, then breaks it. */
function onLibrary(breakIt: (file: string) => void): (databasesDirectory: string) => void {
  return (directory) => {
    const file = join(directory, libraryDatabase);
    const parts = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
      INSERT INTO media_parts(media_item_id, file) SELECT 1, printf('/mnt/nas-plex/Movies/Many/%05d %s.mkv', i, 'so that pages fill up') FROM n`;
    const long = `INSERT INTO media_parts(media_item_id, file, extra_data) VALUES (1, '/mnt/nas-plex/Movies/Many/long.mkv', printf('%.*c', ${pageSizeOf(file) * 4}, 'x'))`;
    execute(file, `BEGIN; ${parts}; ${long}; COMMIT`);
    breakIt(file);
  };
}

/** The index whose collation only Plex has; it went by another name in 2019. */
function titleIndexOf(file: string): string {
  return String(query(file, "SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB 'index_title_sort_*'")[0]?.['name']);
}

function overflowOf(file: string): number {
  // The first page of a chain is the only one whose path ends in zeros: "/001/002+000000".
  const first = query(file, `SELECT pageno FROM dbstat WHERE name = '${table}' AND pagetype = 'overflow' AND path LIKE '%+000000' ORDER BY path DESC LIMIT 1`)[0];
  return Number(first?.['pageno']);
}

/** Runs `sql` while an index and all triggers are out of the schema; afterwards the schema is as before. */
function withoutIndex(file: string, { index: name, table: owner }: { readonly index: string; readonly table: string }, sql: string): void {
  const hidden = `type = 'trigger' OR name = '${name}'`;
  execute(file, `CREATE TABLE hidden_schema AS SELECT * FROM sqlite_master WHERE ${hidden}; PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE ${hidden}`);
  execute(file, sql);
  execute(file, `PRAGMA writable_schema = ON; INSERT INTO sqlite_master SELECT * FROM hidden_schema`);
  const back = query(file, `SELECT count(*) AS found FROM sqlite_master WHERE name = '${name}' AND tbl_name = '${owner}'`)[0]?.['found'];
  if (back !== 1) throw new Error(`Cannot put "${name}" back into the schema of "${file}"`);
  execute(file, 'DROP TABLE hidden_schema');
}

function freePages(file: string): void {
  execute(file, `CREATE TABLE spare(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO spare SELECT zeroblob(${pageSizeOf(file)}) FROM n; DROP TABLE spare`);
}

/** The bytes of a log with some commits, none of which is in the database. */
function leaveLog(file: string, { commits, sql = `INSERT INTO devices(name, identifier) VALUES ('only in the log', hex(randomblob(8)))` }: { readonly commits: number; readonly sql?: string }): Buffer {
  const scratch = mkdtempSync(join(tmpdir(), 'plexlift-log-'));
  const copy = join(scratch, 'copy.db');
  try {
    copyFileSync(file, copy);
    const writer = new DatabaseSync(copy);
    try {
      writer.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
      for (let number = 0; number < commits; number += 1) writer.exec(sql);
      return readFileSync(`${copy}-wal`);
    } finally {
      writer.close();
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function logOfAnother(pageSize: number): Buffer {
  const scratch = mkdtempSync(join(tmpdir(), 'plexlift-log-'));
  const file = join(scratch, 'another.db');
  try {
    const writer = new DatabaseSync(file);
    try {
      writer.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE another(x)`);
      writer.exec('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO another SELECT hex(i) FROM n');
      return readFileSync(`${file}-wal`);
    } finally {
      writer.close();
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function guideIn(directory: string): string {
  const name = readdirSync(directory).find((found) => /^tv\.plex\.providers\.epg.*\.db$/.test(found));
  if (name !== undefined) return join(directory, name);
  const guide = join(directory, 'tv.plex.providers.epg.cloud-made-up.db');
  const library = join(directory, libraryDatabase);
  writeFileLike(guide, { like: library, content: readFileSync(library) });
  return guide;
}

function flip(bytes: Buffer, at: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ 0x55;
}

function sizeOf(file: string): number {
  return statSync(file).size;
}

function pageSizeOf(file: string): number {
  if (!existsSync(file)) throw new Error(`Cannot damage "${file}": it is not there`);
  return Number(query(file, 'PRAGMA page_size')[0]?.['page_size']);
}
