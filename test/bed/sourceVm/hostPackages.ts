import { existsSync } from 'node:fs';
import { runOnHost } from './hostCommand.ts';

/** Debian and Ubuntu packages the bed's host side needs, each with a file that shows it is installed. */
const NEEDED: ReadonlyMap<string, readonly string[]> = new Map([
  ['debootstrap', ['/usr/sbin/debootstrap']],
  ['debian-archive-keyring', ['/usr/share/keyrings/debian-archive-keyring.gpg']],
  ['systemd-container', ['/usr/bin/systemd-nspawn']],
  ['iproute2', ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip']],
  ['openssh-client', ['/usr/bin/ssh', '/usr/bin/ssh-keygen']],
]);

/** Installs the host packages that are missing, and nothing when none is; throws when this process may not. */
export async function installHostPackages(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error('Cannot start a source machine: it takes root for mounts, network devices and systemd-nspawn\n  Run the same command as root');
  }
  const missing = [...NEEDED].filter(([, files]) => !files.some((file) => existsSync(file))).map(([name]) => name);
  if (missing.length === 0) return;
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  // Several beds may start together: apt waits for the other's lock instead of failing.
  const lockTimeout = ['-o', 'DPkg::Lock::Timeout=300'];
  await runOnHost(['apt-get', ...lockTimeout, 'update', '-q'], { environment, timeoutMs: 300_000 });
  await runOnHost(['apt-get', ...lockTimeout, 'install', '-y', '-q', '--no-install-recommends', ...missing], { environment, timeoutMs: 600_000 });
}
