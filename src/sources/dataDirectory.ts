import { PlexliftError } from '../errors.ts';
import { as as asUser, CommandFailed, command } from '../machines/command.ts';
import { givingWay } from '../machines/givingWay.ts';
import type { Command, Machine, RunAs } from '../machines/machine.ts';
import { explainEnding } from '../machines/runToEnd.ts';
import { bytesOf, textOf } from '../transfer/entry.ts';
import type { BytePath, Entry, Owner, Page, Tree } from '../transfer/entry.ts';
import { leaves } from '../transfer/listingFindings.ts';
import { listFormat, pageFormat, pageNames, pagesOf, type PrintedPage } from './listingOutput.ts';

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

/** The command that lists everything below a directory in pages; needs GNU find. */
export function listCommand(directory: string): Command {
  const isNoPage = ['-o', '-true'];
  return findCommand(directory, '-mindepth', '1', '-ignore_readdir_race', '(', '-type', 'd', '-name', pageNames, '-printf', pageFormat, ...isNoPage, ')', '-printf', listFormat);
}

/** The same of a directory that a link leads to, itself included, and in one piece. */
function followedListCommand(directory: string): Command {
  return findCommand(directory, '-ignore_readdir_race', '-printf', listFormat);
}

function findCommand(directory: string, ...expression: readonly string[]): Command {
  return inEnglish(command('find', rooted(directory), ...expression));
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

  async function* listed(listing: Command, root: string, signal: AbortSignal | undefined): AsyncGenerator<PrintedPage> {
    signal?.throwIfAborted();
    const process = machine.open(listing, signal === undefined ? {} : { signal });
    process.stdin.end();
    let finished = false;
    let isWhole: boolean;
    try {
      isWhole = yield* pagesOf(process.stdout);
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

  /** What a link outside leads to, where it is taken along; the link itself where it is not. */
  async function* followed(waiting: Entry[], signal: AbortSignal | undefined): AsyncGenerator<Page> {
    if (waiting.length === 0) return;
    const media = await Promise.all((place.media ?? []).map((directory) => realPathOf(directory, '-m')));
    const entered = [await realPathOf(place.directory)];
    for (let link = waiting.shift(); link !== undefined; link = waiting.shift()) {
      const from = link;
      const below = `${rooted(place.directory)}${bytesOf(from.path).toString('utf8')}`;
      const real = await realPathOf(below);
      const shunned = isMovedData(from.path) ? entered : [...entered, ...media];
      if (shunned.some((known) => isWithin(real, known) || isWithin(known, real))) {
        yield { mark: null, entries: () => [from] };
        continue;
      }
      entered.push(real);
      const moved = (entry: Entry): Entry => ({ ...entry, path: (entry.path === '' ? from.path : `${from.path}/${entry.path}`) as BytePath });
      for await (const page of listed(paced(followedListCommand(below)), below, signal)) {
        // The text of a link may also lead out of the directory that was followed, and only seem to stay inside.
        yield { mark: null, entries: () => sorted(page, { waiting, moved, isToFollow: (entry) => leadsOut(moved(entry)) || leadsOut(entry) }) };
      }
    }
  }

  async function* pages({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Page> {
    const waiting: Entry[] = [];
    const isToFollow = (entry: Entry): boolean => place.followsLinksOut === true && leadsOut(entry);
    for await (const page of listed(paced(listCommand(place.directory)), place.directory, signal)) {
      const waitingBefore = waiting.length;
      yield { mark: page.mark, entries: () => sorted(page, { waiting, moved: (entry) => entry, isToFollow }), isContinued: () => waiting.length > waitingBefore };
    }
    yield* followed(waiting, signal);
  }

  return {
    name: `${place.directory} on ${machine.name}`,
    pages,
    async *list(options) {
      for await (const page of pages(options)) yield* page.entries();
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

/** The entries of a page; links to directories that are to be followed wait for that instead. */
function* sorted(page: PrintedPage, options: { readonly waiting: Entry[]; readonly moved: (entry: Entry) => Entry; readonly isToFollow: (entry: Entry) => boolean }): Generator<Entry> {
  for (const { entry, leadsToDirectory } of page.entries()) {
    if (leadsToDirectory && options.isToFollow(entry)) options.waiting.push(options.moved(entry));
    else yield options.moved(entry);
  }
}

/** The names of entries as `readCommand` wants its list: their bytes, directories with `/.`, each ended by NUL. */
export function namesOf(entries: readonly Entry[]): Buffer {
  return Buffer.concat(entries.flatMap(({ path, type }) => [bytesOf(path), Buffer.from(type === 'directory' ? '/.\0' : '\0')]));
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
