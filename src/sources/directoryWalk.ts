import { PlexliftError } from '../errors.ts';
import { CommandFailed, command } from '../machines/command.ts';
import type { Command, Machine } from '../machines/machine.ts';
import { explainEnding } from '../machines/runToEnd.ts';
import { listFormat, pageFormat, pageNames, pagesOf, type Listed, type PrintedPage } from './listingOutput.ts';
import { forPattern } from './plexProcesses.ts';

/** What is walked, and how. */
export interface Walk {
  /** Absolute. */
  readonly directory: string;
  /** Makes a command that of whom may read it, at the pace it is to have. */
  readonly paced: (inner: Command) => Command;
  readonly signal: AbortSignal | undefined;
}

/** The larger part of what a server has: it is walked by itself beside the rest, since one walker keeps one processor busy and no more. */
const largest = 'Metadata';

// Where it is a directory. As a link it is one entry of the rest, and what it leads to is another tree.
const ifDirectory = 'test -d "$1" && ! test -L "$1" || exit 0; exec find "$@"';

/**
 * Lists everything below a directory in pages, by two walkers at a time; needs GNU find. The pages of both come as they are printed.
 * Throws `failed` where it cannot be listed, or where the two have not seen the same.
 */
export async function* walk(machine: Machine, { directory, paced, signal }: Walk): AsyncGenerator<PrintedPage> {
  const largestPath = `${rooted(directory)}${largest}`;
  const isLargest = ['-name', largest, '-path', forPattern(largestPath)];
  const rest = command('find', rooted(directory), '-mindepth', '1', ...listing(['(', '-name', pageNames, '-o', ...isLargest, ')']), '-type', 'd', ...isLargest, '-prune');
  const beside = command('sh', '-c', ifDirectory, 'sh', largestPath, ...listing(['-name', pageNames]));
  const others = new AbortController();
  const together = AbortSignal.any([others.signal, ...(signal === undefined ? [] : [signal])]);
  const seen = { leftOut: false, entered: false };

  async function* ofRest(): AsyncGenerator<PrintedPage> {
    for await (const page of printed(machine, { listing: paced(inEnglish(rest)), root: directory, top: '', signal: together })) {
      // A page begins with it, which may be known, or too long to have a mark.
      seen.leftOut ||= page.mark?.path === largest;
      yield page.mark !== null ? page : { mark: null, entries: () => lookingForLargest(page, seen) };
    }
  }

  async function* ofLargest(): AsyncGenerator<PrintedPage> {
    for await (const page of printed(machine, { listing: paced(inEnglish(beside)), root: largestPath, top: largest, signal: together })) {
      yield { mark: page.mark, entries: () => withoutTop(page, seen) };
    }
  }

  yield* asTheyCome([ofRest(), ofLargest()], others);
  if (seen.leftOut === seen.entered) return;
  throw new PlexliftError('failed', `Cannot list ${directory} on ${machine.name}: "${largest}" ${seen.entered ? 'came' : 'went'} while it was listed`, { remedy: 'Run the same command again' });
}

/** Lists a directory, itself included (as the path ''), by one walker. */
export function walkWhole(machine: Machine, { directory, paced, signal }: Walk): AsyncGenerator<PrintedPage> {
  const whole = command('find', rooted(directory), '-ignore_readdir_race', '-printf', listFormat);
  return printed(machine, { listing: paced(inEnglish(whole)), root: directory, top: '', signal });
}

/** What find does with an entry: a page begins with each directory for which `isPage` holds. */
function listing(isPage: readonly string[]): readonly string[] {
  return ['-ignore_readdir_race', '(', '-type', 'd', ...isPage, '-printf', pageFormat, '-o', '-true', ')', '-printf', listFormat];
}

function* lookingForLargest(page: PrintedPage, seen: { leftOut: boolean }): Generator<Listed> {
  for (const listed of page.entries()) {
    seen.leftOut ||= listed.entry.path === largest && listed.entry.type === 'directory';
    yield listed;
  }
}

/** The second walker names what it begins with, as the first does: that tells that it was there. */
function* withoutTop(page: PrintedPage, seen: { entered: boolean }): Generator<Listed> {
  for (const listed of page.entries()) {
    if (listed.entry.path === largest) seen.entered = true;
    else yield listed;
  }
}

async function* printed(machine: Machine, { listing: find, root, top, signal }: { readonly listing: Command; readonly root: string; readonly top: string; readonly signal: AbortSignal | undefined }): AsyncGenerator<PrintedPage> {
  signal?.throwIfAborted();
  const process = machine.open(find, signal === undefined ? {} : { signal });
  process.stdin.end();
  let finished = false;
  let isWhole: boolean;
  try {
    isWhole = yield* pagesOf(process.stdout, top);
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
  throw new CommandFailed({ machine: machine.name, command: find, exitCode: ending.exitCode, reason, stderr: ending.stderrTail }, remedy);
}

/** What several give, as it comes: of each the next only when the one before was dealt with. Where one fails, or nobody wants more, `others` ends all. */
async function* asTheyCome<Item>(several: readonly AsyncGenerator<Item>[], others: AbortController): AsyncGenerator<Item> {
  const next = (from: AsyncGenerator<Item>) => from.next().then((result) => ({ from, result }));
  const awaited = new Map(several.map((from) => [from, next(from)]));
  try {
    while (awaited.size > 0) {
      const { from, result } = await Promise.race(awaited.values());
      if (result.done === true) {
        awaited.delete(from);
        continue;
      }
      yield result.value;
      awaited.set(from, next(from));
    }
  } finally {
    others.abort();
    await Promise.allSettled(awaited.values());
    await Promise.allSettled(Array.from(awaited.keys(), (from) => from.return(undefined)));
  }
}

// Directories may vanish between being listed and being entered while a server runs; the root may not.
function onlyVanished(stderr: string, directory: string): boolean {
  const lines = stderr.split('\n').filter((line) => line !== '');
  const isRoot = (line: string): boolean => line === `find: '${rooted(directory)}': No such file or directory` || line === `find: '${directory}': No such file or directory`;
  return lines.length > 0 && lines.every((line) => line.startsWith('find: ') && line.endsWith(': No such file or directory') && !isRoot(line));
}

/** With a slash at its end, a root that is a link is followed. */
export function rooted(directory: string): string {
  return directory.endsWith('/') ? directory : `${directory}/`;
}

/** A command whose messages are those that are looked for here. */
export function inEnglish(inner: Command): Command {
  return { ...inner, environment: { ...inner.environment, LC_ALL: 'C' } };
}
