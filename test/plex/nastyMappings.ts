import * as fc from 'fast-check';
import { isLong } from '../long.ts';
import type { MappingPair } from '../../src/plex/pathMapping.ts';

/** How a property is tried: with a fixed seed in every run, with one of its own (told when it fails) in the full one. */
export function tries(few: number, many: number): { readonly numRuns: number; readonly seed?: number } {
  return isLong ? { numRuns: many } : { numRuns: few, seed: 20_261_123 };
}

// Few names, so that directories of different pairs contain, continue and resemble each other all the time.
const name = fc.constantFrom('a', 'b', 'ab', 'a b', 'a%', '%20', 'a%20b', '_', 'é', 'e\u0301', '🎬', "it's");
const directory = fc.array(name, { minLength: 0, maxLength: 3 }).map((names) => `/${names.join('/')}`);
const withSlashes = fc.tuple(directory, fc.constantFrom('', '', '', '/')).map(([path, slashes]) => path + slashes);

/** Pairs with nested, swapped and chained directories, the root on either side, targets that are shared or lie in a `from`. */
export const nastyPairs: fc.Arbitrary<readonly MappingPair[]> = fc
  .oneof(
    { weight: 4, arbitrary: fc.array(fc.record({ from: withSlashes, to: withSlashes }), { minLength: 1, maxLength: 5 }) },
    { weight: 1, arbitrary: fc.tuple(directory, directory).map(([one, other]) => [{ from: one, to: other }, { from: other, to: one }]) },
    { weight: 1, arbitrary: fc.tuple(directory, directory, directory).map(([one, two, three]) => [{ from: one, to: two }, { from: two, to: three }]) },
    { weight: 1, arbitrary: fc.tuple(directory, name, directory, directory).map(([one, below, two, three]) => [{ from: one, to: two }, { from: `${one === '/' ? '' : one}/${below}`, to: three }]) },
  )
  .map((pairs) => pairs.filter(({ from }, place) => pairs.findIndex((pair) => bare(pair.from) === bare(from)) === place));

const piece = fc.oneof(
  { weight: 6, arbitrary: name.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: fc.constantFrom('', '.', '%', '%2', '%2%20', '\\', 'C:', 'x'.repeat(300)).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
);
const tail = fc.array(piece, { maxLength: 4 }).map((pieces) => Buffer.concat(pieces.flatMap((bytes) => [Buffer.from('/'), bytes])));

/** Any bytes that could stand where a path does, most of them in or near a directory of the pairs. */
export function nastyPath(pairs: readonly MappingPair[]): fc.Arbitrary<Buffer> {
  const near = fc.tuple(fc.constantFrom(...pairs.flatMap(({ from, to }) => [from, from, to])), fc.constantFrom('', '', '', '', 'b', '/'), tail).map(([start, more, end]) => Buffer.concat([Buffer.from(bare(start) + more), end]));
  return fc.oneof({ weight: 6, arbitrary: near }, { weight: 2, arbitrary: tail }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)) });
}

/** Any bytes that could stand where a URL does: raw, escaped, of another scheme, or nothing of the sort. */
export function nastyUrl(pairs: readonly MappingPair[]): fc.Arbitrary<Buffer> {
  const scheme = fc.constantFrom('file://', 'file://', 'file://', 'file://', 'file:/', 'FILE://', 'blob://', '');
  return fc.tuple(scheme, nastyPath(pairs), fc.boolean()).map(([start, path, escaped]) => Buffer.concat([Buffer.from(start), escaped ? escape(path) : path]));
}

/** The mapping said once more, with strings of one character a byte; null where no pair has the path. */
export function naivePath(pairs: readonly MappingPair[], path: Buffer): Buffer | null {
  const text = path.toString('latin1');
  const above = pairs.filter(({ from }) => text !== '' && `${text}/`.startsWith(`${latin1(bare(from))}/`)).toSorted((left, right) => bare(right.from).length - bare(left.from).length);
  const [pair] = above;
  if (pair === undefined) return null;
  // The root itself is "/", and ends in no further slash.
  const rest = text === '/' && bare(pair.from) === '' ? '' : text.slice(latin1(bare(pair.from)).length);
  const moved = latin1(bare(pair.to)) + rest;
  return Buffer.from(moved === '' ? '/' : moved, 'latin1');
}

/** The same for a URL, by way of the path it names. */
export function naiveUrl(pairs: readonly MappingPair[], url: Buffer): Buffer | null {
  const path = /^file:\/\/(\/[^]*)$/.exec(url.toString('latin1'))?.[1];
  if (path === undefined) return null;
  const isEscaped = !/ |%(?!2[05])/.test(path);
  const bytes = Buffer.from(path, 'latin1');
  const moved = naivePath(pairs, isEscaped ? unescape(bytes) : bytes);
  return moved === null ? null : Buffer.concat([Buffer.from('file://'), isEscaped ? escape(moved) : moved]);
}

/** A directory without its trailing slashes; the root is nothing. */
export function bare(path: string): string {
  return path.replace(/\/+$/, '');
}

function escape(path: Buffer): Buffer {
  return Buffer.from(path.toString('latin1').replaceAll('%', '%25').replaceAll(' ', '%20'), 'latin1');
}

function unescape(path: Buffer): Buffer {
  return Buffer.from(path.toString('latin1').replaceAll(/%2([05])/g, (_, code: string) => (code === '0' ? ' ' : '%')), 'latin1');
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
