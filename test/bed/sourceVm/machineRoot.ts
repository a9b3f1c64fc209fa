import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runOnHost, tryOnHost } from './hostCommand.ts';

/** Where Debian's Plex package keeps its data, as seen inside the machine. */
export const PLEX_DATA_DIRECTORY = '/var/lib/plexmediaserver/Library/Application Support/Plex Media Server';

/** Whether alex may use sudo at once, or only with the password "alex". */
export type SudoMode = 'nopasswd' | 'password';

const PLEX_UID = 997;

const COPY_TIMEOUT_MS = 600_000;

/** Mounts a writable layer over the cached root and returns the directory that shows both; everything written goes below `directory`. */
export async function mountRoot(cachedRoot: string, directory: string): Promise<string> {
  const [changes, scratch, merged] = ['changes', 'scratch', 'root'].map((name) => path.join(directory, name)) as [string, string, string];
  for (const made of [changes, scratch, merged]) await mkdir(made, { recursive: true });
  // The top of the layer is the machine's "/": with the temp directory's 0700 nobody but root could enter it.
  await chmod(changes, 0o755);
  await runOnHost(['mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${cachedRoot},upperdir=${changes},workdir=${scratch}`, merged]);
  return merged;
}

/** Gives the machine a name and an id of its own; without an id systemd would take this for a first boot and reset which units are enabled. */
export async function nameMachine(root: string, name: string): Promise<void> {
  await writeFile(path.join(root, 'etc/machine-id'), `${randomUUID().replaceAll('-', '')}\n`);
  await writeFile(path.join(root, 'etc/hostname'), `${name}\n`);
  await writeFile(path.join(root, 'etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${name}\n::1 localhost\n`);
}

/** Decides how alex may use sudo. Membership in the group sudo already allows it with the password. */
export async function allowSudo(root: string, mode: SudoMode): Promise<void> {
  switch (mode) {
    case 'password':
      return;
    case 'nopasswd': {
      const file = path.join(root, 'etc/sudoers.d/alex');
      await writeFile(file, 'alex ALL=(ALL:ALL) NOPASSWD: ALL\n');
      await chmod(file, 0o440);
    }
  }
}

/** Installs a Plex package into the root and enables its unit, so that Plex starts when the machine boots. */
export async function installPlexPackage(root: string, deb: string): Promise<void> {
  await addPlexUser(root);
  const inside = '/var/cache/plexmediaserver.deb';
  await copyFile(deb, path.join(root, inside));
  await runOnHost(['chroot', root, 'dpkg', '--install', inside], { environment: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: COPY_TIMEOUT_MS });
  await rm(path.join(root, inside));
  await runOnHost(['systemctl', `--root=${root}`, 'enable', 'plexmediaserver.service']);
}

/** Copies a Plex data directory into the root, owned by plex, with the modes Plex itself leaves. */
export async function copyDataDirectory(root: string, dataDirectory: string): Promise<void> {
  await addPlexUser(root);
  const inside = path.join(root, PLEX_DATA_DIRECTORY);
  await mkdir(inside, { recursive: true });
  await runOnHost(['cp', '--archive', '--reflink=auto', `${dataDirectory}/.`, inside], { timeoutMs: COPY_TIMEOUT_MS });
  await runOnHost(['chroot', root, 'chown', '--recursive', '--no-dereference', 'plex:plex', '/var/lib/plexmediaserver'], { timeoutMs: COPY_TIMEOUT_MS });
  await chmod(inside, 0o755);
  const databases = path.join(inside, 'Plug-in Support/Databases');
  await runOnHost(['find', inside, '-path', `${databases}/*`, '-type', 'f', '-exec', 'chmod', '0644', '{}', '+']);
  await runOnHost(['find', inside, '-maxdepth', '1', '-name', 'Preferences.xml', '-exec', 'chmod', '0600', '{}', '+']);
}

/** The account the package's own script would make, with a number that never varies; the image's plex is 1000. */
async function addPlexUser(root: string): Promise<void> {
  const known = await tryOnHost(['chroot', root, 'getent', 'passwd', 'plex']);
  if (known.exitCode === 0) return;
  await runOnHost(['chroot', root, 'groupadd', '--system', '--gid', String(PLEX_UID), 'plex']);
  await runOnHost([
    'chroot', root, 'useradd', '--system', '--uid', String(PLEX_UID), '--gid', 'plex',
    '--home-dir', '/var/lib/plexmediaserver', '--no-create-home', '--shell', '/usr/sbin/nologin', 'plex',
  ]);
}
