import type { Entry, Owner } from './entry.ts';

/** A format of GNU tar. Both sides make a segment in the same, or its receipt could not be equal. */
export type TarFormat = 'ustar' | 'gnu';

/** What the fields of a ustar header hold (POSIX.1-1988; GNU tar's `tar.h`): bytes of a name, of what may stand before it, and of a link's target; octal digits of size, time and owner. */
const nameBytes = 100;
const prefixBytes = 155;
const linkBytes = 100;
const beyondEleven = 8 ** 11;
const beyondSeven = 8 ** 7;

/**
 * The format that a segment of these entries is sent in. `ustar` where everything fits its header: artwork's paths have more than 100
 * bytes, for which `gnu` needs two more blocks an entry, a tenth of all that is sent. `gnu` has no limits.
 */
export function tarFormatOf(entries: readonly Entry[], owner: Owner): TarFormat {
  return owner.uid < beyondSeven && owner.gid < beyondSeven && entries.every(fitsUstar) ? 'ustar' : 'gnu';
}

function fitsUstar({ path, type, sizeBytes, modifiedAtSeconds, linkTarget }: Entry): boolean {
  const seconds = Math.floor(modifiedAtSeconds);
  return (
    (linkTarget?.length ?? 0) <= linkBytes &&
    seconds >= 0 &&
    seconds < beyondEleven &&
    (type !== 'file' || sizeBytes < beyondEleven) &&
    fitsName(type === 'directory' ? `${path}/` : path)
  );
}

/** GNU tar divides a longer name at the last slash that leaves no more in front than fits there, and no other. */
function fitsName(name: string): boolean {
  if (name.length <= nameBytes) return true;
  const slash = name.lastIndexOf('/', Math.min(prefixBytes, name.length - 2));
  return slash > 0 && name.length - slash - 1 <= nameBytes;
}
