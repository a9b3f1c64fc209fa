import { execa } from 'execa';

/** Debian packages the bed is made of, each with a reason to be here. */
const packages = [
  'busybox-static', // the stand-in for alpine
  'containerd', // the container runtime; its service is not started, the bed runs its own
  'containernetworking-plugins', // bridge, portmap and host-local under /usr/lib/cni
  'debootstrap', // the root of the Plex image
  'e2fsprogs', // volumes of a chosen size and inode count
  'iproute2', // the bed's own network namespace
  'iptables', // kube-proxy and the masquerading of the bridge plugin
  'kmod', // kube-proxy asks it for kernel modules
  'mount', // loop volumes
  'runc', // runs the containers
  'unzip', // opens the archive that carries Helm 4 and kubectl
  'util-linux', // nsenter and setpriv
] as const;

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
  if (missing.length === 0) {
    return;
  }
  // RUNLEVEL=1 makes the packages' own scripts leave services alone, also where systemd is PID 1.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await execa('apt-get', ['update', '--quiet'], { env });
  await execa('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing], { env });
}
