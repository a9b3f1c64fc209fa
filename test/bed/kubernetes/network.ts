import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { BedAddresses } from './addresses.ts';

/** Every test bed's addresses, of this kind and of others. */
const allBeds = '10.208.0.0/12';

/** Makes the node's network namespace with a veth pair to the host, and host routes to its pods and services. */
export async function makeNetwork(bed: BedAddresses): Promise<void> {
  const ip = async (...args: string[]) => execa('ip', args);
  await ip('netns', 'add', bed.namespace);
  await ip('link', 'add', bed.hostInterface, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', bed.namespace);
  await ip('address', 'add', `${bed.hostAddress}/24`, 'dev', bed.hostInterface);
  await ip('link', 'set', bed.hostInterface, 'up');
  await ip('-n', bed.namespace, 'link', 'set', 'lo', 'up');
  await ip('-n', bed.namespace, 'address', 'add', `${bed.nodeAddress}/24`, 'dev', 'eth0');
  await ip('-n', bed.namespace, 'link', 'set', 'eth0', 'up');
  // No default route on purpose: a bed reaches this machine and other beds, and an image it does not have fails at once.
  await ip('-n', bed.namespace, 'route', 'add', allBeds, 'via', bed.hostAddress);
  for (const range of [bed.podRange, bed.serviceRange]) {
    await ip('route', 'add', range, 'via', bed.nodeAddress);
  }
  // Only what comes from the bed is forwarded, so the machine's own setting stays as it is.
  await writeFile(`/proc/sys/net/ipv4/conf/${bed.hostInterface}/forwarding`, '1');
  await execa('nsenter', [`--net=/run/netns/${bed.namespace}`, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
}

/** Removes what `makeNetwork` made, whatever of it exists. */
export async function removeNetwork(bed: BedAddresses): Promise<void> {
  // Deleting one end of a veth pair deletes the other and the routes through it.
  await execa('ip', ['link', 'delete', bed.hostInterface], { reject: false });
  await execa('ip', ['netns', 'delete', bed.namespace], { reject: false });
}
