import { PlexliftError } from '../errors.ts';

/** One pair as a person writes it: a directory on the source and where the target sees it. */
export interface MappingPair {
  readonly from: string;
  readonly to: string;
}

/** One pair, checked, without trailing slashes, and as the bytes that paths are compared with. */
export interface MappingRule extends MappingPair {
  readonly fromBytes: Buffer;
  readonly toBytes: Buffer;
}

/** Every rule, longest `from` first: the first that matches is the most specific. */
export interface PathMapping {
  readonly rules: readonly MappingRule[];
}

/** Where a path went, and which rule sent it there. */
export interface MappedPath {
  readonly path: Buffer;
  readonly rule: MappingRule;
}

/** A change at the front of a value: so many bytes go, and these stand there instead. The same `put` object for every value that a rule moves. */
export interface Move {
  readonly cutBytes: number;
  readonly put: Buffer;
}

const slash = 0x2f;

/** Checks pairs and orders them; throws `usage`, naming the pair and what to write instead. */
export function parseMapping(pairs: readonly MappingPair[]): PathMapping {
  if (pairs.length === 0) {
    throw new PlexliftError('usage', 'Cannot map paths: no pair is given', {
      remedy: 'Give at least one pair, for instance from "/mnt/nas-plex" to "/media/library"',
    });
  }
  const rules = pairs.map((pair) => {
    const from = normalised(pair, 'from');
    const to = normalised(pair, 'to');
    return { from, to, fromBytes: Buffer.from(from, 'utf8'), toBytes: Buffer.from(to, 'utf8') };
  });
  const seen = new Map<string, MappingRule>();
  for (const rule of rules) {
    const earlier = seen.get(rule.from);
    if (earlier !== undefined) {
      throw new PlexliftError('usage', `Cannot map "${rule.from}": it is given twice, to "${earlier.to}" and to "${rule.to}"`, {
        remedy: 'Keep one of the two pairs',
      });
    }
    seen.set(rule.from, rule);
  }
  return { rules: longestFirst(rules) };
}

/** The mapping that takes back what `mapping` did; throws `usage` where two rules share a target. */
export function invertMapping(mapping: PathMapping): PathMapping {
  const seen = new Map<string, MappingRule>();
  for (const rule of mapping.rules) {
    const other = seen.get(rule.to);
    if (other !== undefined) {
      throw new PlexliftError('usage', `Cannot take the mapping back: "${other.from}" and "${rule.from}" both went to "${rule.to}"`, {
        remedy: 'Nothing tells any more which of the two a path came from; use the backup of the database',
      });
    }
    seen.set(rule.to, rule);
  }
  return { rules: longestFirst(mapping.rules.map(reversedRule)) };
}

/** The rule that leads back. */
export function reversedRule({ from, to, fromBytes, toBytes }: MappingRule): MappingRule {
  return { from: to, to: from, fromBytes: toBytes, toBytes: fromBytes };
}

/** Rules in the order in which they are tried. */
export function longestFirst(rules: readonly MappingRule[]): readonly MappingRule[] {
  return rules.toSorted((left, right) => right.fromBytes.length - left.fromBytes.length);
}

/** The path a rule makes of `path` (raw bytes, compared as they are), or null where no rule has it. Whole segments only, one pass. */
export function mapPath(mapping: PathMapping, path: Buffer): MappedPath | null {
  const moved = moveOfPath(mapping, path);
  return moved === null ? null : { path: afterMove(path, moved.move), rule: moved.rule };
}

/** The same, as the change at the front of the path. */
export function moveOfPath(mapping: PathMapping, path: Buffer): { readonly move: Move; readonly rule: MappingRule } | null {
  for (const rule of mapping.rules) {
    const move = moveBelow(path, rule.fromBytes, rule.toBytes);
    if (move !== null) return { move, rule };
  }
  return null;
}

/** Swaps the directory `from` for `to` at the front of `path`; null unless `path` is `from` or lies below it. */
export function replacePrefix(path: Buffer, from: Buffer, to: Buffer): Buffer | null {
  const move = moveBelow(path, from, to);
  return move === null ? null : afterMove(path, move);
}

/** How the directory `from` becomes `to` at the front of `path`; null unless `path` is `from` or lies below it. */
export function moveBelow(path: Buffer, from: Buffer, to: Buffer): Move | null {
  const fromLength = isRoot(from) ? 0 : from.length;
  if (path.length === 0 || (path.length > fromLength && path[fromLength] !== slash) || !startsWith(path, from, fromLength)) return null;
  // The root is the one directory that ends in a slash.
  const cutBytes = isRoot(from) && isRoot(path) ? 1 : fromLength;
  return { cutBytes, put: isRoot(to) && path.length > cutBytes ? nothing : to };
}

/** `value` with its front changed. */
export function afterMove(value: Buffer, { cutBytes, put }: Move): Buffer {
  const after = Buffer.allocUnsafe(put.length + value.length - cutBytes);
  put.copy(after);
  value.copy(after, put.length, cutBytes);
  return after;
}

const nothing = Buffer.alloc(0);

// From the end, where directories beside each other differ, and without a view for every rule: this runs for every path of a library.
function startsWith(path: Buffer, prefix: Buffer, length: number): boolean {
  if (path.length < length) return false;
  for (let at = length - 1; at >= 0; at -= 1) if (path[at] !== prefix[at]) return false;
  return true;
}

function isRoot(path: Buffer): boolean {
  return path.length === 1 && path[0] === slash;
}

function normalised(pair: MappingPair, side: keyof MappingPair): string {
  const given = pair[side];
  const refuse = (fact: string, remedy: string): PlexliftError =>
    new PlexliftError('usage', `Cannot map "${pair.from}" to "${pair.to}": ${fact}`, { remedy });
  if (given === '') throw refuse(`"${side}" is empty`, `Give "${side}" an absolute path such as "/media/library"`);
  if (!given.startsWith('/')) throw refuse(`"${given}" is not an absolute path`, `Write "${side}" with a leading "/"`);
  if (given.includes('\0') || !given.isWellFormed()) throw refuse(`"${side}" holds a character that no path can hold`, `Type "${side}" anew`);
  const path = given.replace(/\/+$/, '');
  const segments = path.split('/').slice(1);
  if (segments.includes('..') || segments.includes('.')) {
    throw refuse(`"${given}" holds a "." or ".." segment`, `Write "${side}" as Plex stores it, without "." and ".."`);
  }
  if (segments.includes('')) throw refuse(`"${given}" holds an empty segment`, `Write "${side}" with single slashes`);
  return path === '' ? '/' : path;
}
