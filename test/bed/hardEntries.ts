import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, ftruncateSync, mkdirSync, openSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Where to make the entries, and for whom. */
export interface HardEntriesOptions {
  /** The data directory; it may hold a library already. */
  readonly directory: string;
  /** An existing directory outside, to which links lead. */
  readonly outside: string;
  /** That directory as the machine names it that the data directory is on; default: as this computer does. */
  readonly outsideThere?: string;
  /** Default: whoever runs this. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

const facts = z.strictObject({
  unsendable: z.array(z.string()),
  leaving: z.array(z.string()),
  followed: z.array(z.string()),
  followedAbsolute: z.string(),
});

/** What to expect of the entries that were made; paths below the data directory. */
export type HardEntries = Readonly<z.infer<typeof facts>>;

/**
 * Makes every kind of entry that is hard to carry: odd names, modes, times and links, hard links, holes, deep paths, sockets and pipes,
 * and as root devices and what root alone may read. `unsendable` never arrives, `leaving` arrives as links although it leads out, and
 * `followed` (relative) and `followedAbsolute` arrive as the directories they lead to.
 */
export function makeHardEntries({ directory, outside, outsideThere = outside, owner }: HardEntriesOptions): HardEntries {
  mkdirSync(outside, { recursive: true });
  const input = JSON.stringify({ directory, outside, outsideThere, owner: owner ?? null });
  const printed = execFileSync('python3', ['-I', '-X', 'utf8', join(import.meta.dirname, 'hardEntries.py')], { input, encoding: 'utf8' });
  return facts.parse(JSON.parse(printed));
}

/** Makes a file of more than 8 GiB, which is more than the octal digits of a tar header can say, and gives back its path. It is sparse, and its copy is not. */
export function makeHugeFile({ directory, owner }: Pick<HardEntriesOptions, 'directory' | 'owner'>): string {
  const sizeBytes = 8 * 2 ** 30 + 4_097;
  mkdirSync(join(directory, 'Metadata'), { recursive: true });
  const path = join(directory, 'Metadata/more than 8 GiB');
  const file = openSync(path, 'wx', 0o640);
  ftruncateSync(file, sizeBytes);
  writeSync(file, 'the end', sizeBytes - 7);
  closeSync(file);
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  utimesSync(path, 1_400_000_000, 1_400_000_000);
  return path;
}
