import { replacePrefix, type MappingRule, type PathMapping } from './pathMapping.ts';

const scheme = Buffer.from('file://');
const percent = 0x25;
const space = 0x20;

/** Where a `file://` URL went, and which rule sent it there. */
export interface MappedUrl {
  readonly url: Buffer;
  readonly rule: MappingRule;
}

/** True where the bytes are a `file://` URL of an absolute path on this machine. */
export function isFileUrl(value: Buffer): boolean {
  return value.subarray(0, scheme.length).equals(scheme) && value[scheme.length] === 0x2f;
}

/** Maps the path inside a `file://` URL and keeps the URL's own style; null for other schemes and where no rule has it. */
export function mapFileUrl(mapping: PathMapping, url: Buffer): MappedUrl | null {
  if (!isFileUrl(url)) return null;
  const path = url.subarray(scheme.length);
  const write = isEscaped(path) ? escapePath : (raw: Buffer): Buffer => raw;
  for (const rule of mapping.rules) {
    const mapped = replacePrefix(path, write(rule.fromBytes), write(rule.toBytes));
    if (mapped !== null) return { url: Buffer.concat([scheme, mapped]), rule };
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
  if (path.includes(space)) return false;
  for (let at = path.indexOf(percent); at !== -1; at = path.indexOf(percent, at + 1)) {
    const code = path.toString('latin1', at + 1, at + 3);
    if (code !== '20' && code !== '25') return false;
  }
  return true;
}

function escapePath(path: Buffer): Buffer {
  return Buffer.from(path.toString('latin1').replaceAll('%', '%25').replaceAll(' ', '%20'), 'latin1');
}
