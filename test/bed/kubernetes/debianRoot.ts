import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cachedDirectory } from './cache.ts';
import { writeLayer } from './imageArchive.ts';

/** Debian releases the Plex image can stand on: GNU tar is 1.34 in bookworm, and 1.35, as in the official image, in trixie. */
export type DebianRelease = 'bookworm' | 'trixie';

/** What the official image has beyond a bare system and the image's scripts or a tool in the pod may use. */
const packages = ['curl', 'procps', 'sqlite3'] as const;
/** Weight without use in a test. */
const dropped = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info', 'var/cache/apt', 'var/lib/apt/lists', 'var/log'] as const;
/** The official image's user: 1000:1000, at home in /config. */
const userArguments = ['--user-group', '--no-create-home', '--home-dir', '/config', '--shell', '/bin/false', '--uid', '1000', 'plex'] as const;

/** Returns a directory with `layer.tar`, the root of a small Debian with user plex, and `status`, its list of packages. */
export async function debianRoot(release: DebianRelease): Promise<string> {
  return cachedDirectory({
    name: `debian-${release}`,
    inputs: [release, ...packages, ...dropped, ...userArguments],
    async make(directory) {
      const root = join(directory, 'root');
      const mirror = await debianMirror();
      const chosen = mirror === undefined ? [] : [mirror];
      await execa('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, release, root, ...chosen]);
      await execa('chroot', [root, 'useradd', ...userArguments]);
      for (const path of dropped) {
        await rm(join(root, path), { recursive: true });
      }
      await execa('cp', [join(root, 'var/lib/dpkg/status'), join(directory, 'status')]);
      await writeLayer(join(directory, 'layer.tar'), root);
      await rm(root, { recursive: true });
    },
  });
}

/** The archive this machine itself installs from, so that a machine behind a mirror uses it here too. */
async function debianMirror(): Promise<string | undefined> {
  const { stdout } = await execa('apt-get', ['indextargets', '--format', '$(SITE)', 'Identifier: Packages', 'Label: Debian']);
  return stdout.split('\n').find((site) => site.startsWith('http'));
}
