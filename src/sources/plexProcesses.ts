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

/** Every process whose program lies below `home` (Plex's own directory), or that a unit's control group holds. */
export async function plexProcesses(machine: Machine, { home, unit }: { readonly home: string; readonly unit: string }): Promise<readonly PlexProcess[]> {
  const programs = command('find', '/proc', '-mindepth', '2', '-maxdepth', '2', '-path', '/proc/[0-9]*/exe', '-lname', `${forPattern(home)}/*`, '-printf', String.raw`%h\0%l\0`);
  const members = command('sh', '-c', 'grep -lsE "$1" /proc/[0-9]*/cgroup || [ $? -le 2 ]', 'sh', `/${forExpression(unit)}(/|$)`);
  const [byProgram, byGroup] = [await machine.run(as('root', programs), { answers }), await machine.run(as('root', members))];
  const found = new Map<number, PlexProcess>();
  for (const file of byGroup.stdout.split('\n').filter((line) => line !== '')) {
    const processId = Number(file.split('/')[2]);
    found.set(processId, { processId, because: `belongs to ${unit}` });
  }
  for (const [directory, program] of pairs(byProgram.stdout)) {
    const processId = Number(directory.split('/')[2]);
    found.set(processId, { processId, because: `runs ${program}` });
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

function forPattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, String.raw`\$&`);
}

function forExpression(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
