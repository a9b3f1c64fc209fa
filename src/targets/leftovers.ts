import { command } from '../machines/command.ts';
import type { Machine } from '../machines/machine.ts';
import type { Leftover } from './target.ts';

// A size is a long walk through a large library: what takes more than a minute is told without it.
const listing = String.raw`
for path in "$1"/.plexlift/*/receipts "$1"/Library.set-aside-* "$1"/Library.withdrawn-* "$1"/.plexlift; do
  [ -e "$path" ] || continue
  path=${'$'}{path%/receipts}
  size=$(timeout 60 du -s -b -- "$path" 2>/dev/null | cut -f 1) || size=
  printf '%s %s\n' "${'$'}{size:-unknown}" "$path"
done
echo end`;

/** What a run leaves on a volume, seen from a machine that has it at `root`. `removal` makes a person's command of what removes a path there. */
export async function leftoversAt(machine: Machine, { root, removal }: { readonly root: string; readonly removal: (path: string) => string }): Promise<readonly Leftover[]> {
  const { stdout } = await machine.run(command('sh', '-c', listing, 'sh', root.replace(/\/$/, '')), { timeoutMs: 600_000 });
  const lines = stdout.trimEnd().split('\n');
  if (lines.pop() !== 'end') throw new Error(`The list of what is left on ${machine.name} was cut off on its way`);
  const found = lines.map((line) => {
    const path = line.slice(line.indexOf(' ') + 1);
    const size = line.slice(0, line.indexOf(' '));
    return { ...kindOf(path), path, sizeBytes: /^\d+$/.test(size) ? Number(size) : null };
  });
  // plexlift's own records go last: a landing area without them could not be told from one that is whole.
  const hasLandingArea = found.some(({ kind }) => kind === 'landing area');
  return found.flatMap(({ kind, what, path, sizeBytes }) => {
    if (kind === 'records' && hasLandingArea) return [];
    return [{ what, path, sizeBytes, remove: kind === 'landing area' ? 'plexlift finish' : removal(path) }];
  });
}

function kindOf(path: string): { readonly kind: 'library' | 'landing area' | 'records'; readonly what: string } {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.startsWith('Library.set-aside-')) return { kind: 'library', what: 'the library that was set aside' };
  if (name.startsWith('Library.withdrawn-')) return { kind: 'library', what: 'the migrated library that was withdrawn' };
  if (name === '.plexlift') return { kind: 'records', what: "plexlift's own records: a script, a copy of the journal" };
  return { kind: 'landing area', what: 'what was copied and is no library, with its receipts' };
}
