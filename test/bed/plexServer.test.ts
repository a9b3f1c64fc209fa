import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { buildPlexDeb, defaultPlexVersion } from './plexServer/build.ts';
import { dataLossTests } from './plexServer/dataLossTests.ts';
import { plexSqliteTests } from './plexServer/plexSqliteTests.ts';
import { refusalTests } from './plexServer/refusalTests.ts';
import { createServerFixture, libraryFile, processesIn, ratingKeys, setPreference, whyNoServer, type ServerFixture } from './plexServer/serverFixture.ts';

describe.skipIf(whyNoServer !== '')(`The stand-in server${whyNoServer}`, { timeout: 120_000 }, () => {
  let bed: ServerFixture;

  beforeAll(async () => {
    bed = await createServerFixture();
  }, 600_000);

  afterEach(async () => bed.killAll());

  afterAll(() => bed.remove());

  test('keeps its identity, writes a WAL while it runs, and leaves neither WAL nor pid file nor child behind', async () => {
    const directory = bed.dataDirectory();
    const server = await bed.start(directory, { stopMs: 500 });
    expect(await bed.ask(server, '/identity')).toMatchObject({ machineIdentifier: bed.made.processedMachineIdentifier, version: defaultPlexVersion, claimed: true });
    expect(readFileSync(join(directory, 'plexmediaserver.pid'), 'utf8')).toBe(String(server.pid));
    expect(statSync(join(directory, '.LocalAdminToken')).mode & 0o777).toBe(0o600);
    await expect.poll(() => statSync(join(directory, `${libraryFile}-wal`)).size).toBeGreaterThan(0);
    const children = execFileSync('ps', ['--ppid', String(server.pid), '-o', 'args='], { encoding: 'utf8' });
    expect(children).toContain('Plex Script Host');
    expect(children).toContain('Plex Tuner Service');

    const begun = Date.now();
    expect(await bed.stop(server)).toBe(0);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(500);
    expect(readdirSync(join(directory, 'Plug-in Support/Databases')).filter((name) => /-(?:wal|shm)$/.test(name))).toEqual([]);
    expect(existsSync(join(directory, 'plexmediaserver.pid'))).toBe(false);
    await expect.poll(() => processesIn(join(bed.installation, 'usr')), { timeout: 5000 }).toEqual([]);
  });

  test('asks for a token on everything but /identity once it is claimed', async () => {
    const directory = bed.dataDirectory();
    const server = await bed.start(directory);
    const status = async (path: string, headers: Record<string, string> = {}) => (await fetch(server.baseUrl + path, { headers })).status;
    expect(await status('/identity')).toBe(200);
    expect(await status('/library/sections')).toBe(401);
    expect(await status('/library/sections', { 'X-Plex-Token': 'wrong' })).toBe(401);
    expect(await status('/library/sections', { 'X-Plex-Token': bed.made.token })).toBe(200);
    expect(await status(`/library/sections?X-Plex-Token=${readFileSync(join(directory, '.LocalAdminToken'), 'utf8')}`)).toBe(200);
    expect((await bed.request(server, '/:/prefs?allowedNetworks=127.0.0.0/255.0.0.0', { method: 'PUT' })).status).toBe(200);
    expect(await status('/library/sections')).toBe(200);
  });

  test('is a new, unclaimed server on an empty directory, and trusts its own machine by number only', async () => {
    const server = await bed.start(join(bed.root, 'empty', 'Plex Media Server'));
    const identity = await bed.ask(server, '/identity');
    expect(identity).toMatchObject({ claimed: false });
    expect(identity['machineIdentifier']).not.toBe(bed.made.processedMachineIdentifier);
    expect(await bed.ask(server, '/library/sections', { headers: { 'X-Plex-Token': '' } })).toMatchObject({ size: 0 });
    const named = execFileSync('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Host: plex.example', `${server.baseUrl}/library/sections`], { encoding: 'utf8' });
    expect(named).toBe('401');
  });

  test('serves what the library holds: counts, artwork, media bytes, playlists, collections, search', async () => {
    const server = await bed.start(bed.dataDirectory());
    for (const { id, rowsByType } of bed.made.libraries) {
      for (const [type, count] of Object.entries(rowsByType)) {
        const { totalSize } = await bed.ask(server, `/library/sections/${id}/all?type=${type}&X-Plex-Container-Start=0&X-Plex-Container-Size=0`);
        expect(totalSize, `type ${type} of section ${id}`).toBe(count);
      }
    }
    const unserved: string[] = [];
    for (const { metadataItemId, path } of bed.made.artwork) {
      const kinds = await Promise.all(['thumb', 'art', 'banner', 'theme'].map(async (kind) => Buffer.from(await (await bed.request(server, `/library/metadata/${metadataItemId}/${kind}/1`)).arrayBuffer())));
      if (!kinds.some((bytes) => bytes.equals(readFileSync(join(bed.made.dataDirectory, path))))) unserved.push(path);
    }
    expect(unserved).toEqual([]);
    for (const { id, ownerId, itemIds } of bed.made.playlists) {
      expect(ratingKeys(await bed.ask(server, `/playlists/${id}/items`))).toEqual(itemIds);
      expect(ratingKeys(await bed.ask(server, '/playlists')).includes(id)).toBe(ownerId === 1);
    }
    for (const { id, itemIds } of bed.made.collections) {
      expect(new Set(ratingKeys(await bed.ask(server, `/library/collections/${id}/items`)))).toEqual(new Set(itemIds));
    }
    const resumed = bed.made.onDeck.filter(({ accountId }) => accountId === 1).map(({ metadataItemId }) => metadataItemId);
    expect(ratingKeys(await bed.ask(server, '/library/onDeck'))).toEqual(expect.arrayContaining(resumed));
    const [optimized] = bed.made.optimizedParts;
    const item = await bed.ask(server, `/library/metadata/${optimized?.metadataItemId}?checkFiles=1`);
    const parts = (item['Metadata'] as { Media: { proxyType?: number; Part: { key: string; file: string; exists: boolean; accessible: boolean }[] }[] }[]).flatMap(({ Media }) => Media.flatMap(({ proxyType, Part }) => Part.map((part) => ({ proxyType, ...part }))));
    expect(parts.find(({ proxyType }) => proxyType === 42)).toMatchObject({ file: optimized?.file, exists: true, accessible: true });
    for (const { key, file } of parts) {
      const response = await bed.request(server, key, { headers: { Range: 'bytes=5-24' } });
      expect(response.status).toBe(206);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(readFileSync(file).subarray(5, 25));
    }
    const [title] = bed.query(bed.made.dataDirectory, `SELECT title FROM metadata_items WHERE id = ${optimized?.metadataItemId}`);
    expect(JSON.stringify(await bed.ask(server, `/hubs/search?query=${encodeURIComponent(String(title?.['title']))}`))).toContain(`"ratingKey":"${optimized?.metadataItemId}"`);
    expect(ratingKeys(await bed.ask(server, '/playlists?type=42'))).toHaveLength(1);
  });

  test('fails a search when the full-text tables are broken', async () => {
    const directory = bed.dataDirectory();
    bed.change(directory, 'DROP TABLE fts4_metadata_titles_icu');
    bed.change(directory, 'CREATE TABLE fts4_metadata_titles_icu(title)');
    const server = await bed.start(directory);
    expect((await bed.request(server, '/hubs/search?query=anything')).status).toBe(500);
  });

  test('says that a file is gone, and does not serve it', async () => {
    const lost = await bed.library('lost', 3);
    const server = await bed.start(lost.dataDirectory);
    const [part] = bed.query(lost.dataDirectory, `SELECT part.id, media.metadata_item_id AS item FROM media_parts part JOIN media_items media ON media.id = part.media_item_id WHERE file = '${lost.missingMedia[0]?.replaceAll("'", "''")}'`);
    expect(JSON.stringify(await bed.ask(server, `/library/metadata/${String(part?.['item'])}?checkFiles=1`))).toContain('"exists":false');
    expect((await bed.request(server, `/library/parts/${String(part?.['id'])}/1/file.mkv`)).status).toBe(404);
  });

  test('writes settings as a new file that keeps every other one', async () => {
    const directory = bed.dataDirectory();
    const server = await bed.start(directory);
    const before = statSync(join(directory, 'Preferences.xml')).ino;
    expect((await bed.request(server, '/:/prefs?autoEmptyTrash=0&FriendlyName=A%20%26%20%22B%22', { method: 'PUT' })).status).toBe(200);
    expect((await bed.request(server, '/:/prefs?autoEmptyTrsh=0', { method: 'PUT' })).status).toBe(400);
    const { ino, mode } = statSync(join(directory, 'Preferences.xml'));
    expect(ino).not.toBe(before);
    expect(mode & 0o777).toBe(0o600);
    expect(await bed.ask(server, '/')).toMatchObject({ friendlyName: 'A & "B"' });
    await bed.stop(server);
    const again = await bed.start(directory);
    expect(await bed.ask(again, '/')).toMatchObject({ friendlyName: 'A & "B"' });
    const settings = (await bed.ask(again, '/:/prefs'))['Setting'] as { id: string; value: unknown }[];
    expect(settings.find(({ id }) => id === 'autoEmptyTrash')).toMatchObject({ value: false, default: true });
    const texts = settings.filter(({ id, value }) => typeof value === 'string' && id in bed.made.preferences);
    expect(texts.map(({ id, value }) => [id, value])).toEqual(texts.map(({ id }) => [id, id === 'FriendlyName' ? 'A & "B"' : bed.made.preferences[id]]));
    const text = readFileSync(join(directory, 'Preferences.xml'), 'utf8');
    for (const name of Object.keys(bed.made.preferences)) expect(text).toContain(` ${name}="`);
  });

  test('shows the streams and transcodes a test asks for, and ends them when it stops', async () => {
    const directory = bed.dataDirectory();
    setPreference(directory, 'TranscoderTempDirectory', '');
    const server = await bed.start(directory);
    await bed.request(server, '/standin/session?title=Film&user=Sam', { method: 'POST' });
    expect((await bed.request(server, '/standin/session?title=Other&user=Sam&transcode=1', { method: 'POST' })).status).toBe(200);
    expect(await bed.ask(server, '/status/sessions')).toMatchObject({ size: 2 });
    expect(await bed.ask(server, '/transcode/sessions')).toMatchObject({ size: 1 });
    expect(processesIn(join(bed.installation, 'usr')).some((path) => path.endsWith('Plex Transcoder'))).toBe(true);
    await bed.request(server, '/standin/session', { method: 'DELETE' });
    expect(await bed.ask(server, '/status/sessions')).toEqual({ size: 0 });
    expect(await bed.stop(server)).toBe(0);
  });

  test('transcodes, unless the directory the settings name stayed behind on another machine', async () => {
    const directory = bed.dataDirectory();
    const [item] = ratingKeys(await bed.ask(await bed.start(directory), `/library/sections/${bed.made.libraries[0]?.id}/all?type=1`));
    await bed.killAll();
    const transcode = async (scratch: string) => {
      setPreference(directory, 'TranscoderTempDirectory', scratch);
      const server = await bed.start(directory);
      const { status } = await bed.request(server, `/video/:/transcode/universal/start.m3u8?path=/library/metadata/${item}`);
      await bed.stop(server);
      return status;
    };
    expect(await transcode(join(bed.root, 'left behind'))).toBe(500);
    expect(await transcode('')).toBe(200);
    expect(await transcode(bed.root)).toBe(200);
  });

  test('writes on when asked to', async () => {
    const directory = bed.dataDirectory();
    const server = await bed.start(directory, { writesPerSecond: 50 });
    const views = () => Number(bed.query(directory, 'SELECT count(*) AS n FROM metadata_item_views')[0]?.['n']);
    const before = views();
    await expect.poll(views, { timeout: 20_000 }).toBeGreaterThan(before + 3);
    await bed.request(server, '/standin/writes?perSecond=0', { method: 'POST' });
  });

  test('packs into a package with the programs, the unit and the version', async () => {
    const deb = await buildPlexDeb();
    const listing = execFileSync('dpkg-deb', ['--contents', deb], { encoding: 'utf8' });
    for (const path of ['Plex Media Server', 'Plex SQLite', 'Plex Script Host', 'Plex Tuner Service', 'Plex Transcoder']) expect(listing).toContain(`./usr/lib/plexmediaserver/${path}`);
    expect(listing).toContain('./lib/systemd/system/plexmediaserver.service');
    expect(execFileSync('dpkg-deb', ['--field', deb, 'Version'], { encoding: 'utf8' }).trim()).toBe(defaultPlexVersion);
    expect(execFileSync(join(bed.installation, 'usr/lib/plexmediaserver/Plex Media Server'), ['--version'], { encoding: 'utf8' }).trim()).toBe(defaultPlexVersion);
    expect(readFileSync(join(bed.installation, 'version.txt'), 'utf8').trim()).toBe(defaultPlexVersion);
  });

  dataLossTests(() => bed);
  refusalTests(() => bed);
  plexSqliteTests(() => bed);
});
