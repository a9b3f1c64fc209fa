import { hash } from 'node:crypto';
import { bytePath, textOf, type BytePath, type Entry, type PageMark } from '../transfer/entry.ts';

// One record is nine fields, each ended by NUL: the only byte that cannot be part of a name. Of a path only its depth and its last name are
// told: find names a directory before what is in it, and the whole path would make half of all that has to come through the connection.
const fieldsPerEntry = 9;

/** What find is to print of an entry. */
export const listFormat = String.raw`%y\0%Y\0%s\0%T@\0%C@\0%m\0%l\0%d\0%f\0`;

/** Directories with which a page begins: Plex keeps the artwork of each item in a bundle, some dozens of entries. */
export const pageNames = '*.bundle';

/** What find is to print before such a directory: no record has two empty fields in a row, so that none can be taken for it. */
export const pageFormat = String.raw`\0\0%P\0`;

/** The end of a record, and the beginning of a page. */
const betweenPages = Buffer.from('\0\0\0');

/** What is longer than this is told in parts as it comes, so that no listing has to fit into memory, and is read each time. */
const mostPageBytes = 512 * 1024;

/** An entry as listed. */
export interface Listed {
  readonly entry: Entry;
  /** True for a link that leads to a directory, through whatever number of links. */
  readonly leadsToDirectory: boolean;
}

/** Some of a listing as it was printed. Without a mark it has to be read, and before the next is asked for: only then is it told where that lies. */
export interface PrintedPage {
  /** Null where it says nothing by itself: outside all bundles, or too long. */
  readonly mark: PageMark | null;
  entries(): Iterable<Listed>;
}

/**
 * Cuts what find prints in these formats into pages, as it comes. `top` is the path of what it began with, '' for the root of all. Gives back
 * whether it ended behind a whole record: a connection may be lost at any byte.
 */
export async function* pagesOf(output: AsyncIterable<Buffer>, top = ''): AsyncGenerator<PrintedPage, boolean> {
  // As if a record had ended before the first.
  let held: Buffer = betweenPages.subarray(0, 1);
  let searchedBytes = 0;
  let page = pageReader(top, false);
  for await (const chunk of output) {
    held = Buffer.concat([held, chunk]);
    for (let end = held.indexOf(betweenPages, searchedBytes); end !== -1; end = held.indexOf(betweenPages)) {
      yield page.last(held.subarray(1, end + 1));
      page.requireWhole();
      page = pageReader(top, true);
      // The last of the three stands for the end of a record, as at the very first.
      held = held.subarray(end + betweenPages.length - 1);
    }
    searchedBytes = Math.max(0, held.length - betweenPages.length + 1);
    if (held.length <= mostPageBytes) continue;
    yield page.part(held.subarray(1, searchedBytes));
    held = Buffer.concat([betweenPages.subarray(0, 1), held.subarray(searchedBytes)]);
    searchedBytes = 0;
  }
  yield page.last(held.subarray(1));
  return page.isWhole();
}

/** Reads the records of one page. `isNamed`: its directory is told before its first record. */
function pageReader(top: string, isNamed: boolean) {
  let directories: string[] | null = isNamed ? null : [top, top];
  let fields: string[] = [];
  let rest = '';
  let inParts = false;

  function* read(bytes: Buffer): Generator<Listed> {
    const parts = (rest + bytes.toString('latin1')).split('\0');
    rest = parts.pop() ?? '';
    fields = fields.concat(parts);
    if (fields.length === 0) return;
    let used = 0;
    if (directories === null) {
      directories = directoriesTo(fields[0] ?? '', top);
      used = 1;
    }
    const known = directories;
    for (; fields.length - used >= fieldsPerEntry; used += fieldsPerEntry) {
      const record = fields.slice(used, used + fieldsPerEntry);
      yield { entry: entryOf(record, { directories: known, top }), leadsToDirectory: record[0] === 'l' && record[1] === 'd' };
    }
    fields = fields.slice(used);
  }

  const isWhole = (): boolean => rest === '' && fields.length === 0;
  return {
    part(bytes: Buffer): PrintedPage {
      inParts = true;
      return { mark: null, entries: () => read(bytes) };
    },
    last(bytes: Buffer): PrintedPage {
      const nameEnd = bytes.indexOf(0);
      const mark = isNamed && !inParts && nameEnd !== -1 ? { path: joined(top, bytePath(bytes.subarray(0, nameEnd))) as BytePath, digest: hash('sha256', bytes) } : null;
      return { mark, entries: () => read(bytes) };
    },
    isWhole,
    requireWhole() {
      if (!isWhole()) throw unreadable([...fields, rest]);
    },
  };
}

/** What `directories` would hold before a directory is named: those above it. */
function directoriesTo(path: string, top: string): string[] {
  const directories = [top, top];
  for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) directories.push(joined(top, path.slice(0, end)));
  return directories;
}

function joined(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** The entry of a record. `directories`: the one that was named last at each depth, by the depth of what is in it. */
function entryOf(fields: readonly string[], { directories, top }: { readonly directories: string[]; readonly top: string }): Entry {
  const [kind = '', , size = '', modified = '', changed = '', mode = '', link = '', depthText = '', name = ''] = fields;
  const depth = wholeNumber(depthText, fields);
  const parent = directories[depth];
  if (parent === undefined) throw unreadable(fields);
  // What a listing starts from has depth 0, and is named otherwise where it lies.
  const path = depth === 0 ? top : joined(parent, name);
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
