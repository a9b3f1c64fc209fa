import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { databasesIn } from '../../src/catalogue/catalogueFiles.ts';
import { mediaPaths } from '../../src/catalogue/mediaPaths.ts';
import type { Samples } from '../../src/catalogue/samples.ts';
import { runDirectoryAt } from '../../src/migration/runDirectory.ts';
import { verifyChecks } from '../../src/migration/checks/runningServer.ts';
import { verify } from '../../src/migration/steps/verify.ts';
import { libraryDatabase } from '../../src/plex/dataDirectory.ts';
import type { Part, PlexServer } from '../../src/server/plexServer.ts';
import { absentSource } from '../../src/sources/absentSource.ts';
import type { Source } from '../../src/sources/source.ts';
import type { Target } from '../../src/targets/target.ts';
import { bytePathOfText, type Entry } from '../../src/transfer/entry.ts';
import type { Manifest } from '../../src/transfer/manifest.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { recorder, sourceFacts, stepTools, targetFacts, thrownBy } from './literalFacts.ts';

// A server that has just started is asked again after some seconds.
vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const samples: Samples = {
  playable: [{ itemId: 7, title: 'A Film', file: '/media/library/film.mkv', sizeBytes: 5 }],
  optimized: [{ itemId: 7, title: 'A Film', file: '/media/optimized/film.mp4', sizeBytes: 5 }],
  artwork: [{ itemId: 7, title: 'A Film', hash: 'abcdef', kind: 'thumb', url: 'metadata://posters/agent_1' }],
  expected: { sections: [{ key: '1', title: 'Movies', locations: ['/media/library/Movies', '/media/library/More'], items: [{ metadataType: 1, count: 3 }] }], accounts: 2, history: 9, playlists: [5, 6] },
};

const part = (file: string, changes: Partial<Part> = {}): Part => ({ id: 1, key: `/parts/${file}`, file, sizeBytes: 5, exists: true, accessible: true, optimized: false, ...changes });
const parts = [part('/media/library/film.mkv'), part('/media/optimized/film.mp4')];

/** A server on which every check passes. */
const sound: PlexServer = {
  identity: async () => ({ machineIdentifier: 'processed', version: '1.43.4.10718-1e3cb7a60', claimed: true }),
  sections: async () => [{ key: '1', title: 'Movies', type: 'movie', locations: ['/media/library/More', '/media/library/Movies'] }],
  count: async () => 3,
  parts: async () => parts,
  readPart: async ({ file }) => ({ bytes: Buffer.from(`bytes of ${file}`), firstByteMs: 12 }),
  artwork: async () => Buffer.from('a picture'),
  accounts: async () => 2,
  historyCount: async () => 9,
  playlistIds: async () => [4, 5, 6],
  onDeckIds: async () => [9, 8, 7],
};

/** An entry of the item's bundle: a directory with a slash at its end, or a link with its target behind an arrow. */
function listedAt(text: string): Pick<Entry, 'path' | 'type' | 'linkTarget'> {
  const [path = '', target] = text.split(' -> ');
  const listed = bytePathOfText(`Metadata/Movies/a/bcdef.bundle/${path.replace(/\/$/, '')}`);
  if (target !== undefined) return { path: listed, type: 'link', linkTarget: bytePathOfText(target) };
  return { path: listed, type: path.endsWith('/') ? 'directory' : 'file' };
}

const posters = 'Contents/_combined/posters/';

async function found(check: string, options: { readonly server?: Partial<PlexServer>; readonly samples?: Partial<Samples>; readonly disk?: string | null; readonly copied?: readonly string[]; readonly listed?: readonly string[]; readonly onDeck?: readonly number[] | null; readonly oldRuns?: true; readonly oldFree?: true; readonly oldAway?: true; readonly expected?: { readonly version?: string | null; readonly claimed?: boolean } } = {}) {
  const target = { name: 'release plex', sampleMedia: async (file: string) => (options.disk === null ? null : { sizeBytes: 5, sha256: sha256(options.disk ?? `bytes of ${file}`) }) } as unknown as Target;
  const manifest = {
    listedBelow: () => (options.listed ?? []).map(listedAt),
    pathsWithDigest: (digest: string) => (digest === sha256('a picture') ? (options.copied ?? ['Metadata/Movies/a/bcdef.bundle/Contents/_stored/poster']) : []),
  } as unknown as Manifest;
  const oldServer = options.oldAway === true ? absentSource('alex@old', new Error('no route to host')) : { kind: 'systemd', name: 'alex@old', isRunning: async () => options.oldRuns ?? false, isKeptStopped: async () => options.oldFree === undefined };
  const expected = { machineIdentifier: 'processed', version: '1.43.4.10718-1e3cb7a60', claimed: true, ...options.expected };
  return verifyChecks.find(({ name }) => name === check)?.run({ server: { ...sound, ...options.server }, oldServer, target, manifest, samples: { ...samples, ...options.samples }, onDeck: { items: options.onDeck === undefined ? [7, 8] : options.onDeck, reason: 'it was down' }, expected });
}

