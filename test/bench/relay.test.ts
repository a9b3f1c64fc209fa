import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { openRelay, type Relay } from '../../bench/transfer/relay.ts';

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** A server that sends back what it gets, behind a link. */
async function echoBehind(link: Parameters<typeof openRelay>[1]): Promise<Relay> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const relay = await openRelay({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, link);
  opened.push(relay, server);
  return relay;
}

async function echoed(port: number, bytes: number): Promise<{ readonly firstMs: number; readonly allMs: number; readonly same: boolean }> {
  const sent = Buffer.from(Array.from({ length: bytes }, (_, number) => number % 251));
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const startedAtMs = performance.now();
  socket.end(sent);
  const chunks: Buffer[] = [];
  let firstMs = Number.NaN;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (chunks.length === 0) firstMs = performance.now() - startedAtMs;
    chunks.push(chunk);
  }
  return { firstMs, allMs: performance.now() - startedAtMs, same: Buffer.concat(chunks).equals(sent) };
}

test('delays what goes there and what comes back', async () => {
  const { port } = await echoBehind({ delayMs: 60, megabitsPerSecond: 1_000 });
  const early = echoed(port, 10);
  await pause(30);
  // While the other is on its way.
  const both = [await echoed(port, 10), await early];

  for (const { firstMs, same } of both) {
    expect(same).toBe(true);
    expect(firstMs).toBeGreaterThan(118);
    expect(firstMs).toBeLessThan(400);
  }
});

test('lets no more bytes through than the link carries, and all of them in order', async () => {
  const { port } = await echoBehind({ delayMs: 1, megabitsPerSecond: 16 });
  const { allMs, same } = await echoed(port, 2_000_000);

  expect(same).toBe(true);
  // A second for two megabytes each way, both ways at once.
  expect(allMs).toBeGreaterThan(950);
  expect(allMs).toBeLessThan(2_500);
});

test('shares the link among connections', async () => {
  const { port } = await echoBehind({ delayMs: 1, megabitsPerSecond: 16 });
  const both = await Promise.all([echoed(port, 1_000_000), echoed(port, 1_000_000)]);

  expect(Math.max(...both.map(({ allMs }) => allMs))).toBeGreaterThan(950);
});
