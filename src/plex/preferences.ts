import { parseXml, XmlError, type XmlDocument } from '@rgrove/parse-xml';
import { PlexliftError } from '../errors.ts';

/** The settings in a Preferences.xml. */
export interface Preferences {
  /** The decoded value, or null where the setting is absent (which means: its default). */
  get(name: string): string | null;
  /** The name of every setting, in the order of the file. */
  readonly names: readonly string[];
}

/** One change: a new value, or null to remove the setting. */
export type PreferenceEdit = {
  readonly name: string;
  readonly value: string | null;
};

interface Attribute {
  readonly name: string;
  /** Offsets in bytes: of the white space before the name, of the first byte of the value, of the closing quote. */
  readonly start: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly quote: string;
  readonly value: string;
}

interface Tag {
  readonly attributes: readonly Attribute[];
  /** The offset where another attribute can be put in. */
  readonly end: number;
}

/** Reads a Preferences.xml; throws `refused` with line and column where it is malformed. */
export function readPreferences(bytes: Uint8Array): Preferences {
  const { attributes } = readTag(bytes);
  const values = new Map(attributes.map(({ name, value }) => [name, value]));
  return { get: (name) => values.get(name) ?? null, names: attributes.map(({ name }) => name) };
}

/** Makes the edits and leaves every other byte as it is; an edit that changes nothing changes no byte. Throws as `readPreferences` does. */
export function editPreferences(bytes: Uint8Array, edits: readonly PreferenceEdit[]): Buffer {
  const tag = readTag(bytes);
  const splices: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  const named = new Set<string>();
  for (const { name, value } of edits) {
    if (!/^[A-Za-z_][\w.-]*$/.test(name)) throw new Error(`Cannot edit preferences: "${name}" cannot be the name of a setting`);
    if (named.has(name)) throw new Error(`Cannot edit preferences: "${name}" is named twice`);
    named.add(name);
    const attribute = tag.attributes.find((candidate) => candidate.name === name);
    if (attribute === undefined) {
      if (value !== null) splices.push({ start: tag.end, end: tag.end, text: ` ${name}="${encode(value, '"')}"` });
    } else if (value === null) {
      splices.push({ start: attribute.start, end: attribute.valueEnd + 1, text: '' });
    } else if (value !== attribute.value) {
      splices.push({ start: attribute.valueStart, end: attribute.valueEnd, text: encode(value, attribute.quote) });
    }
  }
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const { start, end, text } of splices.toSorted((left, right) => left.start - right.start)) {
    pieces.push(bytes.subarray(at, start), Buffer.from(text, 'utf8'));
    at = end;
  }
  pieces.push(bytes.subarray(at));
  const edited = Buffer.concat(pieces);
  const after = readPreferences(edited);
  for (const { name, value } of edits) {
    if (after.get(name) !== value) throw new Error(`Cannot edit preferences: "${name}" does not read back as it was written`);
  }
  return edited;
}

/** Reads the same file twice, with an XML parser and by offsets; both must see the same settings. */
function readTag(bytes: Uint8Array): Tag {
  const parsed = parse(bytes);
  const tag = scanTag(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
  const seen = tag.attributes.filter(({ name, value }) => parsed[name] === value);
  if (seen.length !== tag.attributes.length || Object.keys(parsed).length !== tag.attributes.length) {
    throw malformed('its settings cannot be told apart with certainty');
  }
  return tag;
}

function parse(bytes: Uint8Array): Readonly<Record<string, string>> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw malformed('it is no valid UTF-8', cause);
  }
  let document: XmlDocument;
  try {
    document = parseXml(text);
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    // The parser's message quotes an excerpt, which may hold a token: only its first line, without quotes, is kept.
    throw malformed(`line ${cause.line}, column ${cause.column}: ${(cause.message.split('\n')[0] ?? '').replaceAll(/[`"'].*[`"']/g, '…')}`);
  }
  const root = document.root;
  if (root === null || root.name !== 'Preferences') throw malformed(`its element is "${root?.name ?? ''}", not "Preferences"`);
  return root.attributes;
}

const attributeText = /\s+([A-Za-z_:][\w.:-]*)\s*=\s*("[^"<]*"|'[^'<]*')/y;

function scanTag(text: string): Tag {
  // Comments and declarations may come first and may hold anything, so they are stepped over, not searched.
  const prologue = /^(?:\u00ef\u00bb\u00bf)?(?:\s|<\?[^]*?\?>|<!--[^]*?-->)*<Preferences(?=[\s/>])/.exec(text);
  if (prologue === null) throw malformed('the element "Preferences" does not come first');
  const attributes: Attribute[] = [];
  let at = prologue[0].length;
  for (;;) {
    attributeText.lastIndex = at;
    const match = attributeText.exec(text);
    if (match === null) break;
    const [whole, name = '', quoted = ''] = match;
    const valueEnd = at + whole.length - 1;
    const valueStart = valueEnd - (quoted.length - 2);
    attributes.push({ name, start: at, valueStart, valueEnd, quote: quoted.charAt(0), value: decode(quoted.slice(1, -1)) });
    at = valueEnd + 1;
  }
  return { attributes, end: at };
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(latin1: string): string {
  return Buffer.from(latin1, 'latin1')
    .toString('utf8')
    .replaceAll(/\r\n|[\r\n\t]/g, ' ')
    .replaceAll(/&(?:#x([0-9A-Fa-f]+)|#(\d+)|(\w+));/g, (whole, hex?: string, decimal?: string, name?: string) => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      return entities[name ?? ''] ?? whole;
    });
}

function encode(value: string, quote: string): string {
  // eslint-disable-next-line no-control-regex -- XML 1.0 cannot hold these, not even escaped
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(value) || !value.isWellFormed()) {
    throw new Error('Cannot edit preferences: a value holds a character that XML cannot hold');
  }
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(quote, quote === '"' ? '&quot;' : '&apos;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\r', '&#13;')
    .replaceAll('\t', '&#9;');
}

function malformed(fact: string, cause?: unknown): PlexliftError {
  return new PlexliftError('refused', `Cannot read Preferences.xml: ${fact}`, {
    remedy: 'Plex itself would start as a new server with this file; repair it on the source, or restore it from a backup, and run the same command again',
    cause,
  });
}
