import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TarOffer } from '../gate/gateCall.ts';
import { selfSignedCertificate } from './selfSignedCertificate.ts';

/** Serves tars over TLS, each once, to whoever has its token. */
export interface OfferServer {
  readonly port: number;
  /** SHA-256 of its public key, in base64. */
  readonly pin: string;
  /** Is answered with nothing, as often as it is asked: to try the way. */
  readonly greeting: string;
  offer(tar: Readable): Omit<TarOffer, 'place'>;
  /** Ends also what is being served. */
  close(): Promise<void>;
}

interface OpenOffer {
  readonly digest: Buffer;
  readonly tar: Readable;
  readonly settle: PromiseWithResolvers<undefined>;
}

/** Who has a token comes at once, and asks in one packet. */
const requestTimeoutMs = 10_000;

/** Longer than any far side needs to make the way for a segment. */
const defaultOfferTimeoutMs = 120_000;

/** Far more than segments in flight: strangers may keep the way busy, and then it is not taken. */
const mostConnections = 64;

/** Listens on a port of this computer until it is closed, with a key of its own that nobody else ever has. */
export async function openOfferServer({ offerTimeoutMs = defaultOfferTimeoutMs }: { readonly offerTimeoutMs?: number } = {}): Promise<OfferServer> {
  const { key, certificate, pin } = selfSignedCertificate();
  const greeting = freshToken();
  const greetingDigest = digestOf(greeting);
  const open = new Set<OpenOffer>();

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const asked = digestOf((request.url ?? '').slice(1));
    const isGet = request.method === 'GET';
    response.setHeader('connection', 'close');
    if (isGet && timingSafeEqual(asked, greetingDigest)) {
      response.writeHead(204).end();
      return;
    }
    const offer = isGet ? [...open].find(({ digest }) => timingSafeEqual(asked, digest)) : undefined;
    if (offer === undefined) {
      response.writeHead(404).end();
      return;
    }
    open.delete(offer);
    response.writeHead(200, { 'content-type': 'application/x-tar' });
    pipeline(offer.tar, response).then(() => offer.settle.resolve(undefined), offer.settle.reject);
  }

  const server = createServer(
    {
      key,
      cert: certificate,
      minVersion: 'TLSv1.3',
      maxHeaderSize: 4096,
      handshakeTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: requestTimeoutMs / 2,
    },
    answer,
  );
  server.maxConnections = mostConnections;
  const listening = Promise.withResolvers<undefined>();
  server.once('error', listening.reject);
  server.listen(0, () => listening.resolve(undefined));
  await listening.promise;
  // A connection that could not be accepted is a far side that could not fetch, and that one says so.
  server.on('error', () => undefined);
  // Whoever forgets to close it ends all the same.
  server.unref();

  return {
    port: (server.address() as AddressInfo).port,
    pin,
    greeting,
    offer(tar) {
      const token = freshToken();
      const offer: OpenOffer = { digest: digestOf(token), tar, settle: Promise.withResolvers<undefined>() };
      const timer = setTimeout(withdraw, offerTimeoutMs);
      timer.unref();
      function withdraw(): void {
        clearTimeout(timer);
        if (open.delete(offer)) offer.settle.resolve(undefined);
      }
      // Whoever offers may look later, or not at all.
      offer.settle.promise.catch(() => undefined);
      open.add(offer);
      return { tar, token, pin, served: offer.settle.promise, withdraw };
    },
    async close() {
      for (const offer of open) offer.settle.resolve(undefined);
      open.clear();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function freshToken(): string {
  return randomBytes(32).toString('base64url');
}

// Digests are all of one length, and tell nothing of what they are made of.
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
