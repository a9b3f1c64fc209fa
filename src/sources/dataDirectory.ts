import { PlexliftError } from '../errors.ts';
import { as as asUser, CommandFailed, command } from '../machines/command.ts';
import { givingWay } from '../machines/givingWay.ts';
import type { Command, Machine, RunAs } from '../machines/machine.ts';
import { explainEnding } from '../machines/runToEnd.ts';
import { bytesOf, textOf } from '../transfer/entry.ts';
import { leaves } from '../transfer/listing.ts';
import type { BytePath, Entry, Owner, Tree } from '../transfer/entry.ts';

/** Where a tree lies, and who may read all of it. */
export interface TreePlace {
  /** Absolute. */
  readonly directory: string;
  /** Default: the user one logs in as. */
  readonly as?: RunAs;
  /**
   * True where a link to a directory outside (Metadata on another disk) is listed and read as that directory, once: as a link it would
   * lead nowhere where it arrives. Links to files, and links that lead back in, stay links.
   */
  readonly followsLinksOut?: boolean;
  /**
   * Directories of media, absolute: a link that leads into one, or to one that holds it, is not followed, since media are not part of the
   * data. Only a directory at the top, or one of artwork, may have been moved there.
   */
  readonly media?: readonly string[];
  /** True where it is read beside a server that people use: listing and reading then give way to everything else there. */
  readonly givesWay?: boolean;
}

// One record is nine fields, each ended by NUL: the only byte that cannot be part of a name. Of a path only its depth and its last name are
// told: find names a directory before what is in it, and the whole path would make half of all that has to come through the connection.
const fieldsPerEntry = 9;
const listFormat = String.raw`%y\0%Y\0%s\0%T@\0%C@\0%m\0%l\0%d\0%f\0`;

/** The command that lists everything below a directory, and the directory itself where `mindepth` is 0; needs GNU find. */
export function listCommand(directory: string, mindepth: 0 | 1 = 1): Command {
  return inEnglish(command('find', rooted(directory), '-mindepth', String(mindepth), '-ignore_readdir_race', '-printf', listFormat));
}

/** The command that makes one tar of the paths on its standard input, each ended by NUL; needs GNU tar 1.29 or newer. */
export function readCommand(directory: string, owner: Owner): Command {
  return inEnglish(
    command(
      // Names are taken as they are: not as options, patterns or escapes. Hard links become files of their own, since their other name may lie in another segment.
      'tar', '--create', '--format=gnu', '--null', '--verbatim-files-from', '--no-unquote', '--no-recursion', '--hard-dereference',
      // A directory is named "path/." in the list, which also names the directory that a followed link leads to, and "path" in the tar.
      String.raw`--transform=flags=rSH;s,/\.$,,`,
      '--numeric-owner', `--owner=:${owner.uid}`, `--group=:${owner.gid}`, `--directory=${rooted(directory)}`, '--files-from=-',
    ),
  );
}

/** A directory of a machine as a tree. Names are bytes: line breaks and invalid UTF-8 survive. */
export function localTree(machine: Machine, place: TreePlace): Tree {
  const user = place.as ?? 'login';
  const paced = (inner: Command): Command => asUser(user, place.givesWay === true ? givingWay(inner) : inner);

  async function* listed(listing: Command, root: string, signal: AbortSignal | undefined): AsyncGenerator<Listed> {
    signal?.throwIfAborted();
    const process = machine.open(listing, signal === undefined ? {} : { signal });
    process.stdin.end();
    let finished = false;
    let isWhole: boolean;
    try {
      isWhole = yield* entriesOf(process.stdout);
      finished = true;
    } finally {
      if (!finished) process.kill();
    }
    const ending = await process.ended;
    signal?.throwIfAborted();
    if (ending.exitCode === 0 || (ending.exitCode === 1 && onlyVanished(ending.stderrTail, root))) {
      if (isWhole) return;
      throw new PlexliftError('failed', `Cannot list ${root} on ${machine.name}: the listing was cut off on its way`, { remedy: 'Run the same command again' });
    }
    const { reason, remedy } = explainEnding('find', { machine: machine.name, ending });
    throw new CommandFailed({ machine: machine.name, command: listing, exitCode: ending.exitCode, reason, stderr: ending.stderrTail }, remedy);
  }

  async function realPathOf(directory: string, missing: '-e' | '-m' = '-e'): Promise<string> {
    return (await machine.run(asUser(user, command('readlink', missing, '--', directory)))).stdout.replace(/\n$/, '');
  }

  return {
    name: `${place.directory} on ${machine.name}`,
    async *list({ signal } = {}) {
      const waiting: Entry[] = [];
      for await (const { entry, leadsToDirectory } of listed(paced(listCommand(place.directory)), place.directory, signal)) {
        if (leadsToDirectory && place.followsLinksOut === true && leadsOut(entry)) waiting.push(entry);
        else yield entry;
      }
      if (waiting.length === 0) return;
      const media = await Promise.all((place.media ?? []).map((directory) => realPathOf(directory, '-m')));
      const entered = [await realPathOf(place.directory)];
      for (let link = waiting.shift(); link !== undefined; link = waiting.shift()) {
        const below = `${rooted(place.directory)}${bytesOf(link.path).toString('utf8')}`;
        const real = await realPathOf(below);
        const shunned = isMovedData(link.path) ? entered : [...entered, ...media];
        if (shunned.some((known) => isWithin(real, known) || isWithin(known, real))) {
          yield link;
          continue;
        }
        entered.push(real);
        for await (const { entry, leadsToDirectory } of listed(paced(listCommand(below, 0)), below, signal)) {
          const moved: Entry = { ...entry, path: (entry.path === '' ? link.path : `${link.path}/${entry.path}`) as BytePath };
          // Its text may also lead out of the directory that was followed, and only seem to stay inside.
          if (leadsToDirectory && (leadsOut(moved) || leadsOut(entry))) waiting.push(moved);
          else yield moved;
        }
      }
    },
    read(entries, owner) {
      const unsendable = entries.find(({ type }) => type === 'other');
      if (unsendable !== undefined) throw new Error(`Cannot read "${textOf(unsendable.path)}" as tar: it is a socket, pipe or device`);
      const process = machine.open(paced(readCommand(place.directory, owner)));
      process.stdin.end(namesOf(entries));
      // What tar says about "path/." is said about the entry "path".
      const ended = process.ended.then((ending) => ({ ...ending, stderrTail: ending.stderrTail.replace(/\/\.(?=: )/g, '') }));
      return { ...process, ended };
    },
  };
}

