import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { libraryFile, type ServerFixture } from './serverFixture.ts';

/** What Plex SQLite knows and stock SQLite does not. */
export function plexSqliteTests(fixture: () => ServerFixture): void {
  test("knows in Plex SQLite what stock SQLite does not", () => {
    const bed = fixture();
    const directory = bed.dataDirectory();
    const file = join(directory, libraryFile);
    expect(bed.plexSqlite(file, 'PRAGMA integrity_check; SELECT count(*), NULL, 1.5 FROM spellfix_tag_titles')).toMatchObject({ status: 0, stdout: 'ok\n0||1.5\n' });
    const stock = new DatabaseSync(file, { readOnly: true });
    expect(() => stock.prepare('PRAGMA integrity_check').all()).toThrow(/unknown tokenizer: collating|no such collation sequence: icu_root/);
    stock.close();
    const failed = bed.plexSqlite(file, 'SELECT * FROM nowhere');
    expect(failed.status).not.toBe(0);
    expect(failed.stderr).toContain('no such table: nowhere');
    expect(bed.plexSqlite('-readonly', join(bed.root, 'nowhere.db'), 'SELECT 1').status).not.toBe(0);
    const copy = join(bed.root, 'a copy.db');
    const script = spawnSync(join(bed.installation, 'usr/lib/plexmediaserver/Plex SQLite'), ['-readonly', file], { input: `.backup "${copy}"\nSELECT 'one;\ntwo';\n.quit\nSELECT 3;\n`, encoding: 'utf8' });
    expect(script).toMatchObject({ status: 0, stdout: 'one;\ntwo\n' });
    expect(bed.plexSqlite(copy, 'SELECT count(*) > 50 FROM metadata_items').stdout).toBe('1\n');
  });

  test('orders digits as numbers, so that a VACUUM under another icu_root shows', () => {
    const bed = fixture();
    const directory = bed.dataDirectory();
    expect(bed.plexSqlite(':memory:', "SELECT group_concat(x, ' ') FROM (SELECT column1 AS x FROM (VALUES ('a10'), ('B'), ('a9'), ('A9'), ('a09')) ORDER BY 1 COLLATE icu_root)").stdout).toBe('A9 a09 a9 a10 B\n');
    bed.change(directory, "INSERT INTO metadata_items(metadata_type, guid, title_sort) VALUES (1, 'x://1', 'part 9'), (1, 'x://2', 'part 10')");
    const script = [
      'import sqlite3, sys',
      'db = sqlite3.connect(sys.argv[1])',
      "db.create_collation('icu_root', lambda a, b: (a > b) - (a < b))",
      "db.execute('VACUUM')",
    ].join('\n');
    execFileSync('python3', ['-c', script, join(directory, libraryFile)]);
    expect(bed.plexSqlite(join(directory, libraryFile), 'PRAGMA integrity_check').stdout).toContain('missing from index index_title_sort_icu');
  });
}
