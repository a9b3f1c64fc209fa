import { randomBytes } from 'node:crypto';
import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataOnSource } from './sidesOfStage.ts';
import type { Stage } from './stage.ts';

/** Where it lies below the data directory: among the artwork. */
export const freshBulkDirectory = 'Metadata/Fresh';

const smallFiles = 1_200;
const smallBytes = 24 * 1024;
const largeFiles = 14;
const largeBytes = 8 * 1024 * 1024;

let written = 0;

/**
 * Puts bulk on the source that no earlier copy can have brought, in the place of what was there before: half of the names are new and
 * half hold other content now. More than one segment, and enough for a copy to take seconds. Gives back its size in bytes.
 */
export async function writeFreshBulk(stage: Stage): Promise<number> {
  const root = join(dataOnSource(stage), freshBulkDirectory);
  await rm(root, { recursive: true, force: true });
  written += 1;
  const noise = randomBytes(largeBytes + smallFiles);
  for (let number = 0; number < smallFiles; number += 1) {
    const directory = join(root, `bundle-${number % 40}`, number % 2 === 0 ? 'Contents' : `Contents-${written}`);
    if (number < 80) await mkdir(directory, { recursive: true });
    await writeOne(join(directory, `art-${number}.jpg`), noise.subarray(number, number + (number % 50 === 0 ? 0 : smallBytes - number)));
  }
  for (let number = 0; number < largeFiles; number += 1) await writeOne(join(root, `index-${number}.bif`), noise.subarray(number, number + largeBytes));
  await symlink(`bundle-1/Contents-${written}`, join(root, 'newest'));
  await mkdir(join(root, 'empty'));
  return smallFiles * smallBytes + largeFiles * largeBytes;
}

async function writeOne(path: string, content: Uint8Array): Promise<void> {
  await writeFile(path, content);
  // Times of their own, so that one that did not arrive shows.
  const second = 1_500_000_000 + ((written * 7_919 + content.length) % 90_000_000);
  await utimes(path, second, second);
}
