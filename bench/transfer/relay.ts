import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** How slow a link is, each way. */
export interface Link {
  readonly delayMs: number;
  readonly megabitsPerSecond: number;
}

/** A port of this computer behind which something is as far away as a link makes it. */
export interface Relay {
  readonly port: number;
  close(): Promise<void>;
}

/** What waits for its turn at most, each way: a router has no more. Less than the link holds while an answer is on its way would slow it down further. */
const queueMs = 100;

/**
 * Hands on every connection through one link. The kernel can do the same to packets (`tc netem`), but many are built without it; to the
 * streams of a connection that has found its speed it makes no difference.
 */
export async function openRelay(to: { readonly host: string; readonly port: number }, link: Link): Promise<Relay> {
  const sockets = new Set<Socket>();
  const [there, back] = [direction(link), direction(link)];
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // One end is gone: so is the other.
      socket.on('error', () => [near, far].forEach((each) => each.destroy()));
      socket.on('close', () => sockets.delete(socket));
    }
    there(near, far);
    back(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** One way of a link, which all connections share: a byte leaves when those before it have left, and arrives a while later. */
function direction({ delayMs, megabitsPerSecond }: Link): (from: Socket, to: Socket) => void {
  const bytesPerMs = (megabitsPerSecond * 1e6) / 8 / 1000;
  const onItsWay: { readonly arrivesAtMs: number; readonly arrive: () => void }[] = [];
  let freeAtMs = 0;
  let timer: NodeJS.Timeout | undefined;

  // One timer for all: two that are due in the same millisecond may run in either order.
  function arrivals(): void {
    timer = undefined;
    while ((onItsWay[0]?.arrivesAtMs ?? Infinity) <= performance.now()) onItsWay.shift()?.arrive();
    const next = onItsWay[0];
    if (next !== undefined) timer = setTimeout(arrivals, Math.max(1, next.arrivesAtMs - performance.now()));
  }
  function send(bytes: number, arrive: () => void): void {
    freeAtMs = Math.max(performance.now(), freeAtMs) + bytes / bytesPerMs;
    onItsWay.push({ arrivesAtMs: freeAtMs + delayMs, arrive });
    timer ??= setTimeout(arrivals, freeAtMs + delayMs - performance.now());
  }

  return (from, to) => {
    from.on('data', (chunk: Buffer) => {
      send(chunk.length, () => {
        if (to.destroyed || to.write(chunk)) return;
        from.pause();
        to.once('drain', () => from.resume());
      });
      const waitsMs = freeAtMs - performance.now();
      if (waitsMs < queueMs) return;
      from.pause();
      setTimeout(() => from.resume(), waitsMs - queueMs / 2);
    });
    from.on('end', () => send(0, () => to.end()));
  };
}
