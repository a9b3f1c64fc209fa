import { createCipheriv } from 'node:crypto';
import { lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as otherWork } from 'node:timers/promises';
import { createRandom } from '../../test/bed/library/random.ts';
import { runOnHost } from '../../test/bed/sourceVm/hostCommand.ts';
import { artworkItem } from './artworkItem.ts';

/** How much artwork to make, and where. */
export interface ArtworkOptions {
  /** The data directory. */
  readonly directory: string;
  /** Exactly so many files are added. */
  readonly files: number;
  readonly signal: AbortSignal;
}

const seed = 5;
/** Every file is a stretch of this, behind a number of its own: no two are alike and none can be made smaller. */
const poolBytes = 64 << 20;
const newestMs = Date.UTC(2026, 0, 1);
const chownTimeoutMs = 600_000;

/** Adds made-up bundles to a data directory, owned by whom that belongs to, the same for the same number. */
export async function addArtwork({ directory, files, signal }: ArtworkOptions): Promise<void> {
  const random = createRandom(seed, 'artwork');
  const pool = noise(poolBytes);
  let made = 0;
  while (made < files) {
    signal.throwIfAborted();
    const item = artworkItem(random);
    for (const each of item.directories) mkdirSync(join(directory, each), { recursive: true });
    for (const { path, sizeBytes } of item.files.slice(0, files - made)) {
      made += 1;
      const at = random.integer(0, poolBytes - sizeBytes);
      const content = Buffer.from(pool.subarray(at, at + sizeBytes));
      content.writeUInt32LE(made, 0);
      writeFileSync(join(directory, path), content);
      const seconds = newestMs / 1000 - random.integer(0, 100_000_000);
      utimesSync(join(directory, path), seconds, seconds);
    }
    for (const { path, target } of item.links) {
      mkdirSync(join(directory, path, '..'), { recursive: true });
      symlinkSync(target, join(directory, path));
    }
    // So that Ctrl-C is heard.
    await otherWork();
  }
  const { uid, gid } = lstatSync(directory);
  const tops = ['Metadata', 'Media'].map((name) => join(directory, name));
  await runOnHost(['chown', '--recursive', '--no-dereference', `${uid}:${gid}`, ...tops], { timeoutMs: chownTimeoutMs });
}

/** Bytes without any order, the same each time. */
export function noise(sizeBytes: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}
