import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** Debian packages the bed is made of, each with a reason to be here. */
const packages = [
  'bindfs', // volumes that may not change owners, or are of another kind
  'busybox-static', // the stand-in for alpine
  'containerd', // the container runtime; the bed runs its own, with its own files
  'containernetworking-plugins', // bridge, portmap and host-local under /usr/lib/cni
  'debootstrap', // the root of the Plex image
  'e2fsprogs', // volumes of a chosen size and inode count
  'iproute2', // the bed's own network namespace
  'iptables', // kube-proxy and the masquerading of the bridge plugin
  'kmod', // kube-proxy asks it for kernel modules
  'mount', // loop volumes
  'runc', // runs the containers
  'unzip', // opens the archive that carries Helm 4 and kubectl
  'util-linux', // nsenter and flock
] as const;

/** How often to try again while another program holds apt's locks, and the pause between. */
const attempts = 60;
const pauseMs = 2000;

/** Installs those Debian packages of the bed that are missing; needs root, touches nothing when all are there. */
export async function installPackages(): Promise<void> {
  const { stdout } = await execa('dpkg-query', ['--show', '--showformat', '${Package} ${db:Status-Status}\n'], { reject: false });
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  const missing = packages.filter((name) => !installed.has(name));
  if (missing.length > 0) {
    await apt(['update']);
    await apt(['install', '--yes', '--no-install-recommends', ...missing]);
  }
}

async function apt(args: readonly string[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await execa('apt-get', ['--quiet', ...args], { env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }, reject: false });
    if (!result.failed) {
      return;
    }
    if (attempt === attempts || !result.stderr.includes('Could not get lock')) {
      throw new Error(`Cannot run "apt-get ${args.join(' ')}": ${result.stderr}`);
    }
    await sleep(pauseMs);
  }
}