test.each(verifyChecks.map(({ name }) => name))('%s passes on a server that is as it was', async (name) => {
  expect(await found(name)).toMatchObject({ status: 'pass' });
});

const identity = { machineIdentifier: 'processed', version: '1.43.4.10718-1e3cb7a60', claimed: true };
const section = { key: '1', title: 'Movies', type: 'movie', locations: ['/media/library/More', '/media/library/Movies'] };

test.each<{ readonly check: string; readonly says: string } & Parameters<typeof found>[1]>([
  { check: 'same-identity', says: 'it says another', server: { identity: async () => ({ ...identity, machineIdentifier: 'another' }) } },
  { check: 'same-identity', says: 'not claimed', server: { identity: async () => ({ ...identity, claimed: false }) } },
  { check: 'old-server-down', says: 'two servers with one identity are running: alex@old and release plex both answer as processed', oldRuns: true },
  { check: 'running-version', says: 'it runs 1.44', server: { identity: async () => ({ ...identity, version: '1.44' }) } },
  { check: 'libraries', says: 'found', server: { sections: async () => [] } },
  { check: 'libraries', says: 'found', server: { sections: async () => [{ ...section, title: 'Films' }] } },
  { check: 'libraries', says: 'found', server: { sections: async () => [{ ...section, locations: ['/mnt/nas-plex/Movies'] }] } },
  { check: 'libraries', says: 'found', server: { sections: async () => [section, { ...section, key: '2' }] } },
  { check: 'item-counts', says: '"Movies", movie: 2 instead of 3', server: { count: async () => 2 } },
  { check: 'users-and-history', says: 'users: 1 instead of 2', server: { accounts: async () => 1 } },
  { check: 'users-and-history', says: 'history entries: 8 instead of 9', server: { historyCount: async () => 8 } },
  { check: 'users-and-history', says: 'playlists that are missing: 6', server: { playlistIds: async () => [5] } },
  { check: 'on-deck', says: 'missing: 6', onDeck: [6, 7] },
  { check: 'files-play', says: 'is unknown to the server', server: { parts: async () => [] } },
  { check: 'files-play', says: 'cannot be opened', server: { parts: async () => [part('/media/library/film.mkv', { accessible: false })] } },
  { check: 'files-play', says: 'cannot be opened', server: { parts: async () => [part('/media/library/film.mkv', { exists: false })] } },
  { check: 'files-play', says: 'other bytes', disk: 'something else' },
  { check: 'files-play', says: 'other bytes', disk: null },
  { check: 'files-play', says: 'began after 5001 ms', server: { readPart: async ({ file }) => ({ bytes: Buffer.from(`bytes of ${file}`), firstByteMs: 5001 }) } },
  { check: 'optimized-plays', says: '/media/optimized/film.mp4', server: { parts: async () => parts.slice(0, 1) } },
  { check: 'artwork', says: 'none', server: { artwork: async () => null } },
  { check: 'artwork', says: 'differs', server: { artwork: async () => Buffer.from('another picture') } },
  { check: 'artwork', says: 'differs', copied: ['Metadata/Movies/f/edcba.bundle/Contents/_stored/poster'] },
])('$check fails: $says', async ({ check, says, ...options }) => {
  expect(await found(check, options)).toMatchObject({ status: 'fail', detail: expect.stringContaining(says), remedy: expect.stringContaining('plexlift rollback') });
});

