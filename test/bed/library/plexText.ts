import { createHash } from 'node:crypto';

/** 40 hexadecimal digits: what Plex names bundles and artwork after. */
export function sha1(content: string | Uint8Array): string {
  return createHash('sha1').update(content).digest('hex');
}

/** Escapes all but `A-Z a-z 0-9 _ -`, the form inside `extra_data` and `play_queue_generators.uri`. */
export function percentEncoded(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** An `extra_data` value as Plex has written it since 2023: sorted keys, and a last member `url` that repeats all pairs. */
export function extraData(pairs: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(pairs).sort(([left], [right]) => (left < right ? -1 : 1));
  const url = sorted.map(([key, value]) => `${percentEncoded(key)}=${percentEncoded(value)}`).join('&');
  return JSON.stringify({ ...Object.fromEntries(sorted), url });
}

/** A `file://` URL with only `%` and space escaped, which is what current servers write into `media_streams.url`. */
export function fileUrl(path: string): string {
  return `file://${path.replaceAll('%', '%25').replaceAll(' ', '%20')}`;
}

/** A `file://` URL with nothing escaped, as rows written around 2020 still hold it. */
export function rawFileUrl(path: string): string {
  return `file://${path}`;
}

/**
 * The sort title of `title`. Plex strips the article; the rest is this bed's: digits padded to one width and no character between
 * `Z` and `a`, so that SQLite's NOCASE puts them in the same order as the bed's icu_root.
 */
export function sortTitle(title: string): string {
  return title
    .replace(/^(?:The|An?) /, '')
    .replaceAll(/[[\\\]^_`]/g, ' ')
    .replaceAll(/\d+/g, (digits) => digits.padStart(6, '0'));
}

/** The bundle directory of a 40-digit hash below `Metadata/<kind>` or `Media/localhost`: `a/bcd….bundle`. */
export function bundlePath(hash: string): string {
  return `${hash.slice(0, 1)}/${hash.slice(1)}.bundle`;
}
