import { as, command } from '../machines/command.ts';
import type { Machine, RunAs } from '../machines/machine.ts';
import { preferencesFile } from '../plex/dataDirectory.ts';
import { readPreferences } from '../plex/preferences.ts';
import { placeOf } from '../transfer/leftBehind.ts';
import type { Tree } from '../transfer/entry.ts';
import type { CopyTool } from './onlineCopy.ts';

/** The identity of a server as its Preferences.xml has it. */
export interface StoredIdentity {
  readonly machineIdentifier: string | null;
  readonly processedMachineIdentifier: string | null;
  readonly friendlyName: string | null;
}

/** Reads the identity from a data directory; no other setting leaves this function. Throws when the file is missing or no XML. */
export async function storedIdentity(machine: Machine, { directory, user }: { readonly directory: string; readonly user: RunAs }): Promise<StoredIdentity> {
  const { stdout } = await machine.run(as(user, command('cat', '--', `${directory}/${preferencesFile}`)));
  const preferences = readPreferences(Buffer.from(stdout));
  return {
    machineIdentifier: preferences.get('MachineIdentifier'),
    processedMachineIdentifier: preferences.get('ProcessedMachineIdentifier'),
    friendlyName: preferences.get('FriendlyName'),
  };
}

/** How much of a tree is bulk: neither left behind, nor part of the catalogue. */
export async function bulkOf(tree: Tree): Promise<{ readonly bulkBytes: number; readonly bulkEntries: number }> {
  let bulkBytes = 0;
  let bulkEntries = 0;
  for await (const entry of tree.list()) {
    if (placeOf(entry.path).kind !== 'bulk') continue;
    bulkEntries += 1;
    if (entry.type === 'file') bulkBytes += entry.sizeBytes;
  }
  return { bulkBytes, bulkEntries };
}

/** Bytes free for scratch files: the roomier of /var/tmp and /tmp. */
export async function scratchFreeBytes(machine: Machine): Promise<number> {
  const { stdout } = await machine.run(command('df', '--block-size=1', '--output=avail', '/var/tmp', '/tmp'));
  return Math.max(...stdout.split('\n').map((line) => line.trim()).filter((line) => /^\d+$/.test(line)).map(Number));
}

/** Seconds by which the machine's clock is ahead of ours; half the round trip is taken off. */
export async function clockSkewSeconds(machine: Machine): Promise<number> {
  const before = Date.now();
  const { stdout } = await machine.run(command('date', '+%s.%N'));
  const middle = (before + Date.now()) / 2000;
  // Adding zero makes minus zero, which JSON does not have, plain zero.
  return Math.round((Number(stdout.trim()) - middle) * 10) / 10 + 0;
}

/** The zone in which a machine's clock runs, by name; null where its rules are a file without one. */
export async function timeZoneOf(machine: Machine): Promise<string | null> {
  const { stdout } = await machine.run(command('sh', '-c', 'if [ -e /etc/localtime ]; then readlink -f /etc/localtime; cat /etc/timezone 2>/dev/null; else echo /zoneinfo/UTC; fi; true'));
  const [link = '', named = ''] = stdout.split('\n');
  return /\/zoneinfo\/(.+)$/.exec(link)?.[1] ?? (named === '' ? null : named);
}

/** The most memory that each process has held so far, added up; null where none of them runs any more. */
export async function memoryPeakBytes(machine: Machine, processIds: readonly number[]): Promise<number | null> {
  const statuses = processIds.map((id) => `/proc/${id}/status`);
  if (statuses.length === 0) return null;
  // A process that ended in the meantime is no error.
  const { stdout } = await machine.run(as('root', command('sed', '-n', String.raw`s/^VmHWM:[[:space:]]*\([0-9]*\) kB$/\1/p`, ...statuses)), { answers: [0, 2] });
  const peaks = stdout.split('\n').filter((line) => line !== '').map(Number);
  return peaks.length === 0 ? null : peaks.reduce((sum, kibibytes) => sum + kibibytes, 0) * 1024;
}

/** The first line that each program says of its version; those that are not there are left out. */
export async function toolVersions(machine: Machine, names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const script = 'for name do said=$("$name" --version 2>/dev/null </dev/null | head -n 1) && [ -n "$said" ] && printf "%s\\t%s\\n" "$name" "$said"; done; true';
  const { stdout } = await machine.run(command('sh', '-c', script, 'sh', ...names));
  return Object.fromEntries(stdout.split('\n').filter((line) => line.includes('\t')).map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)] as const));
}

/** Picks what copies databases in use: Python 3.7 or newer, Plex's own SQLite, or sqlite3; null where none is there. */
export async function findCopyTool(machine: Machine, { ownSqlite }: { readonly ownSqlite: string | null }): Promise<CopyTool | null> {
  const python = await machine.run(command('python3', '-c', 'import json, sqlite3; sqlite3.Connection.backup'), { answers: [0, 1, 127] });
  if (python.exitCode === 0) return { kind: 'python' };
  if (ownSqlite !== null) return { kind: 'sqlite', program: ownSqlite };
  const sqlite = await machine.run(command('sqlite3', '--version'), { answers: [0, 127] });
  return sqlite.exitCode === 0 ? { kind: 'sqlite', program: 'sqlite3' } : null;
}

/** Size and SHA-256 of the first bytes of a file as `user` sees it; null when it is not there. Throws when it cannot be read. */
export async function sampleFile(machine: Machine, path: string, { firstBytes, user }: { readonly firstBytes: number; readonly user: RunAs }): Promise<{ readonly sizeBytes: number; readonly sha256: string } | null> {
  // The inner kill is what makes a failed read fail: a shell knows only how the last program of a pipe ended.
  const script = 'size=$(stat -L -c %s -- "$1") || exit 3; exec 3<"$1" || exit 4; printf "%s " "$size"; { head -c "$2" <&3 || kill $$; } | sha256sum';
  const reading = { ...command('sh', '-c', script, 'sh', path, String(firstBytes)), environment: { LC_ALL: 'C' } };
  const result = await machine.run(as(user, reading), { answers: [0, 3] });
  if (result.exitCode === 3) {
    if (/No such file or directory|Not a directory/.test(result.stderr)) return null;
    throw new Error(`Cannot look at "${path}" on ${machine.name}: ${result.stderr.trim()}`);
  }
  const match = /^(\d+) ([0-9a-f]{64}) /.exec(result.stdout);
  if (match === null) throw new Error(`Cannot read the sample of "${path}" on ${machine.name}: "${result.stdout}"`);
  return { sizeBytes: Number(match[1]), sha256: match[2] ?? '' };
}
