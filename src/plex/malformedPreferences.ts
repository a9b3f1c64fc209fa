import { PlexliftError } from '../errors.ts';

/** A `refused` error that says what is wrong with a Preferences.xml, and where. Never quotes the file: it holds a token. */
export function malformed(fact: string, place: { readonly bytes: Uint8Array; readonly at: number } | { readonly line: number; readonly column: number }, cause?: unknown): PlexliftError {
  const { line, column } = 'bytes' in place ? placeOf(place.bytes, place.at) : place;
  return new PlexliftError('refused', `Cannot read Preferences.xml: line ${line}, column ${column}: ${fact}`, {
    remedy: 'Plex itself would start as a new server with this file; repair it on the source, or restore it from a backup, and run the same command again',
    cause,
  });
}

/** Decodes what has to be UTF-8; throws as `malformed` does where it is not, or says that it is not. */
export function decodeUtf8(bytes: Uint8Array): string {
  requireUtf8(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw malformed('it is no valid UTF-8 here', { bytes, at: firstInvalid(bytes) }, cause);
  }
}

// Line breaks as XML counts them, columns in characters; a byte order mark is none.
function placeOf(bytes: Uint8Array, at: number): { readonly line: number; readonly column: number } {
  const before = new TextDecoder('utf-8').decode(bytes.subarray(0, at));
  const lines = before.split(/\r\n|[\r\n]/);
  return { line: lines.length, column: Array.from(lines.at(-1) ?? '').length + 1 };
}

const encodingDeclared = /^(\s*<\?xml\b[^>]*?\bencoding\s*=\s*["'])([^"']*)["']/;

function requireUtf8(bytes: Uint8Array): void {
  const [first = -1, second = -1] = bytes;
  const twoBytes = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c) || (first === 0x3c && second === 0);
  if (twoBytes) throw malformed('it is written in UTF-16, and Plex writes and reads UTF-8', { line: 1, column: 1 });
  const start = first === 0xef && second === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const [, before = '', encoding] = encodingDeclared.exec(Buffer.from(bytes.subarray(start, start + 200)).toString('latin1')) ?? [];
  if (encoding === undefined || /^utf-?8$/i.test(encoding)) return;
  const shown = /^[\w.:-]{1,40}$/.test(encoding) ? `"${encoding}"` : 'another one';
  throw malformed(`it says that its encoding is ${shown}, and Plex writes and reads UTF-8`, { bytes, at: start + before.length });
}

/** The offset of the first byte that belongs to no character. */
function firstInvalid(bytes: Uint8Array): number {
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isBeginning(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  // Back over what began a character that does not go on.
  let at = good;
  while (at > 0 && !isWhole(bytes.subarray(0, at))) at -= 1;
  return at;
}

function isBeginning(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    // That it throws is the answer.
    return false;
  }
}

function isWhole(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    // That it throws is the answer.
    return false;
  }
}
