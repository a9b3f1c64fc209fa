import { PlexliftError } from '../errors.ts';
import { as, command } from '../machines/command.ts';
import type { Machine } from '../machines/machine.ts';

/** A unit as systemd knows it, drop-ins applied. */
export interface Unit {
  readonly loadState: string;
  readonly user: string;
  readonly group: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly environmentFiles: readonly string[];
  readonly fragmentPath: string;
  readonly dropInPaths: readonly string[];
  readonly activeState: string;
  /** As `systemctl is-enabled` prints it. */
  readonly enabledState: string;
  /** 0 where none runs. */
  readonly mainProcessId: number;
  /** Empty while the unit is down. */
  readonly controlGroup: string;
}

const asked = ['LoadState', 'User', 'Group', 'Environment', 'EnvironmentFiles', 'FragmentPath', 'DropInPaths', 'ActiveState', 'UnitFileState', 'MainPID', 'ControlGroup'] as const;

/** The drop-in that keeps a unit from starting: sorted last, and its text says why it is there. */
export const keepStoppedDropIn = 'zz-plexlift-keep-stopped.conf';

// A condition and not an assertion: the package's own upgrade script starts the unit, and must not fail for it. "/" always exists.
const keepStoppedText = '# Written by plexlift: this Plex moved elsewhere, and two servers with one identity damage each other.\n# "plexlift rollback" removes this file.\n[Unit]\nConditionPathExists=!/\n';

/** Milliseconds for systemd to stop a unit: its default of 90 s before it kills, and some. */
const stopTimeoutMs = 150_000;

/** Reads a unit. Throws when there is no systemd. */
export async function readUnit(machine: Machine, name: string): Promise<Unit> {
  const { stdout } = await machine.run(command('systemctl', 'show', '--no-pager', `--property=${asked.join(',')}`, '--', name));
  const unit = parseUnit(stdout);
  if (unit.loadState !== 'masked') return unit;
  const files = await machine.run(command('sh', '-c', 'cat "/lib/systemd/system/$1" "/etc/systemd/system/$1.d/"*.conf 2>/dev/null || true', 'sh', name));
  return unitFromFiles(unit, files.stdout);
}

/** A unit from what `systemctl show` printed. */
export function parseUnit(printed: string): Unit {
  const all = new Map<string, string[]>();
  for (const line of printed.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) all.set(line.slice(0, at), [...(all.get(line.slice(0, at)) ?? []), line.slice(at + 1)]);
  }
  const get = (name: (typeof asked)[number]): string => all.get(name)?.[0] ?? '';
  const environment = wordsOf(get('Environment')).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
  return {
    loadState: get('LoadState'),
    // A system service without User= runs as root.
    user: get('User') || 'root',
    group: get('Group') || get('User') || 'root',
    environment: new Map(environment),
    environmentFiles: (all.get('EnvironmentFiles') ?? []).map((line) => line.replace(/ \(ignore_errors=(?:yes|no)\)$/, '')).filter((file) => file !== ''),
    fragmentPath: get('FragmentPath'),
    dropInPaths: wordsOf(get('DropInPaths')),
    activeState: get('ActiveState'),
    enabledState: get('UnitFileState'),
    mainProcessId: Number(get('MainPID')) || 0,
    controlGroup: get('ControlGroup'),
  };
}

/**
 * A masked unit as its files describe it: systemd itself says nothing about one. Takes the text of the unit file, then of its drop-ins.
 */
export function unitFromFiles(masked: Unit, text: string): Unit {
  const settings = text.replace(/\\\n/g, ' ').split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^\s*(User|Group|Environment|EnvironmentFile)\s*=\s*(.*)$/.exec(line) ?? [];
    return name === '' ? [] : [{ name, value: value.trim() }];
  });
  const last = (name: string): string => settings.findLast((setting) => setting.name === name)?.value ?? '';
  const lists = (name: string): readonly string[] => settings.reduce<readonly string[]>((list, setting) => (setting.name !== name ? list : setting.value === '' ? [] : [...list, setting.value]), []);
  return {
    ...masked,
    user: last('User') || 'root',
    group: last('Group') || last('User') || 'root',
    environment: new Map(lists('Environment').flatMap(wordsOf).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1).replaceAll('%%', '%')] as const)),
    environmentFiles: lists('EnvironmentFile').map((file) => file.replace(/^-/, '')),
  };
}