test.each<{ readonly what: string; readonly listed: readonly string[]; readonly url?: string }>([
  { what: 'is not listed beside others', listed: [posters] },
  { what: 'is a link to what is not listed', listed: [posters, `${posters}agent_1 -> ../../_stored/posters/agent_1`, 'Contents/_stored/posters/'] },
  { what: 'is a link to such a link', listed: [posters, `${posters}agent_1 -> agent_2`, `${posters}agent_2 -> ../gone`] },
  { what: 'was uploaded, and is not listed beside others', listed: ['Uploads/posters/'], url: 'upload://posters/mine' },
])('a picture that the server lacks is told and is no difference where its file $what on the source', async ({ listed, url = 'metadata://posters/agent_1' }) => {
  const finding = await found('artwork', { server: { artwork: async () => null }, listed, samples: { artwork: samples.artwork.map((sample) => ({ ...sample, url })) } });
  expect(finding).toEqual({ status: 'warn', detail: '0 pictures; the source had no file any more for the picture of "A Film" (7)', remedy: expect.stringContaining('before the move') });
});

test.each<{ readonly what: string; readonly listed: readonly string[]; readonly url?: string }>([
  { what: 'is listed', listed: [posters, `${posters}agent_1`] },
  { what: 'is listed where its link leads', listed: [posters, `${posters}agent_1 -> ../../_stored/posters/agent_1`, 'Contents/_stored/posters/agent_1'] },
  { what: 'may lie outside the bundle', listed: [posters, `${posters}agent_1 -> ../../../../elsewhere`] },
  { what: 'may lie outside the data directory', listed: [posters, `${posters}agent_1 -> /elsewhere`] },
  { what: 'has a link that leads to itself', listed: [posters, `${posters}agent_1 -> agent_1`] },
  { what: 'may lie in a place that is not known', listed: ['Contents/_stored/posters/', 'Contents/_stored/posters/agent_1'] },
  { what: 'is named in a way that is not known', listed: ['Contents/_combined/posters/'], url: 'https://example.org/poster' },
])('one of which the file $what is a difference', async ({ listed, url = 'metadata://posters/agent_1' }) => {
  const finding = await found('artwork', { server: { artwork: async () => null }, listed, samples: { artwork: samples.artwork.map((sample) => ({ ...sample, url })) } });
  expect(finding).toMatchObject({ status: 'fail', detail: 'artwork differs for "A Film" (7): none' });
});

test('what there is nothing of is skipped, and says so; an unpinned version is taken as it is, and more than before is odd but no loss', async () => {
  expect(await found('files-play', { samples: { playable: [] } })).toMatchObject({ status: 'skip' });
  expect(await found('optimized-plays', { samples: { optimized: [] } })).toMatchObject({ status: 'skip' });
  expect(await found('artwork', { samples: { artwork: [] } })).toMatchObject({ status: 'skip' });
  expect(await found('on-deck', { onDeck: null })).toMatchObject({ status: 'skip', reason: expect.stringContaining('it was down') });
  expect(await found('old-server-down', { oldFree: true })).toMatchObject({ status: 'warn', detail: expect.stringContaining('nothing keeps it from starting'), remedy: expect.stringContaining('plexlift migrate') });
  expect(await found('old-server-down', { oldAway: true })).toMatchObject({ status: 'warn', detail: 'alex@old cannot be reached, so it is not known whether Plex runs there', remedy: expect.stringContaining('two servers with one identity') });
  expect(await found('item-counts', { server: { count: async () => 4 } })).toMatchObject({ status: 'warn', detail: expect.stringContaining('4 instead of 3') });
  expect(await found('running-version', { expected: { version: null } })).toMatchObject({ status: 'pass' });
});

