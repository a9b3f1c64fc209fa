import { X509Certificate } from 'node:crypto';
import { get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:tls';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openOfferServer } from '../../../src/targets/kubernetes/offerServer.ts';
import type { OfferServer } from '../../../src/targets/kubernetes/offerServer.ts';
import { selfSignedCertificate } from '../../../src/targets/kubernetes/selfSignedCertificate.ts';

async function opened(options: { readonly offerTimeoutMs?: number } = {}): Promise<OfferServer> {
  const server = await openOfferServer(options);
  onTestFinished(() => server.close());
  return server;
}

function ask(server: OfferServer, path: string, method = 'GET'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port: server.port, path, method, rejectUnauthorized: false, agent: false }, resolve);
    request.on('error', reject);
  });
}

async function statusOf(server: OfferServer, path: string, method?: string): Promise<number | undefined> {
  const response = await ask(server, path, method);
  response.resume();
  return response.statusCode;
}

// Signatures, and so certificates, differ in length.
test.each(Array.from({ length: 30 }, (_, time) => time))('the certificate is one, belongs to its key, and to no other (%d)', () => {
  const [one, other] = [selfSignedCertificate(), selfSignedCertificate()];
  const certificate = new X509Certificate(one.certificate);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.subject).toBe('CN=plexlift');
  expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now());
  expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
  expect(one.pin).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  expect(one.pin).not.toBe(other.pin);
});

test('what is offered is served whole, once', async () => {
  const server = await opened();
  const content = Buffer.alloc(3_000_000, 'content ');
  const offer = server.offer(Readable.from([content]));
  const response = await ask(server, `/${offer.token}`);
  expect(response.statusCode).toBe(200);
  expect((await buffer(response)).equals(content)).toBe(true);
  await offer.served;
  expect(await statusOf(server, `/${offer.token}`)).toBe(404);
});

test('each of two offers is served under its own token', async () => {
  const server = await opened();
  const offers = ['one', 'other'].map((text) => server.offer(Readable.from([Buffer.from(text)])));
  expect(offers[0]?.token).not.toBe(offers[1]?.token);
  const texts = await Promise.all(offers.toReversed().map(async ({ token }) => (await buffer(await ask(server, `/${token}`))).toString()));
  expect(texts).toEqual(['other', 'one']);
});

test.each([
  ['no token', () => '/'],
  ['another token', () => `/${'A'.repeat(43)}`],
  ['a token with something behind it', (token: string) => `/${token}/`],
  ['a token in another place', (token: string) => `/tar/${token}`],
  ['a token as a query', (token: string) => `/?${token}`],
])('%s gets nothing, and uses nothing up', async (_what, path) => {
  const server = await opened();
  const offer = server.offer(Readable.from([Buffer.from('content')]));
  expect(await statusOf(server, path(offer.token))).toBe(404);
  expect(await statusOf(server, `/${offer.token}`, 'HEAD')).toBe(404);
  expect(await statusOf(server, `/${offer.token}`)).toBe(200);
});

test('the greeting is answered with nothing, as often as it is asked', async () => {
  const server = await opened();
  for (let time = 0; time < 3; time += 1) expect(await statusOf(server, `/${server.greeting}`)).toBe(204);
});

test('an older TLS is refused', async () => {
  const server = await opened();
  const failure = await new Promise((resolve) => {
    connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, () => resolve(null)).on('error', resolve);
  });
  expect(failure).toMatchObject({ code: expect.stringContaining('PROTOCOL_VERSION') as unknown });
});

test.each([
  ['is withdrawn', {}, (offer: { withdraw(): void }) => offer.withdraw()],
  ['is not taken in time', { offerTimeoutMs: 20 }, () => undefined],
])('an offer that %s is there no more', async (_what, options, end) => {
  const server = await opened(options);
  const offer = server.offer(new PassThrough());
  end(offer);
  await offer.served;
  expect(await statusOf(server, `/${offer.token}`)).toBe(404);
});

test('an offer that is being served is not withdrawn', async () => {
  const server = await opened();
  const tar = new PassThrough();
  const offer = server.offer(tar);
  tar.write('begin');
  const response = await ask(server, `/${offer.token}`);
  offer.withdraw();
  tar.end(' and end');
  expect((await buffer(response)).toString()).toBe('begin and end');
});

test('a tar that fails in the middle looks broken to whoever fetches it', async () => {
  const server = await opened();
  const tar = new PassThrough();
  const offer = server.offer(tar);
  tar.write('begin');
  const response = await ask(server, `/${offer.token}`);
  tar.destroy(new Error('the source is gone'));
  await expect(buffer(response)).rejects.toThrow('aborted');
  await expect(offer.served).rejects.toThrow('the source is gone');
});

test('whoever fetches and goes away ends the tar', async () => {
  const server = await opened();
  const tar = new PassThrough();
  const offer = server.offer(tar);
  tar.write('begin');
  (await ask(server, `/${offer.token}`)).destroy();
  await expect(offer.served).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  expect(tar.destroyed).toBe(true);
});

test('no more is read than is fetched', async () => {
  const server = await opened();
  let read = 0;
  const tar = new Readable({
    highWaterMark: 65_536,
    read() {
      read += 65_536;
      this.push(read > 256 << 20 ? null : Buffer.alloc(65_536));
    },
  });
  const offer = server.offer(tar);
  const response = await ask(server, `/${offer.token}`);
  response.pause();
  await pause(500);
  const before = read;
  await pause(500);
  expect(read).toBe(before);
  expect(read).toBeLessThan(32 << 20);
  response.destroy();
});

test('closing ends what is served, and nothing listens any more', async () => {
  const server = await opened();
  const offer = server.offer(new PassThrough().pause());
  const [response, waiting] = [await ask(server, `/${server.greeting}`), server.offer(new PassThrough())];
  expect(response.statusCode).toBe(204);
  const fetching = ask(server, `/${offer.token}`);
  await pause(100);
  await server.close();
  await expect(fetching).rejects.toThrow('socket hang up');
  await expect(offer.served).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  await waiting.served;
  await expect(ask(server, `/${server.greeting}`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
