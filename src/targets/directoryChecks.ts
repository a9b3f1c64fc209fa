import { posix } from 'node:path';
import { messageOf } from '../errors.ts';
import { command } from '../machines/command.ts';
import type { Machine } from '../machines/machine.ts';
import { isNetworkFileSystem } from '../plex/fileSystems.ts';
import type { Check, Finding } from '../runner/check.ts';
import { gateTools, type GateTool } from './gate/gateTools.ts';
import type { Room } from './target.ts';

/** What the checks of a directory target look at. */
export interface DirectoryChecksOptions {
  readonly directory: string;
  readonly sourceDirectory?: string;
  room(): Promise<Room>;
}

const foreignFileSystems = /^(vfat|msdos|exfat|ntfs\d?|fuseblk)$/;

/** Claims about a directory that is to receive a library. */
export function directoryChecks(machine: Machine, options: DirectoryChecksOptions): readonly Check[] {
  const { directory } = options;
  return [
    { name: 'target-directory-writable', claim: `"${directory}" can be written to`, run: () => writable(machine, directory) },
    { name: 'target-tools', claim: `${machine.name} has the GNU tools that receiving needs`, run: () => hasTools(machine) },
    { name: 'directory-file-system', claim: `"${directory}" is on a file system that suits a library`, run: () => suits(options) },
    { name: 'directory-not-inside-source', claim: `"${directory}" is apart from the source's data directory`, run: () => apart(machine, options) },
  ];
}

async function writable(machine: Machine, directory: string): Promise<Finding> {
  const remedy = 'Choose another directory, or give yourself the right to write there';
  if (!directory.startsWith('/')) return { status: 'fail', detail: `"${directory}" is no absolute path`, remedy };
  let place = directory;
  while (!(await holds(machine, ['-e', place])) && place !== '/') place = posix.dirname(place);
  if (!(await holds(machine, ['-d', place]))) return { status: 'fail', detail: `"${place}" is no directory`, remedy };
  if (!(await holds(machine, ['-w', place]))) return { status: 'fail', detail: `"${place}" cannot be written to`, remedy };
  return { status: 'pass', detail: place === directory ? 'It exists and can be written to' : `It will be made in "${place}"` };
}

async function holds(machine: Machine, test: readonly string[]): Promise<boolean> {
  return (await machine.run(command('test', ...test), { answers: [0, 1] })).exitCode === 0;
}

async function hasTools(machine: Machine): Promise<Finding> {
  const versions = await Promise.all(gateTools.filter(({ onlyInPod }) => onlyInPod !== true).map((tool) => versionOf(machine, tool)));
  const wrong = versions.filter((version) => !version.usable);
  if (wrong.length === 0) return { status: 'pass', detail: versions.map((version) => version.line).join(', ') };
  return {
    status: 'fail',
    detail: wrong.map(({ program, line }) => `"${program}": ${line}`).join('; '),
    remedy: 'Install GNU tar, findutils, sed, grep and coreutils, and util-linux, and put them first in PATH',
  };
}

async function versionOf(machine: Machine, tool: GateTool): Promise<{ readonly program: string; readonly usable: boolean; readonly line: string }> {
  try {
    const { stdout } = await machine.run(command(tool.name, '--version'));
    return { program: tool.name, usable: tool.says.test(stdout), line: stdout.split('\n')[0] ?? '' };
  } catch (thrown) {
    return { program: tool.name, usable: false, line: messageOf(thrown) };
  }
}

async function suits(options: DirectoryChecksOptions): Promise<Finding> {
  const { fileSystem } = await options.room();
  if (foreignFileSystems.test(fileSystem)) {
    return { status: 'fail', detail: `It is on ${fileSystem}, which keeps no links, owners and modes`, remedy: 'Choose a directory on ext4, xfs, btrfs or zfs' };
  }
  if (isNetworkFileSystem(fileSystem)) {
    return { status: 'warn', detail: `It is on ${fileSystem}, where databases are damaged by lost locks`, remedy: 'Choose a directory on a local disk if Plex shall run from it' };
  }
  return { status: 'pass', detail: `It is on ${fileSystem}` };
}

async function apart(machine: Machine, options: DirectoryChecksOptions): Promise<Finding> {
  if (options.sourceDirectory === undefined) return { status: 'skip', reason: 'The source is on another machine' };
  const [target = '', source = ''] = await Promise.all([options.directory, options.sourceDirectory].map((path) => realPath(machine, path)));
  if (!isBelow(target, source) && !isBelow(source, target)) return { status: 'pass', detail: `The source is "${source}"` };
  return { status: 'fail', detail: `"${target}" and the source "${source}" lie within each other`, remedy: 'Choose a directory outside the source: nothing is ever written there' };
}

async function realPath(machine: Machine, path: string): Promise<string> {
  return (await machine.run(command('realpath', '-m', '--', path))).stdout.replace(/\n$/, '');
}

function isBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(above === '/' ? '/' : `${above}/`);
}
