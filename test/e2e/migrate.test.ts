import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { ownedByOthers, readFileTree } from './fileTreeContent.ts';
import {
  clearedSettings, copyOfDatabases, databasesName, heldSettings, identitySettings, isServersOwn, landingArea, libraryFile, movedCell, movedPath, movedSettings, pathColumns,
  readRunningLibrary, serversOwnColumns, settingsAsWritten, userTables,
} from './movedLibrary.ts';
import { dataOnSource, dataOnTarget, mediaOnThisComputer, serverOnSource, serverOnTarget, sourceDataDirectory, untilIdentity } from './sidesOfStage.ts';
import type { Outcome, Stage } from './stage.ts';
import { openStage } from './stage.ts';
import type { DatabaseContent } from './tableContent.ts';
import { contentDifferences, readDatabase, textOfCell } from './tableContent.ts';
import type { TreeState } from './treeHash.ts';
import { hashTree, pathOfDifference, treeDifferences } from './treeHash.ts';

const consent = ['--yes', 'existing-library', '--yes', 'stop-source'];
/** How a server that ran may differ from a library at rest. */
const whileRunning = { exceptTables: isServersOwn, exceptColumns: serversOwnColumns };
/** The configuration of the source's machine, its unit files, and Plex's programs. */
const configurationRoots = ['/etc', '/usr/lib/systemd', '/usr/lib/plexmediaserver'];
const slowestFirstByteMs = 5000;

let cluster: Cluster | undefined;
let scratch: string;

beforeAll(async () => {
  scratch = makeScratchDirectory('plexlift-migrate-');
  cluster = await startCluster({ name: 'migrate' });
});

