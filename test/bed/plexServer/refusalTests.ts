import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { libraryFile, type ServerFixture } from './serverFixture.ts';

/** What the server refuses to start on, and the step from one version to the next. */
export function refusalTests(fixture: () => ServerFixture): void {
  test('refuses a second server, malformed files, foreign files and a newer database', async () => {
    const bed = fixture();
    const directory = bed.dataDirectory();
    writeFileSync(join(directory, 'plexmediaserver.pid'), String(process.pid));
    expect(await bed.refusal(directory)).toContain('another server runs');
    writeFileSync(join(directory, 'plexmediaserver.pid'), '4194300');
    await bed.stop(await bed.start(directory));

    const preferences = readFileSync(join(directory, 'Preferences.xml'), 'utf8');
    writeFileSync(join(directory, 'Preferences.xml'), preferences.replaceAll('&amp;', '&'));
    expect(await bed.refusal(directory)).toContain('Preferences.xml');
    writeFileSync(join(directory, 'Preferences.xml'), preferences);

    bed.change(directory, "INSERT INTO schema_migrations(version) VALUES ('20990101000000')");
    expect(await bed.refusal(directory)).toContain('Unable to set up server');
    bed.change(directory, "DELETE FROM schema_migrations WHERE version = '20990101000000'; UPDATE schema_migrations SET min_version = '1.44.0.1' WHERE version = '0'");
    expect(await bed.refusal(directory)).toContain('Unable to set up server');
    bed.change(directory, "UPDATE schema_migrations SET min_version = '' WHERE version = '0'");
    await bed.stop(await bed.start(directory));

    truncateSync(join(directory, libraryFile), statSync(join(directory, libraryFile)).size - 200 * 1024);
    expect(await bed.refusal(directory)).toContain('malformed');
  });

  test.skipIf(process.getuid?.() !== 0)('refuses files that belong to someone else', async () => {
    const bed = fixture();
    const directory = bed.dataDirectory();
    execFileSync('chown', ['-R', '65534:65534', dirname(directory)]);
    await bed.stop(await bed.start(directory, { uid: 65_534 }));
    execFileSync('chown', ['0:0', join(directory, libraryFile)]);
    expect(await bed.refusal(directory, { uid: 65_534 })).toContain('belongs to user 0');
  });

  test('takes a library of 1.43.0 over, which 1.43.0 then refuses', async () => {
    const bed = fixture();
    const directory = join(bed.root, 'steps', 'Plex Media Server');
    await bed.stop(await bed.start(directory, { installation: bed.older }));
    const shape = "SELECT sql FROM sqlite_master WHERE name IN ('fts4_metadata_titles_icu', 'fts4_metadata_titles_after_update_icu', 'fts4_tag_titles_before_update_icu') ORDER BY name";
    const [updated, table] = bed.query(directory, shape);
    expect(table?.['sql']).toContain("content='metadata_items'");
    expect(updated?.['sql']).toContain('AFTER UPDATE ON metadata_items');
    bed.change(directory, "INSERT INTO metadata_items(metadata_type, guid, title, title_sort) VALUES(1, 'plex://movie/1', 'Würfel 12', 'Würfel 12')");
    expect(bed.query(directory, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    const server = await bed.start(directory);
    expect(JSON.stringify(await bed.ask(server, '/hubs/search?query=w%C3%BCrfel', { headers: { 'X-Plex-Token': '' } }))).toContain('Würfel 12');
    await bed.stop(server);
    expect(bed.query(directory, shape)).toEqual(bed.query(bed.made.dataDirectory, shape));
    expect(await bed.refusal(directory, { installation: bed.older })).toContain('Unable to set up server');
    expect(await bed.refusal(bed.dataDirectory(), { installation: bed.older })).toContain('Unable to set up server');
  });
}
