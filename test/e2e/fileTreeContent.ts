import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Everything below a directory of this computer, by relative path: type, mode, time in whole seconds, and a file's digest or a link's target; directories without times. */
export function readFileTree(directory: string, leave: (path: string) => boolean = () => false): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const walk = (below: string): void => {
    for (const name of readdirSync(join(directory, below))) {
      const path = below === '' ? name : `${below}/${name}`;
      if (leave(path)) continue;
      found.set(path, stateOf(join(directory, path)));
      if (lstatSync(join(directory, path)).isDirectory()) walk(path);
    }
  };
  walk('');
  return found;
}

function stateOf(file: string): string {
  const { mode, mtimeMs } = lstatSync(file);
  const [permissions, seconds] = [(mode & 0o7777).toString(8), Math.floor(mtimeMs / 1000)];
  switch (mode & 0o170000) {
    case 0o100000:
      return `file ${permissions} ${seconds} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
    case 0o120000:
      return `link to ${readlinkSync(file)}`;
    case 0o040000:
      return `directory ${permissions}`;
    default:
      return 'neither file, link nor directory';
  }
}

/** Everything below a directory that does not belong to this user and group. */
export function ownedByOthers(directory: string, owner: { readonly uid: number; readonly gid: number }): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => {
    const { uid, gid } = lstatSync(join(directory, path));
    return uid !== owner.uid || gid !== owner.gid;
  });
}
