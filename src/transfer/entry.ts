import type { Process } from '../machines/machine.ts';

declare const bytes: unique symbol;

/**
 * A path as its bytes: one character a byte (latin1), so that names that are no valid UTF-8 survive, equal strings mean equal bytes,
 * and sorting by string is sorting by byte. Relative to the data directory, without a leading `./`.
 */
export type BytePath = string & { readonly [bytes]: true };

/** A path from its raw bytes. */
export function bytePath(raw: Uint8Array): BytePath {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1') as BytePath;
}

/** A path from ordinary text. */
export function bytePathOfText(text: string): BytePath {
  return bytePath(Buffer.from(text, 'utf8'));
}

/** The raw bytes of a path. */
export function bytesOf(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** A path for people to read: bytes that are no UTF-8, and control characters, are shown as `\xNN`. */
export function textOf(path: BytePath): string {
  const decoded = bytesOf(path).toString('utf8');
  const readable = decoded.includes('\uFFFD') ? path.replace(/[\u0080-\u00ff]/g, hexEscape) : decoded;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return readable.replace(/[\u0000-\u001f\u007f]/g, hexEscape);
}

function hexEscape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** One thing in a directory tree, as listed. */
export interface Entry {
  readonly path: BytePath;
  /** `other` is a socket, pipe or device: listed, never sent. */
  readonly type: 'file' | 'directory' | 'link' | 'other';
  readonly sizeBytes: number;
  readonly modifiedAtSeconds: number;
  /** Inode change time with its fraction, as the lister printed it: compared for equality only. */
  readonly changedAt: string;
  /** Permission bits, e.g. 0o644. */
  readonly mode: number;
  readonly linkTarget?: BytePath;
  /** Whom it belongs to, as `uid:gid`; told only of what is read back. */
  readonly belongsTo?: string;
}

/** By which a page of a listing is known again: the directory that it begins with, and a digest (hex) of all that it says. */
export interface PageMark {
  readonly path: BytePath;
  readonly digest: string;
}

/** Some entries that were listed together. Without a mark it has to be read, and each page before the next is asked for. */
export interface Page {
  /** Pages of one tree with equal marks hold the same entries, all attributes included. Null where nothing is promised. */
  readonly mark: PageMark | null;
  entries(): Iterable<Entry>;
  /** To be asked when all was read: true where some of it is told by a page that follows, so that the mark stands for less than it seems. */
  readonly isContinued?: () => boolean;
}

/** A directory tree that can be listed and read as tar: a source's data directory, or a staged folder on this machine. */
export interface Tree {
  /** How people call it in messages. */
  readonly name: string;
  /** The same as `list`, in pages; those that are known already need not be read. Absent where a tree has none. */
  readonly pages?: (options?: { readonly signal?: AbortSignal }) => AsyncIterable<Page>;
  /** Every entry below the root (not the root itself), in no particular order. */
  list(options?: { readonly signal?: AbortSignal }): AsyncIterable<Entry>;
  /** One tar (GNU format, owner and group as given) of exactly these entries in exactly this order, on the standard output. */
  read(entries: readonly Entry[], owner: Owner): Process;
}

/** What a tree lists, in pages. */
export async function* pagesIn(tree: Pick<Tree, 'list' | 'pages'>, signal?: AbortSignal): AsyncGenerator<Page> {
  const options = signal === undefined ? {} : { signal };
  if (tree.pages !== undefined) yield* tree.pages(options);
  else for await (const entry of tree.list(options)) yield { mark: null, entries: () => [entry] };
}

/** Who owns what arrives: the uid and gid that Plex runs as on the target. */
export type Owner = {
  readonly uid: number;
  readonly gid: number;
};
