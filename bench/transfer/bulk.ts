import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What of a data directory is no bulk: said here once more, so that what is compared is not chosen by what is measured. */
export const notBulk: readonly string[] = [
  'Preferences.xml', 'Plug-in Support/Databases', 'plexmediaserver.pid', '.LocalAdminToken', 'Cache/Transcode', 'Codecs', 'Drivers', 'Updates', 'Crash Reports', 'Diagnostics', 'Logs', 'tmp',
  'Setup Plex.html',
];

/** What is in a tree. */
export interface BulkCount {
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  readonly bytes: number;
}

/** Counts the bulk of a data directory, or of what a way has made of one. */
export function countBulk(directory: string): BulkCount {
  const count = { files: 0, directories: 0, links: 0, bytes: 0 };
  const left = new Set(notBulk);
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (left.has(path)) continue;
      if (entry.isDirectory()) {
        count.directories += 1;
        walk(path);
      } else if (entry.isSymbolicLink()) {
        count.links += 1;
      } else if (entry.isFile()) {
        count.files += 1;
        count.bytes += lstatSync(join(directory, path)).size;
      }
    }
  };
  walk('');
  return count;
}
