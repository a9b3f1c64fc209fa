import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** The port that a route is looked up for; nothing is sent to it. */
const discardPort = 9;

/**
 * Where this computer can be reached from elsewhere, perhaps; as the addresses stand in a URL. First comes the one that the way to
 * `towards` begins at: it stays for as long as that can be reached, which another bridge or tunnel of this computer may not.
 */
export async function ownAddresses(towards: string | null): Promise<readonly string[]> {
  const all = Object.values(networkInterfaces()).flatMap((ofInterface) => ofInterface ?? []);
  // Addresses of one link only mean nothing without the name of the interface, which differs in the pod.
  const usable = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:') && !address.startsWith('169.254.'));
  const first = towards === null ? null : await localEndOfWayTo(towards);
  const ordered = usable.toSorted((one, other) => Number(other.address === first) - Number(one.address === first));
  return ordered.map(({ family, address }) => (family === 'IPv6' ? `[${address}]` : address));
}

/** The address that this computer would use towards another one; null where it knows no way. Connecting a datagram socket sends nothing. */
async function localEndOfWayTo(address: string): Promise<string | null> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    socket.once('error', () => socket.close(() => resolve(null)));
    socket.connect(discardPort, address, () => {
      const { address: own } = socket.address();
      socket.close(() => resolve(own));
    });
  });
}
