import { quoteForShell } from './command.ts';
import type { Command } from './machine.ts';

/** How another user's rights are reached over a connection. */
export type Elevation = 'already root' | 'sudo without password' | 'sudo with password';

/** Words that no other program prints, chosen anew for each connection, by which the far side's own lines are told apart. */
export interface Marks {
  readonly ready: string;
  readonly prompt: string;
}

/**
 * The shell line that carries out a command on the far side. Before the program starts, the far side prints `MARK PID` on standard
 * error: only then may data follow, and by that process id it can be ended. `elevation` is null for the user one logs in as.
 */
export function remoteLine(command: Command, { elevation, marks }: { readonly elevation: Elevation | null; readonly marks: Marks }): string {
  const environment = Object.entries({ LC_ALL: 'C', ...command.environment }).map(([name, value]) => `${name}=${value}`);
  // The new user may not be able to enter the directory one logs in to.
  const announced = ['env', ...environment, 'sh', '-c', `cd / && echo "${marks.ready} $$" >&2 && exec "$@"`, 'sh', command.program, ...command.arguments];
  return ['exec', ...[...becoming(command, { elevation, marks }), ...announced].map(quoteForShell)].join(' ');
}

function becoming({ as = 'login' }: Command, { elevation, marks }: { readonly elevation: Elevation | null; readonly marks: Marks }): readonly string[] {
  if (as === 'login' || elevation === null) return [];
  const user = as === 'root' ? 'root' : as.user;
  switch (elevation) {
    case 'already root':
      return user === 'root' ? [] : ['runuser', '-u', user, '--'];
    case 'sudo without password':
      return ['sudo', '-n', '-u', user, '--'];
    case 'sudo with password':
      return ['sudo', '-S', '-p', marks.prompt, '-u', user, '--'];
    default:
      return elevation satisfies never;
  }
}

/**
 * The script that ends the process group of the process whose id is its first argument; one that was stopped is let go on, or it would
 * not meet its end. A process that is gone is no failure. dash's `kill` takes no `--`.
 */
export const endGroupScript = 'stat=$(cat "/proc/$1/stat" 2>/dev/null) || exit 0; set -- "$1" ${stat##*) }; kill -TERM "-$4" && kill -CONT "-$4" || ! [ -d "/proc/$1" ]';
