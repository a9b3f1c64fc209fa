import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cachedDirectory } from './cache.ts';
import { pauseImageName } from './components.ts';
import type { ImageContent } from './imageArchive.ts';
import { archiveName, writeImageArchive, writeLayer } from './imageArchive.ts';

/** The name by which the kubelet asks for the chart's default init image, `index.docker.io/alpine:3.22`. */
export const alpineImageName = 'docker.io/library/alpine:3.22';

/** Image archive (a tar) of the sandbox image: one static program that waits. */
export async function pauseImage(): Promise<string> {
  const source = join(import.meta.dirname, 'pause', 'main.go');
  const directory = await cachedDirectory({
    name: 'pause-image',
    inputs: [await readFile(source), pauseImageName],
    async make(directory) {
      const root = join(directory, 'root');
      await mkdir(root);
      await execa('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(root, 'pause'), source], { env: { CGO_ENABLED: '0' } });
      await writeSingleLayer(directory, { root, names: [pauseImageName], config: { Entrypoint: ['/pause'] } });
    },
  });
  return join(directory, archiveName);
}

/** Image archive (a tar) of an alpine stand-in: busybox and its applets, so neither GNU tar nor curl, as in the real one. */
export async function alpineImage(): Promise<string> {
  const { stdout: version } = await execa('dpkg-query', ['--show', '--showformat=${Version}', 'busybox-static']);
  const directory = await cachedDirectory({
    name: 'alpine-image',
    inputs: [version, alpineImageName],
    async make(directory) {
      const root = join(directory, 'root');
      for (const name of ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'etc', 'tmp', 'root', 'proc', 'sys', 'dev']) {
        await mkdir(join(root, name), { recursive: true });
      }
      await chmod(join(root, 'tmp'), 0o1777);
      await execa('cp', ['/bin/busybox', join(root, 'bin', 'busybox')]);
      const { stdout: applets } = await execa('/bin/busybox', ['--list-full']);
      for (const applet of applets.split('\n').filter((path) => path !== 'bin/busybox' && path.includes('/'))) {
        await mkdir(join(root, applet, '..'), { recursive: true });
        await symlink('/bin/busybox', join(root, applet));
      }
      await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n');
      await writeFile(join(root, 'etc', 'group'), 'root:x:0:\nnobody:x:65534:\n');
      await writeSingleLayer(directory, { root, names: [alpineImageName], config: { Cmd: ['/bin/sh'] } });
    },
  });
  return join(directory, archiveName);
}

async function writeSingleLayer(directory: string, { root, ...image }: Omit<ImageContent, 'layers'> & { root: string }): Promise<void> {
  const layer = join(directory, 'layer.tar');
  await writeLayer(layer, root);
  await writeImageArchive(directory, { ...image, layers: [layer] });
  await rm(layer);
  await rm(root, { recursive: true });
}