/** Runs the step on a library of 60 items, and a server that answers each request as `answer` says: null is no answer at all. */
async function verified(answer: (path: string) => { readonly status: number; readonly body?: object } | null) {
  const place = makeScratchDirectory('plexlift-verify-');
  const web = createServer((request, response) => {
    const answered = answer(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (answered === null) request.socket.destroy();
    else response.writeHead(answered.status).end(answered.body === undefined ? '<html>starting</html>' : JSON.stringify(answered.body));
  });
  try {
    const directory = runDirectoryAt(join(place, 'run'));
    const facts = await makeLibrary({ dataDirectory: join(place, 'd'), mediaDirectory: join(place, 'm'), optimizedDirectory: join(place, 'o'), items: 60 });
    for (const path of ['Preferences.xml', ...facts.databases]) {
      mkdirSync(dirname(join(directory.rewritten, path)), { recursive: true });
      copyFileSync(join(facts.dataDirectory, path), join(directory.rewritten, path));
    }
    // Files of another size are there to be played all the same.
    for await (const { path } of mediaPaths(join(databasesIn(directory.rewritten), libraryDatabase), null)) appendFileSync(directory.missingMedia, `${JSON.stringify({ path: path.toString('utf8'), status: 'other size' })}\n`);
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const bound = web.address();
    if (bound === null || typeof bound === 'string') throw new Error('A TCP server has no port');
    const connections = { opened: 0, closed: 0 };
    const connect = async () => {
      connections.opened += 1;
      return { baseUrl: `http://127.0.0.1:${bound.port}`, close: async () => void (connections.closed += 1) };
    };
    const target = { name: 'release plex', connect, sampleMedia: async () => null } as unknown as Target;
    const manifest = { listedBelow: () => [], pathsWithDigest: () => [] } as unknown as Manifest;
    const { events, record } = recorder();
    const tools = stepTools({ inspect: { source: sourceFacts(), target: targetFacts() }, 'open-target': { existingLibrary: 'none', version: '1.43.4.10718-1e3cb7a60', done: [] }, 'stop-source': { onDeck: { items: [7], reason: '' } } });
    const mute = async () => Promise.reject(new Error('cannot be reached'));
    const source = { kind: 'systemd', name: 'alex@old', isRunning: mute, isKeptStopped: mute } as unknown as Source;
    const error = await thrownBy(verify.run({ runs: ['run-1'], source, target, directory, manifest: () => manifest, record, ...tools }));
    expect(JSON.stringify([events, error])).not.toContain(facts.token);
    return { error: error as { readonly message: string; readonly facts: readonly string[] }, checked: events.map((event) => (event.type === 'check-finished' ? event.name : '')), connections, notes: tools.notes };
  } finally {
    web.close();
    rmSync(place, { recursive: true, force: true });
  }
}

const whoItIs = { status: 200, body: { MediaContainer: { machineIdentifier: 'another', version: '1.43.4.10718-1e3cb7a60', claimed: true } } };

test('a server that refuses everything but its name: what differs and what could not be compared are told apart, each on record', async () => {
  const { error, checked, connections } = await verified((path) => (path === '/identity' ? whoItIs : { status: 500 }));
  const differ = ['same-identity'];
  const silent = verifyChecks.map(({ name }) => name).filter((name) => !['same-identity', 'running-version'].includes(name));
  expect(error).toMatchObject({ kind: 'difference', message: `The server on release plex differs from what was moved in one point, and could not be compared with what was moved in ${silent.length} points` });
  expect(error.facts).toEqual([...differ, ...silent].map((name) => expect.stringMatching(new RegExp(`^${name}: ${differ.includes(name) ? 'it says another' : 'could not be compared: .*(?:status 500|cannot be reached)'}`))));
  expect(checked).toEqual(verifyChecks.map(({ name }) => name));
  expect(connections).toEqual({ opened: 1, closed: 1 });
});

test('a server that goes away while it is compared is waited for, and what it was asked is asked again', async () => {
  let sections = 0;
  // Each check is asked four times before the server is looked for, and every request is the name or the libraries.
  const { error, checked, connections, notes } = await verified((path) => {
    if (path === '/library/sections') sections += 1;
    return sections > 0 && sections <= 4 ? null : path === '/identity' ? whoItIs : { status: 500 };
  });
  expect(checked).toEqual(verifyChecks.map(({ name }) => name));
  expect(error).toMatchObject({ kind: 'difference' });
  expect(connections).toEqual({ opened: 2, closed: 2 });
  expect(notes).toEqual([expect.stringContaining('went away while "libraries" was compared')]);
});

test('a server that keeps going away is no difference: the same command compares again', async () => {
  const { error, checked, connections } = await verified(() => null);
  expect(error).toMatchObject({ kind: 'failed', message: 'The server on release plex keeps going away while it is compared', remedy: expect.stringContaining('the same command') });
  expect(error.facts).toEqual([expect.stringMatching(/^same-identity: could not be compared: /)]);
  expect(checked).toEqual([]);
  expect(connections).toEqual({ opened: 4, closed: 4 });
});

test('a target without a server says that nothing was asked of one', async () => {
  const tools = stepTools();
  const target = { name: 'directory /new', connect: async () => null } as unknown as Target;
  expect(await verify.run({ runs: ['run-1'], source: {} as Source, target, directory: runDirectoryAt('/nowhere'), manifest: () => ({}) as Manifest, record: () => undefined, ...tools })).toEqual({ server: 'none', checks: [] });
  expect(tools.notes).toHaveLength(1);
});
