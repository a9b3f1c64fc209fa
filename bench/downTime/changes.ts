import { chownSync, lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noise } from '../transfer/artwork.ts';

/** What is done to a file. */
export interface Change {
  readonly what: 'modify' | 'remove' | 'add beside';
  readonly path: string;
}

/** Chooses files all over a list, a share of it: half of them to be modified, a quarter removed, and beside a quarter another added. */
export function chooseChanges(paths: readonly string[], options: { readonly share: number; readonly round: number }): readonly Change[] {
  const step = Math.max(1, Math.round(1 / options.share));
  const chosen = paths.filter((_, at) => at % step === options.round % step);
  return chosen.map((path, at) => ({ path, what: at % 4 === 1 ? 'remove' : at % 4 === 3 ? 'add beside' : 'modify' }));
}

/** The artwork of a data directory, by path, in order. */
export function artworkFiles(data: string): readonly string[] {
  const found: string[] = [];
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(data, below), { withFileTypes: true })) {
      const path = `${below}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.push(path);
    }
  };
  for (const top of ['Metadata', 'Media']) walk(top);
  return found.toSorted((one, other) => (one < other ? -1 : 1));
}

/** Does them, as the server would: what is new belongs to whom the directory belongs to. */
export function makeChanges(data: string, changes: readonly Change[]): void {
  const content = noise(1 << 20);
  const { uid, gid } = lstatSync(data);
  for (const [number, { what, path }] of changes.entries()) {
    const file = join(data, path);
    const fresh = content.subarray(number % 1_000, (number % 1_000) + lstatSync(file).size);
    switch (what) {
      case 'modify':
        writeFileSync(file, fresh);
        break;
      case 'remove':
        rmSync(file);
        break;
      case 'add beside':
        writeFileSync(`${file}.added`, fresh);
        chownSync(`${file}.added`, uid, gid);
        break;
    }
  }
}
