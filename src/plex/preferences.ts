import { parseXml, XmlError, type XmlDocument } from '@rgrove/parse-xml';
import { decodeUtf8, malformed } from './malformedPreferences.ts';

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
  const tag = scanTag(bytes);
  const strange = tag.attributes.find(({ name, value }) => parsed[name] !== value);
  if (strange !== undefined) throw malformed('this setting can be read in two ways', { bytes, at: strange.valueStart });
  if (Object.keys(parsed).length !== tag.attributes.length) throw malformed('the settings from here on cannot be told apart with certainty', { bytes, at: tag.end });
  return tag;
}

function parse(bytes: Uint8Array): Readonly<Record<string, string>> {
  const text = decodeUtf8(bytes);
  let document: XmlDocument;
  try {
    document = parseXml(text);
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    // The parser quotes an excerpt, and entities as they stand in a value, which may be a token: neither is kept.
    const fact = (cause.message.split('\n')[0] ?? '').replace(/ \(line \d+, column \d+\)$/, '').replaceAll(/[`"'].*[`"']|&[^\s]*/g, '…');
    throw malformed(`${fact.charAt(0).toLowerCase()}${fact.slice(1)}`, { line: cause.line, column: cause.column });
  }
  const root = document.root;
  if (root?.name !== 'Preferences') throw malformed(`its element is "${root?.name ?? ''}", not "Preferences"`, { bytes, at: rootAt(bytes) });
  return root.attributes;
}

// A byte of a character beyond ASCII is part of a name; XML's white space is these four, not all that JavaScript takes for it.
const attributeText = /[ \t\r\n]+([A-Za-z_:\u0080-\u00ff][\w.:\u0080-\u00ff-]*)[ \t\r\n]*=[ \t\r\n]*("[^"<]*"|'[^'<]*')/y;
// Comments and declarations may come first and may hold anything, so they are stepped over, not searched.
const prologue = /^(?:\u00ef\u00bb\u00bf)?(?:[ \t\r\n]|<\?[^]*?\?>|<!--[^]*?-->)*/;

function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function rootAt(bytes: Uint8Array): number {
  return prologue.exec(latin1Of(bytes))?.[0].length ?? 0;
}

function scanTag(bytes: Uint8Array): Tag {
  const text = latin1Of(bytes);
  const start = rootAt(bytes);
  const opening = /^<Preferences(?=[ \t\r\n/>])/.exec(text.slice(start, start + 20));
  if (opening === null) throw malformed('the element "Preferences" does not come first', { bytes, at: start });
  const attributes: Attribute[] = [];
  let at = start + opening[0].length;
  for (;;) {
    attributeText.lastIndex = at;
    const match = attributeText.exec(text);
    if (match === null) break;
    const [whole, name = '', quoted = ''] = match;
    const valueEnd = at + whole.length - 1;
    const valueStart = valueEnd - (quoted.length - 2);
    attributes.push({ name: utf8Of(name), start: at, valueStart, valueEnd, quote: quoted.charAt(0), value: decode(quoted.slice(1, -1)) });
    at = valueEnd + 1;
  }
  return { attributes, end: at };
}

function utf8Of(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(latin1: string): string {
  return utf8Of(latin1)
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
