import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runOnHost, tryOnHost } from './hostCommand.ts';

/** The address a machine has on its subnet; the host is `.1`. The range 10.214.0.0/16 belongs to source machines. */
export function machineAddress(subnet: number): string {
  return `10.214.${subnet}.2`;
}

/** The host's end: a bridge of this machine's own, 12 characters of the 15 an interface name may have. */
export function bridgeName(machineId: string): string {
  return `plx-${machineId}`;
}

/**
 * Makes the bridge with the host's address on the machine's subnet.
 * A bridge rather than a bare veth, because systemd-nspawn makes the veth anew at every reboot of the machine and puts it into the bridge by itself.
 */
export async function makeBridge(machineId: string, subnet: number): Promise<void> {
  const bridge = bridgeName(machineId);
  await runOnHost(['ip', 'link', 'add', bridge, 'type', 'bridge']);
  await runOnHost(['ip', 'address', 'add', `10.214.${subnet}.1/24`, 'dev', bridge]);
  await runOnHost(['ip', 'link', 'set', bridge, 'up']);
}

/** Removes the bridge and the machine's veth if they are still there; another process may be at it too. */
export async function removeBridge(machineId: string): Promise<void> {
  for (const device of [`vb-${bridgeName(machineId)}`, bridgeName(machineId)]) {
    if (!(await isThere(device))) continue;
    const { exitCode, stderr } = await tryOnHost(['ip', 'link', 'delete', device]);
    if (exitCode !== 0 && (await isThere(device))) throw new Error(`Cannot remove the network device "${device}": ${stderr.trim()}`);
  }
}

async function isThere(device: string): Promise<boolean> {
  return (await tryOnHost(['ip', 'link', 'show', device])).exitCode === 0;
}

/**
 * Writes the machine's own network set-up into its root: a fixed address, and routes to the beds only.
 * There is no default route on purpose: a test machine reaches other beds and nothing else.
 */
export async function writeNetworkUnit(root: string, subnet: number): Promise<void> {
  const lines = [
    '[Unit]',
    'Description=Address of the test machine',
    'DefaultDependencies=no',
    'After=systemd-sysctl.service',
    'Before=network.target network-online.target shutdown.target',
    'Wants=network.target',
    'Conflicts=shutdown.target',
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `ExecStart=/usr/sbin/ip address replace ${machineAddress(subnet)}/24 dev host0`,
    'ExecStart=/usr/sbin/ip link set host0 up',
    // 10.208.0.0 to 10.223.255.255 holds the ranges of all beds.
    `ExecStart=/usr/sbin/ip route replace 10.208.0.0/12 via 10.214.${subnet}.1`,
    '',
    '[Install]',
    'WantedBy=multi-user.target network-online.target',
    '',
  ];
  await writeFile(path.join(root, 'etc/systemd/system/bed-network.service'), lines.join('\n'));
  await runOnHost(['systemctl', `--root=${root}`, 'enable', 'bed-network.service']);
}
