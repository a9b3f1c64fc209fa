import { appendFile, chmod, copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { buildPlexServer } from '../plexServer/build.ts';
import { cachedDirectory } from './cache.ts';
import { debianRoot } from './debianRoot.ts';
import type { DebianRelease } from './debianRoot.ts';
import { archiveName, writeImageArchive, writeLayer } from './imageArchive.ts';

/** The version in the chart's default image tag. */
export const chartPlexVersion = '1.43.0.10492-121068a07';

/** Which Plex image: the server's exact version is its tag. */
export interface PlexImageOptions {
  readonly version: string;
  /** The system below; trixie by default, which has the official image's version of GNU tar. */
  readonly debian?: DebianRelease;
}

const scripts = join(import.meta.dirname, 'plexImage');

/** Image archive (a tar) of `plexinc/pms-docker:<version>`: the stand-in server, started and stopped as the official image does. */
export async function plexImage({ version, debian = 'trixie' }: PlexImageOptions): Promise<string> {
  const [base, server, scriptTexts] = await Promise.all([debianRoot(debian), buildPlexServer({ version }), readScripts()]);
  const directory = await cachedDirectory({
    name: `plex-image-${version}-${debian}`,
    inputs: [base, server.directory, ...scriptTexts],
    async make(directory) {
      const root = join(directory, 'root');
      const layer = join(directory, 'layer.tar');
      await fillRoot(root, { version, base, server: server.directory });
      await writeLayer(layer, root);
      await writeImageArchive(directory, {
        layers: [join(base, 'layer.tar'), layer],
        names: [`docker.io/plexinc/pms-docker:${version}`],
        config: {
          Entrypoint: ['/init'],
          Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8', 'HOME=/config', 'CHANGE_CONFIG_DIR_OWNERSHIP=true'],
          ExposedPorts: { '32400/tcp': {} },
        },
      });
      await rm(layer);
      await rm(root, { recursive: true });
    },
  });
  return join(directory, archiveName);
}

async function fillRoot(root: string, { version, base, server }: { version: string; base: string; server: string }): Promise<void> {
  await mkdir(root);
  await execa('cp', ['-a', `${server}/.`, root]);
  await cp(scripts, root, { recursive: true });
  await execa('chown', ['-R', '0:0', root]);
  for (const name of ['config', 'transcode', 'data']) {
    await mkdir(join(root, name));
  }
  await writeFile(join(root, 'version.txt'), `${version}\n`);
  const status = join(root, 'var/lib/dpkg/status');
  await mkdir(dirname(status), { recursive: true });
  await copyFile(join(base, 'status'), status);
  await appendFile(status, installedPackage(version));
  await chmod(root, 0o755);
}

/** The package manager's entry for the server: the image's update script compares its version with the tag's. */
function installedPackage(version: string): string {
  return [
    '',
    'Package: plexmediaserver',
    'Status: install ok installed',
    'Maintainer: test bed',
    `Architecture: ${process.arch === 'arm64' ? 'arm64' : 'amd64'}`,
    `Version: ${version}`,
    'Description: Stand-in for Plex Media Server',
    '',
  ].join('\n');
}

async function readScripts(): Promise<readonly string[]> {
  const entries = await readdir(scripts, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(files.toSorted().map(async (path) => [path.slice(scripts.length), await readFile(path, 'utf8')]));
  return texts.flat();
}
