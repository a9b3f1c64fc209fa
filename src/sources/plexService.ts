import { PlexliftError } from '../errors.ts';
import { as, command } from '../machines/command.ts';
import type { Machine, RunAs } from '../machines/machine.ts';
import { readUnit, variableIn } from './systemdUnit.ts';
import type { Unit } from './systemdUnit.ts';

/** Where a packaged Plex lies, and as whom it runs. */
export interface PlexService {
  readonly unit: Unit;
  /** The service's own user, as commands name it. */
  readonly user: RunAs;
  /** Plex's programs, e.g. `/usr/lib/plexmediaserver`. */
  readonly home: string;
  /** The "Plex Media Server" directory, links resolved. */
  readonly dataDirectory: string;
  /** What told where that is, for people. */
  readonly dataDirectoryFrom: string;
}

const supportVariable = 'PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR';
const homeVariable = 'PLEX_MEDIA_SERVER_HOME';

/** Where the package puts its programs. */
const packagedHome = '/usr/lib/plexmediaserver';

/** Where older packages keep their settings. */
const packagedDefaults = '/etc/default/plexmediaserver';

/** Finds out where the Plex of a unit lies. Throws with the unit's name when systemd does not know it, or the directory is not there. */
export async function findPlexService(machine: Machine, unitName: string): Promise<PlexService> {
  const unit = await readUnit(machine, unitName);
  if (unit.loadState === 'not-found') {
    throw new PlexliftError('refused', `Cannot find the service "${unitName}" on ${machine.name}`, {
      remedy: 'Set "unit" under "source" to the name that "systemctl list-units | grep -i plex" shows there; a Plex from snap or in Docker is not supported as a source',
    });
  }
  const running = unit.mainProcessId === 0 ? new Map<string, string>() : await environmentOf(machine, unit.mainProcessId);
  const files = await variablesOf(machine, unit.environmentFiles);
  const support = await supportDirectory(machine, { unit, running, files });
  const wanted = `${support.path.replace(/\/+$/, '')}/Plex Media Server`;
  const resolved = await machine.run(as('root', command('readlink', '-e', '--', wanted)), { answers: [0, 1] });
  if (resolved.exitCode !== 0) {
    throw new PlexliftError('refused', `Cannot find the data directory of Plex on ${machine.name}: "${wanted}" does not exist`, { remedy: `Check ${support.from} there`, facts: [`The path comes from ${support.from}`] });
  }
  return {
    unit,
    user: unit.user === 'root' ? 'root' : { user: unit.user },
    home: running.get(homeVariable) ?? files.get(homeVariable) ?? unit.environment.get(homeVariable) ?? packagedHome,
    dataDirectory: resolved.stdout.replace(/\n$/, ''),
    dataDirectoryFrom: support.from,
  };
}

interface Evidence {
  readonly unit: Unit;
  readonly running: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, string>;
}

// In the order in which they count: what the running server was told, then as systemd applies it, then what the package would do.
async function supportDirectory(machine: Machine, { unit, running, files }: Evidence): Promise<{ readonly path: string; readonly from: string }> {
  const told = running.get(supportVariable);
  if (told !== undefined) return { path: told, from: 'the environment of the running server' };
  const fromFile = files.get(supportVariable);
  if (fromFile !== undefined) return { path: fromFile, from: `the unit's environment file` };
  const fromUnit = unit.environment.get(supportVariable);
  if (fromUnit !== undefined) return { path: fromUnit, from: 'the environment of the unit' };
  const fromDefaults = (await variablesOf(machine, [packagedDefaults])).get(supportVariable);
  if (fromDefaults !== undefined) return { path: fromDefaults, from: packagedDefaults };
  const { stdout } = await machine.run(command('getent', 'passwd', unit.user));
  return { path: `${stdout.split(':')[5] ?? ''}/Library/Application Support`, from: `the home directory of the user "${unit.user}"` };
}

// Only the two variables leave the machine: the rest of the environment is nobody's business.
async function environmentOf(machine: Machine, processId: number): Promise<ReadonlyMap<string, string>> {
  const look = command('grep', '-zaE', `^(${supportVariable}|${homeVariable})=`, `/proc/${processId}/environ`);
  // 1: neither is set; 2: the process ended meanwhile.
  const { stdout } = await machine.run(as('root', look), { answers: [0, 1, 2] });
  return new Map(stdout.split('\0').filter((pair) => pair !== '').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const));
}

async function variablesOf(machine: Machine, files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const file of files) {
    const exists = await machine.run(as('root', command('test', '-f', file)), { answers: [0, 1] });
    if (exists.exitCode !== 0) continue;
    const { stdout } = await machine.run(as('root', command('cat', '--', file)));
    for (const name of [supportVariable, homeVariable]) {
      const value = variableIn(stdout, name);
      if (value !== null) found.set(name, value);
    }
  }
  return found;
}
