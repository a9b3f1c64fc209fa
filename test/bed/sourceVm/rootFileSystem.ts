import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { withFileLock } from '../fileLock.ts';
import { runOnHost } from './hostCommand.ts';
import { installHostPackages } from './hostPackages.ts';
import { unmountBelow } from './unmount.ts';

const SUITE = 'bookworm';

const PACKAGES = [
  'systemd', 'systemd-sysv', 'libpam-systemd', 'dbus', 'openssh-server', 'sudo',
  'python3', 'sqlite3', 'procps', 'iproute2', 'rsync', 'curl',
] as const;

/** Raised by hand when the changes made after debootstrap change, so that older cached roots are not reused. */
const RECIPE_VERSION = 1;

const DEBOOTSTRAP_TIMEOUT_MS = 900_000;

const ABANDONED_AFTER_MS = 3_600_000;

/** Which root is wanted: with Python as on Ubuntu Server (the default), or without any. */
export interface RootFileSystemOptions {
  readonly python?: boolean;
}

/** The directory of a pristine Debian root in the user's cache, built on first use (about one minute, 330 MB); must not be changed by callers. */
export async function rootFileSystem(options: RootFileSystemOptions = {}): Promise<string> {
  const python = options.python ?? true;
  const whole = cachedRoot({ python: true });
  const wanted = cachedRoot({ python });
  if (existsSync(wanted)) return wanted;

  await mkdir(path.dirname(wanted), { recursive: true });
  await withFileLock(`${whole}.lock`, async () => {
    if (!existsSync(whole)) {
      await installHostPackages();
      await buildAtomically(whole, buildWhole);
    }
    if (!existsSync(wanted)) await buildAtomically(wanted, async (directory) => removePython(whole, directory));
  });
  return wanted;
}

function cachedRoot(options: Required<RootFileSystemOptions>): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
  const inputs = JSON.stringify({ SUITE, PACKAGES, RECIPE_VERSION, arch: process.arch, ...options });
  const hash = createHash('sha256').update(inputs).digest('hex').slice(0, 16);
  return path.join(cache, 'plexlift-beds', `source-root-${hash}`);
}

async function buildAtomically(destination: string, build: (directory: string) => Promise<void>): Promise<void> {
  await discardAbandoned(destination);
  const unfinished = `${destination}.unfinished-${randomBytes(4).toString('hex')}`;
  try {
    await build(unfinished);
    await rename(unfinished, destination);
  } finally {
    await discard(unfinished);
  }
}

/** A killed build's debootstrap works on for a while without its parent, so younger directories are left alone. */
async function discardAbandoned(destination: string): Promise<void> {
  const parent = path.dirname(destination);
  for (const name of await readdir(parent)) {
    const directory = path.join(parent, name);
    if (!directory.startsWith(`${destination}.unfinished-`)) continue;
    const { birthtimeMs } = await stat(directory);
    if (Date.now() - birthtimeMs > ABANDONED_AFTER_MS) await discard(directory);
  }
}

async function discard(directory: string): Promise<void> {
  // debootstrap mounts /proc while it works.
  await unmountBelow(directory);
  await rm(directory, { recursive: true, force: true });
}

async function buildWhole(directory: string): Promise<void> {
  await runOnHost(['debootstrap', '--variant=minbase', `--include=${PACKAGES.join(',')}`, SUITE, directory], { timeoutMs: DEBOOTSTRAP_TIMEOUT_MS });
  await runOnHost(['chroot', directory, 'apt-get', 'clean']);
  await keepTimersQuiet(directory);
  await forgetIdentity(directory);
  await addAlex(directory);
}

async function removePython(whole: string, directory: string): Promise<void> {
  await runOnHost(['cp', '--archive', '--reflink=auto', whole, directory], { timeoutMs: 300_000 });
  const installed = await runOnHost(['chroot', directory, 'dpkg-query', '-W', '-f', '${Package}\n']);
  const packages = installed.split('\n').filter((name) => /^(lib)?python3/.test(name));
  await runOnHost(['chroot', directory, 'dpkg', '--purge', ...packages]);
}

/** A test machine asks nothing of the network by itself. */
async function keepTimersQuiet(directory: string): Promise<void> {
  const timers = ['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'fstrim.timer'];
  await runOnHost(['systemctl', `--root=${directory}`, 'mask', ...timers]);
  await writeFile(path.join(directory, 'etc/resolv.conf'), '');
}

/** Host keys and the machine id are made anew for every machine; two machines with one identity would hide mix-ups. */
async function forgetIdentity(directory: string): Promise<void> {
  for (const type of ['rsa', 'ecdsa', 'ed25519']) {
    await rm(path.join(directory, `etc/ssh/ssh_host_${type}_key`), { force: true });
    await rm(path.join(directory, `etc/ssh/ssh_host_${type}_key.pub`), { force: true });
  }
  await writeFile(path.join(directory, 'etc/machine-id'), '');
}

async function addAlex(directory: string): Promise<void> {
  await runOnHost(['chroot', directory, 'useradd', '--create-home', '--uid', '1001', '--user-group', '--groups', 'sudo', '--shell', '/bin/bash', 'alex']);
  await runOnHost(['chroot', directory, 'chpasswd'], { input: 'alex:alex\n' });
  const shadow = await readFile(path.join(directory, 'etc/shadow'), 'utf8');
  if (!/^alex:\$/m.test(shadow)) throw new Error('Cannot set the password of "alex" in the new root: /etc/shadow holds no hash for the account');
}
