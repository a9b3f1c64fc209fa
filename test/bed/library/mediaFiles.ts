import { rmSync } from 'node:fs';
import { extname } from 'node:path';
import { createFileTree, type FileTree } from './fileTree.ts';
import { picture } from './picture.ts';
import { sha1 } from './plexText.ts';
import { createRandom } from './random.ts';
import type { LibrarySettings } from './options.ts';

/** A media file as Plex records it. */
export interface MediaFile {
  /** As stored in the databases. */
  readonly path: string;
  readonly sizeBytes: number;
  /** The sha1 of the content, which names the file's bundle below `Media/localhost`. */
  readonly hash: string;
}

/** Writes media to the places on disk that the stored paths stand for. */
export interface MediaFiles {
  /** Writes a distinct file of a kind told by the path's extension. */
  write(path: string, modifiedAt: number): MediaFile;
  /** Writes a text beside the media: subtitles, lyrics. */
  writeText(path: string, text: string, modifiedAt: number): void;
  /** Where the stored `path` lies on disk. */
  onDisk(path: string): string;
  /** Takes a written file away again: the databases keep its path. */
  lose(path: string): void;
}

/** Maps stored paths to the directories of `settings` and writes below those. */
export function createMediaFiles(settings: LibrarySettings): MediaFiles {
  const places = [
    { prefix: settings.mediaPath, tree: createFileTree(settings.mediaDirectory) },
    { prefix: settings.optimizedPath, tree: createFileTree(settings.optimizedDirectory) },
  ].sort((left, right) => right.prefix.length - left.prefix.length);
  const random = createRandom(settings.seed, 'media files');

  function place(path: string): { tree: FileTree; relative: string } {
    for (const { prefix, tree } of places) {
      if (path.startsWith(`${prefix}/`)) return { tree, relative: path.slice(prefix.length + 1) };
    }
    throw new Error(`Cannot place "${path}": it is below neither "${settings.mediaPath}" nor "${settings.optimizedPath}"`);
  }
  return {
    write(path, modifiedAt) {
      const { tree, relative } = place(path);
      const noise = random.bytes(random.integer(300, 2400));
      const content = contentOf(path, noise);
      tree.write(relative, content, { modifiedAt });
      return { path, sizeBytes: content.length, hash: sha1(content) };
    },
    writeText(path, text, modifiedAt) {
      const { tree, relative } = place(path);
      tree.write(relative, text, { modifiedAt });
    },
    onDisk(path) {
      const { tree, relative } = place(path);
      return `${tree.root}/${relative}`;
    },
    lose(path) {
      const { tree, relative } = place(path);
      rmSync(`${tree.root}/${relative}`);
    },
  };
}

// The first bytes are those of the format, so that `file` and a server that sniffs types see what the name promises.
function contentOf(path: string, noise: Buffer): Buffer {
  const extension = extname(path);
  switch (extension) {
    case '.mkv':
      return Buffer.concat([Buffer.from('1a45dfa39342868101428282886d6174726f736b61', 'hex'), noise]);
    case '.mp4':
      return Buffer.concat([Buffer.from('00000018667479706d703432000000006d70343269736f6d', 'hex'), noise]);
    case '.avi':
      return Buffer.concat([Buffer.from('RIFF\0\0\0\0AVI LIST', 'latin1'), noise]);
    case '.flac':
      return Buffer.concat([Buffer.from('664c614380000022', 'hex'), noise]);
    case '.mp3':
      return Buffer.concat([Buffer.from('49443304000000000000fffb9064', 'hex'), noise]);
    case '.png':
      return picture(noise, { width: 24, height: 16 });
    default:
      throw new Error(`Cannot make "${path}": no media format for "${extension}"`);
  }
}
