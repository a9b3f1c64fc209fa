import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { plexServer } from '../../src/server/plexServer.ts';

const open: { close(): void }[] = [];

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

type Answer = { readonly status?: number; readonly body: string | Buffer };

/** A server with literal answers by path and query; remembers what was asked. */
async function answering(answers: Readonly<Record<string, Answer>>) {
  const requests: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = [];
  const web = createServer((request, response) => {
    requests.push({ method: request.method, url: request.url, headers: request.headers });
    const answer = answers[request.url ?? ''] ?? { status: 404, body: 'nothing' };
    response.writeHead(answer.status ?? 200).end(answer.body);
  });
  open.push(web);
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const bound = web.address();
  if (bound === null || typeof bound === 'string') throw new Error('A TCP server has no port');
  return { requests, server: plexServer({ baseUrl: `http://127.0.0.1:${bound.port}`, token: 'top secret' }), baseUrl: `http://127.0.0.1:${bound.port}` };
}

const container = (content: unknown): Answer => ({ body: JSON.stringify({ MediaContainer: content }) });

test.each([
  { claimed: true, is: true }, { claimed: false, is: false }, { claimed: 1, is: true }, { claimed: 0, is: false },
  { claimed: '1', is: true }, { claimed: '0', is: false }, { claimed: undefined, is: false },
])('a server that says claimed: $claimed is claimed: $is', async ({ claimed, is }) => {
  const { server } = await answering({ '/identity': container({ machineIdentifier: 'm', version: '1.43', claimed }) });
  expect(await server.identity()).toEqual({ machineIdentifier: 'm', version: '1.43', claimed: is });
});

test('the token goes in a header, never in an address', async () => {
  const { server, requests } = await answering({ '/playlists': container({ Metadata: [{ ratingKey: '5' }, { ratingKey: 6 }] }) });
  expect(await server.playlistIds()).toEqual([5, 6]);
  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /playlists']);
  for (const { headers, url } of requests) {
    expect(headers['x-plex-token']).toBe('top secret');
    expect(url).not.toContain('secret');
  }
});

test('libraries with their places, and how many items of a type each holds', async () => {
  const { server } = await answering({
    '/library/sections': container({ Directory: [{ key: 1, title: 'Movies', type: 'movie', Location: [{ path: '/media/library/Movies' }] }, { key: '2', title: 'Empty', type: 'show' }] }),
    '/library/sections/1/all?type=1&X-Plex-Container-Start=0&X-Plex-Container-Size=0': container({ size: 0, totalSize: 12 }),
    '/library/sections/2/all?type=4&X-Plex-Container-Start=0&X-Plex-Container-Size=0': container({}),
  });
  expect(await server.sections()).toEqual([{ key: '1', title: 'Movies', type: 'movie', locations: ['/media/library/Movies'] }, { key: '2', title: 'Empty', type: 'show', locations: [] }]);
  expect(await server.count('1', 1)).toBe(12);
  await expect(server.count('2', 4)).rejects.toThrow('Cannot read the number of items of library 2');
});

test('parts tell whether their files can be seen and opened, in every spelling of yes and no', async () => {
  const part = { id: 3, key: '/parts/3', file: '/media/f.mkv', size: 9 };
  const { server } = await answering({
    '/library/metadata/7,8?checkFiles=1': container({
      Metadata: [
        { ratingKey: '7', Media: [{ Part: [{ ...part, exists: true, accessible: '1' }] }, { proxyType: 42, Part: [{ ...part, id: 4, exists: 1, accessible: '0' }] }] },
        { ratingKey: '8', Media: [{ Part: [{ ...part, id: 5 }] }] },
      ],
    }),
  });
  expect((await server.parts([7, 8])).map(({ id, exists, accessible, optimized, sizeBytes }) => ({ id, exists, accessible, optimized, sizeBytes }))).toEqual([
    { id: 3, exists: true, accessible: true, optimized: false, sizeBytes: 9 },
    { id: 4, exists: true, accessible: false, optimized: true, sizeBytes: 9 },
    { id: 5, exists: false, accessible: false, optimized: false, sizeBytes: 9 },
  ]);
});

test('reads the first bytes of a part and no more, also from a server that sends all of it', async () => {
  const { server, requests } = await answering({ '/parts/3': { body: Buffer.alloc(500_000, 'x') } });
  const { bytes, firstByteMs } = await server.readPart({ id: 3, key: '/parts/3', file: '/f', sizeBytes: 500_000, exists: true, accessible: true, optimized: false }, { firstBytes: 1000 });
  expect(bytes).toEqual(Buffer.alloc(1000, 'x'));
  expect(firstByteMs).toBeGreaterThan(0);
  expect(requests[0]?.headers.range).toBe('bytes=0-999');
});

test('artwork as the server gives it; none is null, a refusal is no "none"', async () => {
  const { server } = await answering({ '/library/metadata/7/thumb/0': { body: Buffer.from([1, 2, 3]) }, '/library/metadata/8/art/0': { status: 500, body: '' } });
  expect(await server.artwork(7, 'thumb')).toEqual(Buffer.from([1, 2, 3]));
  expect(await server.artwork(9, 'thumb')).toBeNull();
  await expect(server.artwork(8, 'art')).rejects.toThrow('status 500');
});

test.each([
  { what: 'a refusal', answer: { status: 401, body: '' }, says: 'status 401' },
  { what: 'a page instead of JSON', answer: { body: '<html>starting</html>' }, says: 'Cannot understand' },
  { what: 'JSON of another shape', answer: { body: '{"MediaContainer":{}}' }, says: 'Cannot understand' },
])('$what is told with what was asked and a remedy', async ({ answer, says }) => {
  const { server } = await answering({ '/identity': answer });
  await expect(server.identity()).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining(says), remedy: expect.stringMatching(/.{10}/) });
  await expect(server.identity()).rejects.toThrow('"/identity"');
});

test('a server that is not there is told with the reason', async () => {
  const { server } = await answering({});
  for (const web of open.splice(0)) web.close();
  await expect(server.identity()).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('Cannot ask the Plex server for "/identity": ') });
});
