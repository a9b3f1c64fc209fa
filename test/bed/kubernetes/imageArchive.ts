import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';

/** What a container of the image runs unless told otherwise; the keys are those of the image format. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Volumes?: Readonly<Record<string, object>>;
}

/** One image: its layers, the full names (registry included) it is known by, and its configuration. */
export interface ImageContent {
  /** Layer tars as `writeLayer` makes them, lowest first. */
  readonly layers: readonly string[];
  readonly names: readonly string[];
  readonly config: ImageConfig;
}

/** The name of the archive that `writeImageArchive` leaves in its directory. */
export const archiveName = 'image.tar';

/** Writes the tree at `root`, with its owners and modes, as the layer tar `path`. */
export async function writeLayer(path: string, root: string): Promise<void> {
  const flags = ['--format=gnu', '--numeric-owner', '--sort=name', '--exclude=./dev/*', '--exclude=./proc/*', '--exclude=./sys/*'];
  await execa('tar', ['--create', '--file', path, '--directory', root, ...flags, '.']);
}

/** Writes an image as `docker save` would into `directory`, for `ctr images import`. */
export async function writeImageArchive(directory: string, image: ImageContent): Promise<void> {
  const layers: { name: string; digest: string }[] = [];
  for (const [position, path] of image.layers.entries()) {
    const name = `layer-${position}.tar`;
    // A layer shared by several images costs no room of its own where the file system can share blocks.
    await copyFile(path, join(directory, name), constants.COPYFILE_FICLONE);
    layers.push({ name, digest: await sha256(path) });
  }
  const created = '2026-01-01T00:00:00Z';
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created,
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
    history: layers.map(() => ({ created, created_by: 'plexlift test bed' })),
  };
  const manifest = [{ Config: 'config.json', RepoTags: image.names, Layers: layers.map(({ name }) => name) }];
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest));
  const parts = ['manifest.json', 'config.json', ...layers.map(({ name }) => name)];
  await execa('tar', ['--create', '--remove-files', '--file', join(directory, archiveName), '--directory', directory, ...parts]);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
