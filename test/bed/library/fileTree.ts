import { lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stoppedAt } from './moments.ts';

/** How a file is written; what is left out takes the default in brackets. */
export interface FileManner {
  /** Permission bits (0644). */
  readonly mode?: number;
  /** Seconds since 1970 (the moment the server was stopped). */
  readonly modifiedAt?: number;
}

/** Writes new files below one directory; an existing file is never overwritten. */
export interface FileTree {
  readonly root: string;
  write(path: string, content: string | Uint8Array, manner?: FileManner): void;
  /** Makes a symbolic link at `path`; `target` may lead nowhere. */
  link(path: string, target: string): void;
  directory(path: string): void;
}

/** Writes below `directory`, which is made with all its parents when the first file is. */
export function createFileTree(directory: string): FileTree {
  const root = resolve(directory);
  const made = new Set<string>();

  function ensure(path: string): void {
    if (made.has(path)) return;
    // One level at a time costs one call each; a deep recursive mkdir begins with several that fail.
    if (path !== root) ensure(dirname(path));
    mkdirSync(path, { recursive: true });
    made.add(path);
  }
  return {
    root,
    write(path, content, manner = {}) {
      const absolute = join(root, path);
      const modifiedAt = manner.modifiedAt ?? stoppedAt;
      ensure(dirname(absolute));
      writeFileSync(absolute, content, { flag: 'wx', mode: manner.mode ?? 0o644 });
      utimesSync(absolute, modifiedAt, modifiedAt);
    },
    link(path, target) {
      const absolute = join(root, path);
      ensure(dirname(absolute));
      symlinkSync(target, absolute);
      lutimesSync(absolute, stoppedAt, stoppedAt);
    },
    directory(path) {
      ensure(join(root, path));
    },
  };
}
