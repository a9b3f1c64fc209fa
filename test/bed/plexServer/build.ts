import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, link, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cachedDirectory } from '../kubernetes/cache.ts';

/** The version a bed's server has when a test does not care; four numbers and a hash of nine digits, as the real one's tags. */
export const defaultPlexVersion = '1.43.4.10718-1e3cb7a60';

/** Which server to build. */
export interface PlexServerOptions {
  readonly version?: string;
}

/** A built server: `directory` is a tree to copy to `/`, with the programs under `usr/lib/plexmediaserver`. */
export interface PlexServerBuild {
  readonly directory: string;
  readonly version: string;
}

/** What the compiler needs, each with a file that shows that its package is installed. */
const packages: ReadonlyMap<string, string> = new Map([
  ['gcc', '/usr/bin/gcc'],
  ['libc6-dev', '/usr/include/stdio.h'],
  ['libsqlite3-dev', '/usr/include/sqlite3.h'],
]);

/** The other programs of the installation. They are the server's own file under another name, which is how it knows what to be. */
const otherPrograms = ['Plex SQLite', 'Plex Tuner Service', 'Plex Script Host', 'Plex Transcoder'];

const sourceDirectory = import.meta.dirname;
const schemaDirectory = join(sourceDirectory, '..', 'library', 'schema');
// Static, so that one file runs on every Debian and Ubuntu, with or without SQLite.
const buildFlags = ['-trimpath', '-tags', 'libsqlite3 netgo osusergo'];
const linkFlags = '-s -w -linkmode external -extldflags "-static"';
const versionForm = /^\d+\.\d+\.\d+\.\d+-[0-9a-f]{9}$/;

/** Builds the stand-in server, or takes it from the user's cache (about 10 s the first time, a minute on a machine without the packages). */
export async function buildPlexServer({ version = defaultPlexVersion }: PlexServerOptions = {}): Promise<PlexServerBuild> {
  if (!versionForm.test(version)) {
    throw new Error(`Cannot build server version "${version}": four numbers, a dash and nine hex digits are expected, such as "${defaultPlexVersion}"`);
  }
  const sources = await readSources();
  const directory = await cachedDirectory({
    name: 'plexServer',
    inputs: [...sources.flatMap(({ name, content }) => [name, content]), ...buildFlags, linkFlags, version],
    async make(directory) {
      await installPackages();
      const workshop = join(directory, 'workshop');
      await mkdir(join(workshop, 'schema'), { recursive: true });
      for (const { name, content } of sources) await writeFile(join(workshop, name), content);
      const programs = join(directory, 'usr/lib/plexmediaserver');
      await mkdir(programs, { recursive: true });
      const server = join(programs, 'Plex Media Server');
      await execa('go', ['build', ...buildFlags, '-ldflags', `${linkFlags} -X main.version=${version}`, '-o', server, '.'], { cwd: workshop, env: { CGO_ENABLED: '1' } });
      for (const name of otherPrograms) await link(server, join(programs, name));
      await writeFile(join(directory, 'version.txt'), `${version}\n`);
      await rm(workshop, { recursive: true });
    },
  });
  return { directory, version };
}

/** Packs the server as a package that installs the programs, the unit and the user `plex`; returns the path of the `.deb`. */
export async function buildPlexDeb({ version = defaultPlexVersion }: PlexServerOptions = {}): Promise<string> {
  const server = await buildPlexServer({ version });
  const unit = await readFile(join(sourceDirectory, 'plexmediaserver.service'));
  const control = await readFile(join(sourceDirectory, 'deb/control'), 'utf8');
  const postinst = await readFile(join(sourceDirectory, 'deb/postinst'));
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const name = `plexmediaserver_${version}_${architecture}.deb`;
  const directory = await cachedDirectory({
    name: 'plexDeb',
    inputs: [server.directory, unit, control, postinst, architecture],
    async make(directory) {
      const root = join(directory, 'root');
      await mkdir(join(root, 'DEBIAN'), { recursive: true });
      // cp keeps the programs one file with several names.
      await execa('cp', ['-a', join(server.directory, 'usr'), root]);
      await mkdir(join(root, 'lib/systemd/system'), { recursive: true });
      await copyFile(join(sourceDirectory, 'plexmediaserver.service'), join(root, 'lib/systemd/system/plexmediaserver.service'));
      await writeFile(join(root, 'DEBIAN/control'), control.replace('@VERSION@', version).replace('@ARCHITECTURE@', architecture));
      await cp(join(sourceDirectory, 'deb/postinst'), join(root, 'DEBIAN/postinst'));
      await chmod(join(root, 'DEBIAN/postinst'), 0o755);
      // gzip: dpkg of every release reads it, and it packs faster than xz.
      await execa('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', root, join(directory, name)]);
      await rm(root, { recursive: true });
    },
  });
  return join(directory, name);
}

interface SourceFile {
  readonly name: string;
  readonly content: Buffer;
}

async function readSources(): Promise<readonly SourceFile[]> {
  const own = (await readdir(sourceDirectory)).filter((name) => /\.(?:go|c|mod|sum)$/.test(name)).toSorted();
  const schema = (await readdir(schemaDirectory)).filter((name) => name.endsWith('.sql')).toSorted();
  const files = [...own.map((name) => ({ name, path: join(sourceDirectory, name) })), ...schema.map((name) => ({ name: `schema/${name}`, path: join(schemaDirectory, name) }))];
  return Promise.all(files.map(async ({ name, path }) => ({ name, content: await readFile(path) })));
}

async function installPackages(): Promise<void> {
  const missing = [...packages].filter(([, file]) => !existsSync(file)).map(([name]) => name);
  if (missing.length === 0) return;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  // Several beds may be built together: apt waits for the other's lock instead of failing.
  const waiting = ['-o', 'DPkg::Lock::Timeout=300'];
  await execa('apt-get', [...waiting, 'update', '-q'], { env });
  await execa('apt-get', [...waiting, 'install', '-y', '-q', '--no-install-recommends', ...missing], { env });
}
