import { PlexliftError } from '../../errors.ts';
import type { Sentinel } from '../target.ts';

/**
 * Sentinels as the gate's script reads them: size, mount and path, a line each, those of one mount together. A path that holds a line
 * break cannot be told that way and is left out; a mount that would have none then is an error.
 */
export function sentinelLines(sentinels: readonly Sentinel[]): Buffer {
  const byMount = Map.groupBy(sentinels, (sentinel) => sentinel.mount);
  const lines = [...byMount].flatMap(([mount, all]) => {
    const tellable = all.filter((sentinel) => !`${mount}${sentinel.path}`.includes('\n'));
    if (tellable.length === 0) {
      throw new PlexliftError('failed', `Cannot watch the mount "${mount}": the path of every media file chosen for it holds a line break`, {
        remedy: 'Choose media files with ordinary names',
      });
    }
    return tellable.flatMap((sentinel) => [String(sentinel.sizeBytes), mount, sentinel.path]);
  });
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8');
}
