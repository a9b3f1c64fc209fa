import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { readSessions } from '../../src/server/sessions.ts';

const open: { close(): void }[] = [];

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function answering(answers: Readonly<Record<string, unknown>>) {
  const tokens: unknown[] = [];
  const server = createServer((request, response) => {
    tokens.push(request.headers['x-plex-token']);
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined ? 401 : 200).end(answer === undefined ? '<html/>' : JSON.stringify({ MediaContainer: answer }));
  });
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('A TCP server has no port');
  return { tokens, connection: { baseUrl: `http://127.0.0.1:${bound.port}`, close: async () => undefined } };
}

const quiet = { '/status/sessions': { size: 0 }, '/transcode/sessions': { size: 0 }, '/status/sessions/background': { size: 0 }, '/activities': { size: 0 } };

test('a quiet server has no streams and no jobs, and is asked with the token in a header', async () => {
  const { connection, tokens } = await answering(quiet);
  expect(await readSessions(connection, 'abc')).toEqual({ streams: [], backgroundJobs: [] });
  expect(new Set(tokens)).toEqual(new Set(['abc']));
});

test('names who watches what, and what runs in the background', async () => {
  const { connection } = await answering({
    '/status/sessions': { size: 2, Metadata: [{ title: 'Pilot', grandparentTitle: 'A Series', User: { title: 'ann' }, Player: { title: 'TV' }, TranscodeSession: { key: '1' } }, { title: 'A Film', User: { title: 'bob' }, Player: { product: 'Plex Web' } }] },
    '/transcode/sessions': { size: 3, TranscodeSession: [{ key: '1' }, { key: '2' }, { key: '3' }] },
    '/status/sessions/background': { size: 1, Metadata: [{ title: 'Another Film', TranscodeSession: { key: '2' } }] },
    '/activities': { size: 1, Activity: [{ type: 'library.update.section', title: 'Scanning Movies', subtitle: 'A', progress: 12 }] },
  });
  expect(await readSessions(connection, null)).toEqual({
    streams: [
      { user: 'ann', title: 'A Series: Pilot', player: 'TV', transcoding: true },
      { user: 'bob', title: 'A Film', player: 'Plex Web', transcoding: false },
    ],
    backgroundJobs: ['a version of "Another Film" is being made', '1 transcode for a download or recording', 'Scanning Movies, A, 12 %'],
  });
});

test('an answer that is refused is no quiet server', async () => {
  const { connection } = await answering({ ...quiet, '/activities': undefined });
  await expect(readSessions(connection, null)).rejects.toThrow('the server answered /activities with HTTP status 401');
});
