import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileDigest } from '../fileDigest.ts';

/** SHA-256 of every file below a directory, or of the ones named, by path relative to it. A file that is not there is absent from the result. */
export async function fileDigests(directory: string, paths?: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const path of paths ?? filesBelow(directory)) {
    const file = join(directory, path);
    if (existsSync(file)) digests.set(path, await fileDigest(file));
  }
  return digests;
}

function filesBelow(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(directory, join(entry.parentPath, entry.name))).sort();
}
