import { afterMove, moveBelow, type MappingRule, type Move, type PathMapping } from './pathMapping.ts';

const scheme = Buffer.from('file://');
const [percent, slash, space] = [0x25, 0x2f, 0x20];

/** Where a `file://` URL went, and which rule sent it there. */
export interface MappedUrl {
  readonly url: Buffer;
  readonly rule: MappingRule;
}

/** True where the bytes are a `file://` URL of an absolute path on this machine. */
export function isFileUrl(value: Buffer): boolean {
  return value[scheme.length] === slash && value.compare(scheme, 0, scheme.length, 0, scheme.length) === 0;
}

/** Maps the path inside a `file://` URL and keeps the URL's own style; null for other schemes and where no rule has it. */
export function mapFileUrl(mapping: PathMapping, url: Buffer): MappedUrl | null {
  const moved = moveOfFileUrl(mapping, url);
  return moved === null ? null : { url: afterMove(url, moved.move), rule: moved.rule };
}

/** The same, as the change at the front of the URL. */
export function moveOfFileUrl(mapping: PathMapping, url: Buffer): { readonly move: Move; readonly rule: MappingRule } | null {
  if (!isFileUrl(url)) return null;
  const path = url.subarray(scheme.length);
  for (const { rule, from, to, toUrl } of styledRules(mapping, isEscaped(path) ? 'escaped' : 'raw')) {
    const move = moveBelow(path, from, to);
    if (move !== null) return { rule, move: { cutBytes: scheme.length + move.cutBytes, put: move.put === to ? toUrl : scheme } };
  }
  return null;
}

/** The path a `file://` URL names, as the bytes the file system knows; null for anything else. */
export function pathOfFileUrl(url: Buffer): Buffer | null {
  if (!isFileUrl(url)) return null;
  const path = url.subarray(scheme.length);
  if (!isEscaped(path)) return path;
  return Buffer.from(path.toString('latin1').replaceAll(/%(?:20|25)/g, (code) => (code === '%20' ? ' ' : '%')), 'latin1');
}

// Current servers escape "%" and space and nothing else; those of about 2020 wrote the path raw. A raw space, or a "%" that starts
// neither "%20" nor "%25", can only be raw.
function isEscaped(path: Buffer): boolean {
  for (let at = 0; at < path.length; at += 1) {
    if (path[at] === space) return false;
    if (path[at] === percent && !(path[at + 1] === 0x32 && (path[at + 2] === 0x30 || path[at + 2] === 0x35))) return false;
  }
  return true;
}

type Style = 'raw' | 'escaped';

interface StyledRule {
  readonly rule: MappingRule;
  readonly from: Buffer;
  readonly to: Buffer;
  readonly toUrl: Buffer;
}

// A library has millions of URLs and a handful of rules: each rule is written in each style once.
const inStyles = new WeakMap<PathMapping, Readonly<Record<Style, readonly StyledRule[]>>>();

function styledRules(mapping: PathMapping, style: Style): readonly StyledRule[] {
  const known = inStyles.get(mapping);
  if (known !== undefined) return known[style];
  const written = (write: (path: Buffer) => Buffer): readonly StyledRule[] =>
    mapping.rules.map((rule) => {
      const to = write(rule.toBytes);
      return { rule, from: write(rule.fromBytes), to, toUrl: Buffer.concat([scheme, to]) };
    });
  const both = { raw: written((path) => path), escaped: written(escapePath) };
  inStyles.set(mapping, both);
  return both[style];
}

function escapePath(path: Buffer): Buffer {
  return Buffer.from(path.toString('latin1').replaceAll('%', '%25').replaceAll(' ', '%20'), 'latin1');
}
