import { as, command } from '../machines/command.ts';
import type { Machine, RunAs } from '../machines/machine.ts';
import { databasesDirectory } from '../plex/dataDirectory.ts';

/** A process that belongs to a Plex server, or has one of its databases open. */
export interface PlexProcess {
  readonly processId: number;
  readonly because: string;
}

// find's exit code is 1 when a process ends while it is looked at; what it cannot read at all is counted apart, below.
const answers = [0, 1] as const;

// Containers of the same machine may run a Plex of their own from the same path: a process of another PID namespace is not this service's.
const ofThisNamespace = String.raw`
command -v find grep readlink >/dev/null || exit 1
own=$(readlink /proc/self/ns/pid) || exit 1
find /proc -mindepth 2 -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$1" -printf '%h\n' 2>/dev/null | while read -r process; do
  [ "$(readlink "$process/ns/pid")" = "$own" ] && printf '%s\0%s\0' "$process" "$(readlink "$process/exe")"
done
[ -z "$2" ] || grep -lsE "$2" /proc/[0-9]*/cgroup | while read -r file; do printf '%s\0\0' "$file"; done
true`;

/** Every process whose program lies below `home` (Plex's own directory), or that a unit's control group holds; `controlGroup` is empty while the unit is down. */
export async function plexProcesses(machine: Machine, { home, controlGroup }: { readonly home: string; readonly controlGroup: string }): Promise<readonly PlexProcess[]> {
  const members = controlGroup === '' ? '' : `:${forExpression(controlGroup)}(/|$)`;
  const { stdout } = await machine.run(as('root', command('sh', '-c', ofThisNamespace, 'sh', `${forPattern(home)}/*`, members)));
  const found = new Map<number, PlexProcess>();
  for (const [directory, program] of pairs(stdout)) {
    const processId = Number(directory.split('/')[2]);
    if (!found.has(processId)) found.set(processId, { processId, because: program === '' ? `belongs to ${controlGroup}` : `runs ${program}` });
  }
  return [...found.values()];
}

/** Every process that has a file in the databases' directory open. Sees those of other users only as root. */
export async function databaseUsers(machine: Machine, { directory, user }: { readonly directory: string; readonly user: RunAs }): Promise<readonly PlexProcess[]> {
  // The directory may be a link, or lie behind one: /proc shows the real path.
  const { stdout: resolved } = await machine.run(as(user, command('readlink', '-f', '--', `${directory}/${databasesDirectory}`)));
  const files = command('find', '/proc', '-mindepth', '3', '-maxdepth', '3', '-path', '/proc/[0-9]*/fd/*', '-lname', `${forPattern(resolved.trimEnd())}/*`, '-printf', String.raw`%h\0%l\0`);
  const { stdout } = await machine.run(as(user, files), { answers });
  const found = new Map<number, PlexProcess>();
  for (const [place, file] of pairs(stdout)) {
    const processId = Number(place.split('/')[2]);
    found.set(processId, { processId, because: `has ${file} open` });
  }
  return [...found.values()];
}

function pairs(printed: string): (readonly [string, string])[] {
  const fields = printed.split('\0');
  return Array.from({ length: Math.floor(fields.length / 2) }, (_, position) => [fields[position * 2] ?? '', fields[position * 2 + 1] ?? ''] as const);
}

/** A text as find's `-path` and `-lname` have to be given it, to mean just that. */
export function forPattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, String.raw`\$&`);
}

function forExpression(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