/** The names of entries as `readCommand` wants its list: their bytes, directories with `/.`, each ended by NUL. */
export function namesOf(entries: readonly Entry[]): Buffer {
  return Buffer.concat(entries.flatMap(({ path, type }) => [bytesOf(path), Buffer.from(type === 'directory' ? '/.\0' : '\0')]));
}

/** An entry as listed. */
export interface Listed {
  readonly entry: Entry;
  /** True for a link that leads to a directory, through whatever number of links. */
  readonly leadsToDirectory: boolean;
}

/** Entries from the output of `listCommand`, as it comes. Gives back whether it ended behind a whole record: a connection may be lost at any byte. */
export async function* entriesOf(output: AsyncIterable<Buffer>): AsyncGenerator<Listed, boolean> {
  let rest = '';
  let fields: string[] = [];
  const directories: string[] = [];
  for await (const chunk of output) {
    const parts = (rest + chunk.toString('latin1')).split('\0');
    rest = parts.pop() ?? '';
    fields = fields.concat(parts);
    let used = 0;
    while (fields.length - used >= fieldsPerEntry) {
      const record = fields.slice(used, used + fieldsPerEntry);
      yield { entry: entryOf(record, directories), leadsToDirectory: record[0] === 'l' && record[1] === 'd' };
      used += fieldsPerEntry;
    }
    fields = fields.slice(used);
  }
  return rest === '' && fields.length === 0;
}

/** The entry of a record. `directories`: the one that was named last at each depth, by the depth of what is in it. */
function entryOf(fields: readonly string[], directories: string[]): Entry {
  const [kind = '', , size = '', modified = '', changed = '', mode = '', link = '', depthText = '', name = ''] = fields;
  const depth = wholeNumber(depthText, fields);
  const path = pathOf(name, { depth, parent: directories[depth] });
  if (path === null) throw unreadable(fields);
  if (kind === 'd') {
    directories.length = depth + 1;
    directories.push(path);
  }
  const entry = {
    path: path as BytePath,
    sizeBytes: wholeNumber(size, fields),
    modifiedAtSeconds: wholeSeconds(modified, fields),
    changedAt: changed,
    mode: Number.parseInt(mode, 8),
  };
  if (Number.isNaN(entry.mode)) throw unreadable(fields);
  switch (kind) {
    case 'f':
      return { ...entry, type: 'file' };
    case 'd':
      return { ...entry, type: 'directory' };
    case 'l':
      return { ...entry, type: 'link', linkTarget: link as BytePath };
    case 'p':
    case 's':
    case 'b':
    case 'c':
      return { ...entry, type: 'other' };
    default:
      throw unreadable(fields);
  }
}

// What a listing starts from has depth 0, and no name of its own; what is in it has the depth 1, and a parent only where that was listed too.
function pathOf(name: string, { depth, parent }: { readonly depth: number; readonly parent: string | undefined }): string | null {
  if (depth === 0) return '';
  if (depth === 1 || parent === '') return name;
  return parent === undefined ? null : `${parent}/${name}`;
}

// find prints the second that had begun and, after the point, how far it went: "-2.5" is half a second after -2. As a number, .999999999
// of a second would be rounded up to the next.
function wholeSeconds(text: string, fields: readonly string[]): number {
  return wholeNumber(/^(-?\d+)(?:\.\d+)?$/.exec(text)?.[1] ?? '', fields);
}

function wholeNumber(text: string, fields: readonly string[]): number {
  const value = Number(text);
  if (text === '' || !Number.isSafeInteger(value)) throw unreadable(fields);
  return value;
}

function unreadable(fields: readonly string[]): Error {
  return new Error(`Cannot read the listing of a directory: "${fields.map((field) => textOf(field as BytePath)).join(' ')}" is no record`);
}

// Where a link leads is judged by its text, as it would be where it arrives. Names that are no UTF-8 cannot be handed to find: those stay links.
function leadsOut({ path, linkTarget }: Entry): boolean {
  return linkTarget !== undefined && !bytesOf(path).toString('utf8').includes('\uFFFD') && leaves(path, linkTarget);
}

// What people move to another disk: a whole directory of the data, or parts of the artwork.
function isMovedData(path: string): boolean {
  return !path.includes('/') || /^(Metadata|Media)\//.test(path);
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(rooted(directory));
}

// Directories may vanish between being listed and being entered while a server runs; the root may not.
function onlyVanished(stderr: string, directory: string): boolean {
  const lines = stderr.split('\n').filter((line) => line !== '');
  return lines.length > 0 && lines.every((line) => line.startsWith('find: ') && line.endsWith(': No such file or directory') && line !== `find: '${rooted(directory)}': No such file or directory`);
}

// With a slash at its end, a root that is a link is followed.
function rooted(directory: string): string {
  return directory.endsWith('/') ? directory : `${directory}/`;
}

function inEnglish(inner: Command): Command {
  return { ...inner, environment: { ...inner.environment, LC_ALL: 'C' } };
}