afterAll(async () => {
  await cluster?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

function stageOn(options: Omit<Parameters<typeof openStage>[0], 'cluster'>): Promise<Stage> {
  if (cluster === undefined) throw new Error('there is no cluster');
  return openStage({ cluster, ...options });
}

function requireDone({ exitCode, stderr }: Outcome): void {
  expect(exitCode === 0 ? '' : `${exitCode}: ${stderr}`).toBe('');
}

function rowsOf(content: DatabaseContent, table: string): readonly Readonly<Record<string, string>>[] {
  return [...(content.tables.get(table)?.values() ?? [])];
}

/** The path of a `file://` URL, in which only spaces and percent signs are escaped, in older ones nothing; anything else as it is. */
function fileOfUrl(url: string): string {
  return url.startsWith('file://') ? url.slice('file://'.length).replaceAll('%20', ' ').replaceAll('%25', '%') : url;
}

function picked<Item>(items: readonly Item[], count: number): readonly Item[] {
  const left = [...items];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(randomInt(left.length), 1)).flat();
}

/** What a server should hold of each library, by name and type of item. */
function expectedCounts({ library }: Stage): readonly (readonly [string, number, number])[] {
  return library.libraries.flatMap(({ name, rowsByType }) => Object.entries(rowsByType).map(([type, count]) => [name, Number(type), count] as const));
}

async function countsOf(stage: Stage, server: ReturnType<typeof serverOnSource>): Promise<readonly (readonly [string, number, number])[]> {
  const idOf = new Map(stage.library.libraries.map(({ id, name }) => [name, id]));
  const counts: (readonly [string, number, number])[] = [];
  for (const [name, type] of expectedCounts(stage)) counts.push([name, type, await server.count(idOf.get(name) ?? 0, type)]);
  return counts;
}

describe('a library moved into the Helm release, stop by stop', () => {
  /** What Plex itself writes on the source when it starts, runs and stops: nothing else there may differ by a byte. */
  const writtenByPlex = ['.LocalAdminToken', 'Logs/Plex Media Server.log', `${databasesName}/com.plexapp.plugins.library.blobs.db`, `${databasesName}/${libraryFile}`, 'Preferences.xml'].map((name) => `${sourceDataDirectory}/${name}`);
  /** What any machine writes by itself: logs of logins and services, and what systemd notes about its timers. */
  const writtenByMachine = /^\/(var\/log|var\/lib\/systemd)(\/|:)/;
  const dropInDirectory = '/etc/systemd/system/plexmediaserver.service.d';

  let stage: Stage;
  /** The stopped source before plexlift ever touched it, and once more after a start and a stop without plexlift. */
  let first: TreeState;
  let second: TreeState;
  let secondLibrary: DatabaseContent;
  /** The source as plexlift stopped it. */
  let stopped: TreeState;
  let sourceLibrary: DatabaseContent;
  let sourceSettings: ReadonlyMap<string, string>;
  let onDeck: ReadonlyMap<number, number>;
  let targetIdentity: string;

  const everything = (): Promise<TreeState> => hashTree(stage.vm, ['/', '/tmp', '/dev/shm']);
  const differences = (before: TreeState, after: TreeState, times: Parameters<typeof treeDifferences>[2]) => treeDifferences(before, after, times).filter((line) => !writtenByMachine.test(line));
  const onSource = async (command: string): Promise<string> => {
    const { stdout, stderr, exitCode } = await stage.vm.run(command);
    expect([exitCode, stderr]).toEqual([0, stderr]);
    return stdout;
  };

  beforeAll(async () => {
    stage = await stageOn({ name: 'moved', items: 100 });
    const source = serverOnSource(stage);
    targetIdentity = await untilIdentity(await serverOnTarget(stage));
    await untilIdentity(source);
    // The first sudo of a user leaves a mark in the home directory; whoever administers a server has used it before.
    await onSource("su alex -c 'sudo -n true'");
    await onSource('systemctl stop plexmediaserver');
    first = await everything();
    await onSource('systemctl start plexmediaserver');
    await untilIdentity(source);
    await onSource('systemctl stop plexmediaserver');
    second = await everything();
    secondLibrary = readDatabase(join(copyOfDatabases(dataOnSource(stage), join(scratch, 'second')), libraryFile));
    await onSource('systemctl start plexmediaserver');
    await untilIdentity(source);
    onDeck = await source.onDeck();
  });

  afterAll(() => stage?.close());

  test('every table of every database in the landing area equals the stopped source\'s, paths mapped', async () => {
    requireDone(await stage.plexlift('migrate', ...consent, '--until', 'stop-source'));
    stopped = await everything();
    const taken = copyOfDatabases(dataOnSource(stage), join(scratch, 'source'));
    sourceLibrary = readDatabase(join(taken, libraryFile));
    sourceSettings = settingsAsWritten(dataOnSource(stage));

    requireDone(await stage.plexlift('migrate', ...consent, '--until', 'prove-landing'));
    const delivered = copyOfDatabases(landingArea(stage.release.configHostPath), join(scratch, 'delivered'));

    const names = stage.library.databases.map((path) => path.slice(`${databasesName}/`.length));
    const dated = names.filter((name) => /\d{4}-\d{2}-\d{2}$/.test(name));
    expect([names.length, dated.length]).toEqual([12, 8]);
    expect(dated.filter((name) => !readFileSync(join(delivered, name)).equals(readFileSync(join(taken, name))))).toEqual([]);
    expect(names.filter((name) => !dated.includes(name)).flatMap((name) => contentDifferences(readDatabase(join(taken, name)), readDatabase(join(delivered, name)), { expected: movedCell }))).toEqual([]);
  });

  test('everything beside the databases lands with its bytes, modes, times and links, and belongs to the server\'s user', () => {
    const stays = ['.LocalAdminToken', 'plexmediaserver.pid', 'Setup Plex.html', 'Cache/Transcode', 'Codecs', 'Crash Reports', 'Diagnostics', 'Drivers', 'Logs', 'Updates'];
    const landing = landingArea(stage.release.configHostPath);
    const compared = (path: string) => path === 'Preferences.xml' || path.startsWith(`${databasesName}/`);
    const [source, landed] = [readFileTree(dataOnSource(stage), (path) => stays.includes(path) || compared(path)), readFileTree(landing, compared)];
    expect(landed).toEqual(source);
    expect(landed.size).toBeGreaterThan(1000);
    expect(ownedByOthers(landing, { uid: 1000, gid: 1000 })).toEqual([]);
  });

  test('libraries, users, history, ratings, playlists, collections, On Deck offsets and chosen tracks are among what was compared', () => {
    expect(Object.values(userTables).flat().filter((table) => rowsOf(sourceLibrary, table).length === 0)).toEqual([]);
    const states = rowsOf(sourceLibrary, 'metadata_item_settings');
    const offsets = states.filter((row) => Number(row['view_offset']) > 0).map((row) => `${row['account_id']} ${textOfCell(row['guid'])} ${row['view_offset']}`);
    expect(offsets.toSorted()).toEqual(stage.library.onDeck.map(({ accountId, guid, viewOffsetMs }) => `${accountId} ${guid} ${viewOffsetMs}`).toSorted());
    expect(states.filter((row) => row['rating'] !== 'NULL').length).toBeGreaterThan(0);
    const ofType = (type: string) => rowsOf(sourceLibrary, 'metadata_items').filter((row) => row['metadata_type'] === type).length;
    expect(ofType('15')).toBeGreaterThanOrEqual(stage.library.playlists.length);
    expect(ofType('18')).toBe(stage.library.collections.length);
    expect(rowsOf(sourceLibrary, 'accounts').map((row) => row['id'])).toEqual(expect.arrayContaining(stage.library.users.map(({ id }) => String(id))));
  });

  test.for(pathColumns)('every path in $table, $column was rewritten, the optimized directory never taken for the other', ({ table, column, lead }) => {
    const delivered = readDatabase(join(scratch, 'delivered', libraryFile));
    const pathsIn = (content: DatabaseContent) => rowsOf(content, table).map((row) => textOfCell(row[column]) ?? '').filter((text) => text.startsWith(`${lead}/`)).map((text) => text.slice(lead.length));
    const below = (paths: readonly string[], directory: string) => paths.filter((path) => path === directory || path.startsWith(`${directory}/`)).length;
    const [before, after] = [pathsIn(sourceLibrary), pathsIn(delivered)];
    expect(below(before, '/mnt/nas-plex')).toBeGreaterThan(0);
    expect([below(after, '/media/library'), below(after, '/media/optimized')]).toEqual([below(before, '/mnt/nas-plex'), below(before, '/mnt/nas-plex-optimized')]);
    expect(after.filter((path) => path.startsWith('/mnt/nas-plex'))).toEqual([]);
    expect(after.filter((path) => path.startsWith('/media/') && !existsSync(mediaOnThisComputer(stage, fileOfUrl(lead + path))))).toEqual([]);
  });

  test('optimized versions are known below their own directory', () => {
    const parts = readDatabase(join(scratch, 'delivered', libraryFile)).tables.get('media_parts');
    const files = stage.library.optimizedParts.map(({ partId }) => textOfCell(parts?.get(String(partId))?.['file']));
    expect(files).toEqual(stage.library.optimizedParts.map(({ file }) => movedPath(file)));
    expect(files.filter((file) => file?.startsWith('/media/optimized/') === true).length).toBeGreaterThan(0);
  });

  test('Preferences.xml lands with its identity to the bit, the settings of a safe first start held, and nothing else changed', () => {
    const landed = settingsAsWritten(landingArea(stage.release.configHostPath));
    const written = (settings: ReadonlyMap<string, string>, names: readonly string[]) => names.map((name) => [name, settings.get(name)]);
    expect(identitySettings.filter((name) => !sourceSettings.has(name))).toEqual([]);
    expect(written(landed, identitySettings)).toEqual(written(sourceSettings, identitySettings));
    expect(written(landed, [...heldSettings.keys()])).toEqual([...heldSettings].map((pair) => [...pair]));
    expect(clearedSettings.filter((name) => !sourceSettings.has(name) || landed.has(name))).toEqual([]);
    expect(written(landed, movedSettings)).toEqual(movedSettings.map((name) => [name, sourceSettings.get(name)?.split(';').map(movedPath).join(';')]));
    expect(landed.get('FriendlyName')).toBe('plex-source');
    const told = new Set([...heldSettings.keys(), ...clearedSettings, ...movedSettings, 'FriendlyName']);
    const rest = (settings: ReadonlyMap<string, string>) => [...settings].filter(([name]) => !told.has(name));
    expect(rest(landed)).toEqual(rest(sourceSettings));
  });

  test('migrate publishes and verifies, and the report tells the identifiers that hold a path', async () => {
    const outcome = await stage.plexlift('migrate', ...consent, '--until', 'verify');
    requireDone(outcome);
    const counted = ['metadata_items', 'metadata_item_settings', 'metadata_item_views'].map((table) => ({ table, rows: rowsOf(sourceLibrary, table).filter((row) => textOfCell(row['guid'])?.startsWith('file:///mnt/nas-plex/') === true).length }));
    const report = readFileSync(join(stage.runDirectory, 'report.md'), 'utf8');
    expect(counted.filter(({ rows }) => rows === 0)).toEqual([]);
    expect(counted.filter(({ table, rows }) => !report.includes(`${rows} in ${table}.guid below "/mnt/nas-plex"`))).toEqual([]);
    expect([outcome.stdout, outcome.stderr, report].filter((text) => text.includes(stage.library.token))).toEqual([]);
  });

  test('the server on the target answers as the source did: identity, items, users, playlists, On Deck', async () => {
    const target = await serverOnTarget(stage);
    expect(targetIdentity).not.toBe(stage.library.processedMachineIdentifier);
    expect(await target.identity()).toBe(stage.library.processedMachineIdentifier);
    expect(await countsOf(stage, target)).toEqual(expectedCounts(stage));
    expect(await target.accountNames()).toEqual(expect.arrayContaining(stage.library.users.map(({ name }) => name)));
    expect(onDeck.size).toBeGreaterThan(0);
    expect(await target.onDeck()).toEqual(onDeck);
    expect((await target.playlistTitles()).length).toBeGreaterThan(0);
  });

  test('ten items picked at random are read through the server byte for byte, each begun within 5 s', async () => {
    const target = await serverOnTarget(stage);
    const stored = new Set(rowsOf(sourceLibrary, 'media_parts').filter((row) => textOfCell(row['file'])?.startsWith('/mnt/nas-plex/') === true).map((row) => row['media_item_id']));
    const items = new Set([...(sourceLibrary.tables.get('media_items') ?? [])].filter(([id, row]) => stored.has(id) && row['proxy_type'] !== '42').map(([, row]) => row['metadata_item_id']));
    const chosen = picked([...items], 10);
    const read = [];
    for (const id of chosen) {
      const part = (await target.parts(Number(id))).find(({ proxyType }) => proxyType !== 42);
      const { bytes, firstByteMs } = await target.read(part?.key ?? `/library/parts/none of item ${id}`);
      read.push({ id, file: part?.file, isWhole: bytes.equals(readFileSync(mediaOnThisComputer(stage, part?.file ?? ''))), firstByteMs });
    }
    expect(read.length).toBe(10);
    expect(read.filter(({ file, isWhole, firstByteMs }) => file?.startsWith('/media/library/') !== true || !isWhole || firstByteMs > slowestFirstByteMs)).toEqual([]);
  });

  test('optimized versions are served', async () => {
    const target = await serverOnTarget(stage);
    for (const { metadataItemId, file } of stage.library.optimizedParts) {
      const part = (await target.parts(metadataItemId)).find((candidate) => candidate.proxyType === 42 && candidate.file === movedPath(file));
      const { bytes, firstByteMs } = await target.read(part?.key ?? `/library/parts/none with ${file}`);
      expect(bytes.equals(readFileSync(mediaOnThisComputer(stage, movedPath(file))))).toBe(true);
      expect(firstByteMs).toBeLessThan(slowestFirstByteMs);
    }
  });

  test('subtitles and lyrics beside the media are served', async () => {
    const target = await serverOnTarget(stage);
    const sidecars = [...(readDatabase(join(scratch, 'delivered', libraryFile)).tables.get('media_streams') ?? [])].map(([id, row]) => ({ id, url: textOfCell(row['url']) ?? '' })).filter(({ url }) => url.startsWith('file://'));
    const wrong: string[] = [];
    for (const { id, url } of sidecars) {
      const { bytes } = await target.read(`/library/streams/${id}`);
      if (!bytes.equals(readFileSync(mediaOnThisComputer(stage, fileOfUrl(url))))) wrong.push(url);
    }
    expect(sidecars.length).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  test('twenty pictures come from the server as the source has them', async () => {
    const target = await serverOnTarget(stage);
    const items = sourceLibrary.tables.get('metadata_items');
    const shown = stage.library.artwork.flatMap((artwork) => {
      const row = items?.get(String(artwork.metadataItemId));
      const kind = (['thumb', 'art'] as const).find((name) => textOfCell(row?.[`user_${name}_url`]) === artwork.url);
      return kind === undefined ? [] : [{ ...artwork, kind }];
    });
    // Uploaded posters are the ones that nobody could fetch again.
    const chosen = [...picked(shown.filter(({ custom }) => custom), 3), ...picked(shown.filter(({ custom }) => !custom), 17)];
    const wrong: string[] = [];
    for (const { metadataItemId, kind, path } of chosen) {
      const { bytes } = await target.read(`/library/metadata/${metadataItemId}/${kind}/0`);
      if (!bytes.equals(readFileSync(join(dataOnSource(stage), path)))) wrong.push(`${kind} of item ${metadataItemId}`);
    }
    expect(chosen.length).toBe(20);
    expect(wrong).toEqual([]);
  });

  test('a scan of every library with the settings held marks nothing missing, adds nothing and changes no table of a user', async () => {
    const target = await serverOnTarget(stage);
    const effective: string[][] = [];
    for (const name of heldSettings.keys()) effective.push([name, /^(true|1)$/.test(await target.setting(name)) ? '1' : '0']);
    expect(effective).toEqual([...heldSettings].map((pair) => [...pair]));

    await target.scanEverything();
    const now = await readRunningLibrary(dataOnTarget(stage), scratch);
    expect(['media_parts', 'media_items', 'metadata_items'].map((table) => rowsOf(now, table).filter((row) => row['deleted_at'] !== 'NULL').length)).toEqual([0, 0, 0]);
    expect(contentDifferences(sourceLibrary, now, { ...whileRunning, expected: movedCell })).toEqual([]);
  });

  test('migrate then gives the held settings back exactly, and a scan with them loses nothing', async () => {
    requireDone(await stage.plexlift('migrate', ...consent));
    const settings = settingsAsWritten(dataOnTarget(stage));
    const names = [...heldSettings.keys(), ...identitySettings];
    expect(names.map((name) => [name, settings.get(name)])).toEqual(names.map((name) => [name, sourceSettings.get(name)]));
    expect(sourceSettings.has('autoEmptyTrash')).toBe(false);

    const target = await serverOnTarget(stage);
    expect(await target.setting('autoEmptyTrash')).toMatch(/^(true|1)$/);
    await target.scanEverything();
    expect(contentDifferences(sourceLibrary, await readRunningLibrary(dataOnTarget(stage), scratch), { ...whileRunning, expected: movedCell })).toEqual([]);
  });

  test('nothing on the stopped source changed, not even a time, from its stop to the end of the migration', async () => {
    const now = await everything();
    expect(differences(stopped, now, 'all times')).toEqual([]);
    expect([...now.keys()].filter((path) => path.startsWith(`${sourceDataDirectory}/`)).length).toBeGreaterThan(1000);
  });

  test('all of the source is as Plex alone leaves it when it starts and stops, but for the drop-in that keeps it stopped', () => {
    const withoutPlexlift = differences(first, second, 'times of files');
    expect(withoutPlexlift.map(pathOfDifference)).toEqual(writtenByPlex.toSorted());
    expect(differences(second, stopped, 'times of files').toSorted()).toEqual([`${dropInDirectory}: new`, `${dropInDirectory}/zz-plexlift-keep-stopped.conf: new`, ...withoutPlexlift].toSorted());
    expect(configurationRoots.filter((root) => ![...second.keys()].some((path) => path.startsWith(`${root}/`)))).toEqual([]);
    expect(contentDifferences(secondLibrary, sourceLibrary, whileRunning)).toEqual([]);
  });

  test('after a reboot of the source, and when something starts the unit, Plex stays down there', async () => {
    const running = async () => [
      (await stage.vm.run('systemctl is-active plexmediaserver')).stdout,
      (await stage.vm.run('ls -l /proc/[0-9]*/exe 2>/dev/null | grep -F /usr/lib/plexmediaserver/')).stdout,
    ];
    await stage.vm.reboot();
    await delay(3000);
    expect(await running()).toEqual(['inactive', '']);
    await stage.vm.run('systemctl start plexmediaserver');
    await delay(1000);
    expect(await running()).toEqual(['inactive', '']);
    await expect(serverOnSource(stage).identity()).rejects.toThrow('fetch failed');
  });

  test('rollback starts the same server there again, and leaves nothing behind', async () => {
    requireDone(await stage.plexlift('rollback'));
    const source = serverOnSource(stage);
    expect(await untilIdentity(source)).toBe(stage.library.processedMachineIdentifier);
    expect(await countsOf(stage, source)).toEqual(expectedCounts(stage));
    expect(await source.onDeck()).toEqual(onDeck);
    expect(await untilIdentity(await serverOnTarget(stage))).toBe(targetIdentity);
    expect(await onSource('systemctl is-enabled plexmediaserver')).toBe('enabled');

    const before = new Map([...second].filter(([path]) => configurationRoots.some((root) => path === root || path.startsWith(`${root}/`))));
    expect(treeDifferences(before, await hashTree(stage.vm, configurationRoots), 'times of files')).toEqual([]);
    expect(contentDifferences(sourceLibrary, await readRunningLibrary(dataOnSource(stage), scratch), whileRunning)).toEqual([]);
  });
});

describe('a library moved in one go, with Helm 4', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await stageOn({ name: 'moved-helm4', helm: 'helm4' });
  });

  afterAll(() => stage?.close());

  test('migrate ends with 0, the target serves the library of the source, and the settings are given back', async () => {
    requireDone(await stage.plexlift('migrate', ...consent));
    const target = await serverOnTarget(stage);
    expect(await target.identity()).toBe(stage.library.processedMachineIdentifier);
    await expect(serverOnSource(stage).identity()).rejects.toThrow('fetch failed');

    const source = readDatabase(join(copyOfDatabases(dataOnSource(stage), join(scratch, 'helm4')), libraryFile));
    await target.scanEverything();
    expect(contentDifferences(source, await readRunningLibrary(dataOnTarget(stage), scratch), { ...whileRunning, expected: movedCell })).toEqual([]);

    const [before, after] = [settingsAsWritten(dataOnSource(stage)), settingsAsWritten(dataOnTarget(stage))];
    const names = [...heldSettings.keys(), ...identitySettings];
    expect(names.map((name) => [name, after.get(name)])).toEqual(names.map((name) => [name, before.get(name)]));
  });
});