/** Words as systemd prints a list: separated by spaces, quoted as "…" with backslashes, or as $'…' with the escapes of C. */
export function wordsOf(list: string): readonly string[] {
  const words: string[] = [];
  const shape = /\s*(?:\$'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"|((?:[^\s\\]|\\[\s\S])+))/y;
  for (let match = shape.exec(list); match !== null; match = shape.exec(list)) {
    words.push(match[1] === undefined ? (match[2] ?? match[3] ?? '').replace(/\\([\s\S])/g, '$1') : unescapeC(match[1]));
  }
  return words;
}

function unescapeC(text: string): string {
  const single: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v', s: ' ' };
  const bytes: Buffer[] = [];
  for (const [whole, hex, octal, other] of text.matchAll(/\\x([0-9a-fA-F]{2})|\\([0-7]{3})|\\([\s\S])|[^\\]+/g)) {
    if (hex !== undefined) bytes.push(Buffer.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) bytes.push(Buffer.of(Number.parseInt(octal, 8)));
    else bytes.push(Buffer.from(other === undefined ? whole : (single[other] ?? other)));
  }
  return Buffer.concat(bytes).toString('utf8');
}

/** The value of a variable in an environment file or shell fragment such as /etc/default/plexmediaserver; the last line that sets it counts. */
export function variableIn(text: string, name: string): string | null {
  const lines = text.split('\n').flatMap((line) => new RegExp(String.raw`^\s*(?:export\s+)?${name}=(.*)$`).exec(line)?.[1] ?? []);
  const last = lines.at(-1)?.trim();
  if (last === undefined) return null;
  const quoted = /^(["'])(.*)\1\s*(?:#.*)?$/.exec(last);
  return quoted?.[2] ?? last.replace(/\s+#.*$/, '').replace(/\\(.)/g, '$1');
}

/** Asks systemd to stop a unit. How that ended is for the processes to say, not for systemctl. */
export async function stopUnit(machine: Machine, name: string): Promise<void> {
  await machine.run(as('root', command('systemctl', 'stop', '--', name)), { timeoutMs: stopTimeoutMs, answers: [0, 1, 3, 4, 5] });
}

/**
 * Keeps a unit from starting, also after a reboot, with a drop-in, and proves that systemd read it. Not `mask`: that fails for a unit
 * file in /etc/systemd/system, and hides the user, the environment and the directory of a unit that is looked at again later.
 */
export async function keepUnitStopped(machine: Machine, name: string): Promise<void> {
  const directory = dropInDirectory(name);
  await machine.run(as('root', command('mkdir', '-p', directory)));
  await machine.run(as('root', command('tee', `${directory}/${keepStoppedDropIn}`)), { input: keepStoppedText });
  await reload(machine);
  const unit = await readUnit(machine, name);
  if (isUnitKeptStopped(unit)) return;
  throw new PlexliftError('failed', `Cannot keep "${name}" on ${machine.name} from starting: systemd does not show the drop-in`, {
    remedy: `Look at "systemctl cat ${name}" there, then run the same command again`,
    facts: [`drop-ins: ${unit.dropInPaths.join(', ')}`],
  });
}

/** True for a unit that systemd itself says it would not start: it is masked, or has the drop-in. */
export function isUnitKeptStopped({ loadState, dropInPaths }: Unit): boolean {
  return loadState === 'masked' || dropInPaths.some((path) => path.endsWith(`/${keepStoppedDropIn}`));
}

/** Takes back `keepUnitStopped`, and a mask or a disabling that came since `enabledState` was recorded. */
export async function letUnitStart(machine: Machine, name: string, enabledState: string): Promise<void> {
  const directory = dropInDirectory(name);
  await machine.run(as('root', command('rm', '-f', `${directory}/${keepStoppedDropIn}`)));
  await machine.run(as('root', command('rmdir', '--ignore-fail-on-non-empty', directory)), { answers: [0, 1] });
  await reload(machine);
  const now = await readUnit(machine, name);
  if (now.loadState === 'masked' && !enabledState.startsWith('masked')) await machine.run(as('root', command('systemctl', 'unmask', '--', name)));
  const unmasked = await readUnit(machine, name);
  if (enabledState === 'enabled' && unmasked.enabledState === 'disabled') await machine.run(as('root', command('systemctl', 'enable', '--', name)));
  if (enabledState === 'disabled' && unmasked.enabledState === 'enabled') await machine.run(as('root', command('systemctl', 'disable', '--', name)));
}

/** Starts a unit. Throws when systemd cannot. */
export async function startUnit(machine: Machine, name: string): Promise<void> {
  await machine.run(as('root', command('systemctl', 'reset-failed', '--', name)), { answers: [0, 1] });
  await machine.run(as('root', command('systemctl', 'start', '--', name)), { timeoutMs: stopTimeoutMs });
}

async function reload(machine: Machine): Promise<void> {
  await machine.run(as('root', command('systemctl', 'daemon-reload')));
}

function dropInDirectory(name: string): string {
  return `/etc/systemd/system/${name}.d`;
}
