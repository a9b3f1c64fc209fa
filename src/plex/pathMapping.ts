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
  return { rules: rules.toSorted((left, right) => right.fromBytes.length - left.fromBytes.length) };
}

/** The path a rule makes of `path` (raw bytes, compared as they are), or null where no rule has it. Whole segments only, one pass. */
export function mapPath(mapping: PathMapping, path: Buffer): MappedPath | null {
  for (const rule of mapping.rules) {
    const mapped = replacePrefix(path, rule.fromBytes, rule.toBytes);
    if (mapped !== null) return { path: mapped, rule };
  }
  return null;
}

/** Swaps the directory `from` for `to` at the front of `path`; null unless `path` is `from` or lies below it. */
export function replacePrefix(path: Buffer, from: Buffer, to: Buffer): Buffer | null {
  const fromLength = isRoot(from) ? 0 : from.length;
  if (path.length === 0 || !path.subarray(0, fromLength).equals(from.subarray(0, fromLength))) return null;
  const rest = isRoot(from) && isRoot(path) ? path.subarray(1) : path.subarray(fromLength);
  if (rest.length > 0 && rest[0] !== slash) return null;
  if (rest.length === 0) return to;
  return isRoot(to) ? rest : Buffer.concat([to, rest]);
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
