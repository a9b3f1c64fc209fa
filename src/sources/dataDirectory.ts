import { as as asUser, command } from '../machines/command.ts';
import { givingWay } from '../machines/givingWay.ts';
import type { Command, Machine, RunAs } from '../machines/machine.ts';
import { bytesOf, textOf } from '../transfer/entry.ts';
import type { BytePath, Entry, Owner, Page, Tree } from '../transfer/entry.ts';
import { leaves } from '../transfer/listingFindings.ts';
import { inEnglish, rooted, walk, walkWhole } from './directoryWalk.ts';
import type { PrintedPage } from './listingOutput.ts';

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

  async function realPathOf(directory: string, signal: AbortSignal | undefined, missing: '-e' | '-m' = '-e'): Promise<string> {
    return (await machine.run(asUser(user, command('readlink', missing, '--', directory)), signal === undefined ? {} : { signal })).stdout.replace(/\n$/, '');
  }

  /** What a link outside leads to, where it is taken along; the link itself where it is not. */
  async function* followed(waiting: Entry[], signal: AbortSignal | undefined): AsyncGenerator<Page> {
    if (waiting.length === 0) return;
    const media = await Promise.all((place.media ?? []).map((directory) => realPathOf(directory, signal, '-m')));
    const entered = [await realPathOf(place.directory, signal)];
    for (let link = waiting.shift(); link !== undefined; link = waiting.shift()) {
      const from = link;
      const below = `${rooted(place.directory)}${bytesOf(from.path).toString('utf8')}`;
      const real = await realPathOf(below, signal);
      const shunned = isMovedData(from.path) ? entered : [...entered, ...media];
      if (shunned.some((known) => isWithin(real, known) || isWithin(known, real))) {
        yield { mark: null, entries: () => [from] };
        continue;
      }
      entered.push(real);
      const moved = (entry: Entry): Entry => ({ ...entry, path: (entry.path === '' ? from.path : `${from.path}/${entry.path}`) as BytePath });
      // The text of a link may also lead out of the directory that was followed, and only seem to stay inside.
      const isToFollow = (entry: Entry): boolean => leadsOut(moved(entry)) || leadsOut(entry);
      for await (const page of walkWhole(machine, { directory: below, paced, signal })) {
        yield { mark: null, entries: () => sorted(page, { isToFollow, moved, follow: (entry) => waiting.push(entry) }) };
      }
    }
  }

  async function* pages({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Page> {
    const waiting: Entry[] = [];
    const isToFollow = (entry: Entry): boolean => place.followsLinksOut === true && leadsOut(entry);
    for await (const page of walk(machine, { directory: place.directory, paced, signal })) {
      let isContinued = false;
      const follow = (entry: Entry): void => {
        waiting.push(entry);
        isContinued = true;
      };
      yield { mark: page.mark, entries: () => sorted(page, { isToFollow, moved: (entry) => entry, follow }), isContinued: () => isContinued };
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

/** The entries of a page; links to directories that are to be followed are handed on instead. */
function* sorted(page: PrintedPage, options: { readonly isToFollow: (entry: Entry) => boolean; readonly moved: (entry: Entry) => Entry; readonly follow: (entry: Entry) => void }): Generator<Entry> {
  for (const { entry, leadsToDirectory } of page.entries()) {
    if (leadsToDirectory && options.isToFollow(entry)) options.follow(options.moved(entry));
    else yield options.moved(entry);
  }
}

/** The names of entries as `readCommand` wants its list: their bytes, directories with `/.`, each ended by NUL. */
export function namesOf(entries: readonly Entry[]): Buffer {
  // Paths have one character a byte.
  return Buffer.from(entries.map(({ path, type }) => `${path}${type === 'directory' ? '/.' : ''}\0`).join(''), 'latin1');
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
