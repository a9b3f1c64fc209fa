import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What lies in a directory, by path: kind, mode, content, and the time where it is not of today. Names made up for one process are told alike. */
export type VolumeTree = ReadonlyMap<string, string>;

const daySeconds = 86_400;

/** Reads a whole directory. */
export function treeOf(root: string): VolumeTree {
  const tree = new Map<string, string>();
  function read(directory: string, prefix: string): void {
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name);
      const facts = lstatSync(path);
      const time = facts.mtimeMs / 1000 > Date.now() / 1000 - daySeconds ? '' : ` at ${Math.floor(facts.mtimeMs / 1000)}`;
      const shown = `${prefix}${commonName(name)}`;
      const what = facts.isSymbolicLink() ? `link to ${readlinkSync(path)}` : facts.isDirectory() ? `directory ${facts.mode.toString(8)}` : `file ${facts.mode.toString(8)} ${JSON.stringify(readFileSync(path, 'latin1').replaceAll(root, 'ROOT'))}`;
      tree.set(shown, what + (facts.isDirectory() ? '' : time));
      if (facts.isDirectory()) read(path, `${shown}/`);
    }
  }
  read(root, '');
  return tree;
}

// Of a process, or drawn by lot.
function commonName(name: string): string {
  return name.replace(/(\.new|scratch\.sort)\.\d+$/, '$1.PID').replace(/^listing\..*/, 'listing.UUID');
}

/** The part of a tree below a directory. */
export function partOf(tree: VolumeTree, directory: string): VolumeTree {
  const prefix = `${directory}/`;
  return new Map([...tree].filter(([path]) => path.startsWith(prefix)).map(([path, what]) => [path.slice(prefix.length), what]));
}

/** A tree without what is only there while somebody is at work, or was killed at it. */
export function lastingPartOf(tree: VolumeTree): VolumeTree {
  const passing = /^\.plexlift\/(?:gate\.sh|lock|receiving|(?:.+\/)?[^/]+\.new\.PID|scratch\.sort\.PID|[^/]+\/listing\.UUID)$/;
  return new Map([...tree].filter(([path]) => !passing.test(path)));
}

/** What changes whenever anything in a directory does, also while it is read: quicker to tell than all that is in it, and of no meaning elsewhere. */
export function stampOf(root: string): string {
  const stamps: string[] = [];
  function read(directory: string): void {
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      const facts = lstatSync(path, { throwIfNoEntry: false });
      stamps.push(`${path} ${facts?.ino} ${facts?.mode} ${facts?.size} ${facts?.mtimeMs}`);
      if (facts?.isDirectory() === true && existsSync(path)) read(path);
    }
  }
  read(root);
  return stamps.join('\n');
}

/** A tree as one string, to tell trees apart. */
export function keyOf(tree: VolumeTree): string {
  return JSON.stringify([...tree]);
}
