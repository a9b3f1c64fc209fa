import { createRandom, type Random } from '../bed/library/random.ts';
import { mappedRoot } from './shapesFuture.ts';

/** A value to be stored: text as its bytes, which need not be UTF-8. */
export type NastyValue = null | bigint | number | Uint8Array | { readonly text: Buffer };

const text = (value: string | Buffer): NastyValue => ({ text: Buffer.from(value) });
const latin1 = (value: string): NastyValue => text(Buffer.from(value, 'latin1'));

const integers: readonly NastyValue[] = [0n, -1n, 1n, 42n, 9_007_199_254_740_993n, -9_007_199_254_740_993n, 2n ** 63n - 1n, -(2n ** 63n)];
const reals: readonly NastyValue[] = [0.1 + 0.2, -0.5, 1e308, 5e-324, 123_456_789.123_456_7];
const blobs: readonly NastyValue[] = [new Uint8Array(0), Buffer.from([0, 0xff, 0, 0x80]), Buffer.alloc(3_000, 0x5a), Buffer.from('text in a blob')];
const texts: readonly NastyValue[] = [
  text(''), text(' '), text(`it's "one" [two] \`three\``), text('é 🎬'.normalize('NFC')), text('é 🎬'.normalize('NFD')), text('a line\r\nand\tanother\u0001'),
  text('NUL \0 in the middle'), latin1('caf\xe9 \xff\xfe is no UTF-8'), latin1('\xed\xa0\x80 half a surrogate'), text('100%_of it\\'), text('9007199254740993'), text('0x1F'), text(' 12 '),
  text('t'), text('2019-12-31 23:59:59'), text('NULL'), text('%2Fmnt%2Fother'), text(`${mappedRoot}us/beside`), text('/mnt'), text('long '.repeat(1_500)),
];

/** Values for a column of `type` as declared: of that class where `strict`, and of every class otherwise. */
export function nastyValue(random: Random, { type, strict }: { readonly type: string; readonly strict: boolean }): NastyValue {
  if (strict) {
    switch (type.toUpperCase()) {
      case 'INT':
      case 'INTEGER':
        return random.pick(integers);
      case 'REAL':
        return random.pick(reals);
      case 'TEXT':
        return random.pick(texts);
      case 'BLOB':
        return random.pick(blobs);
      default:
        return random.pick([...integers, ...reals, ...texts, ...blobs]);
    }
  }
  if (random.chance(0.1)) return null;
  if (random.chance(0.15)) return random.pick(blobs);
  if (random.chance(0.15)) return random.pick(reals);
  const likelyText = /char|text|clob|string|^$/i.test(type) ? 0.8 : 0.25;
  return random.pick(random.chance(likelyText) ? texts : integers);
}

/** A value for a path column, and whether the library's root is named in it (mapped or not). */
export interface PathValue {
  readonly value: NastyValue;
  readonly mentions: boolean;
}

const below = (path: string | Buffer): PathValue => ({ value: text(path), mentions: true });
const beside = (value: NastyValue): PathValue => ({ value, mentions: false });

const files: readonly PathValue[] = [
  below(`${mappedRoot}/Movies/A_b%c (2001)/it's "one".mkv`), below(`${mappedRoot}/Movies/🎬/é.mkv`.normalize('NFC')), below(`${mappedRoot}/Movies/🎬/é.mkv`.normalize('NFD')),
  below(`${mappedRoot}/mnt/nas-plex/twice.mkv`), below(`${mappedRoot}-optimized/Plex Versions/A/a.mp4`), below(mappedRoot), below(`${mappedRoot}/`),
  below(`${mappedRoot}/Movies`), below(Buffer.concat([Buffer.from(`${mappedRoot}/Movies/caf`), Buffer.from([0xe9]), Buffer.from('.mkv')])),
  below(`${mappedRoot}/${'deep/'.repeat(700)}file.mkv`), below(`${mappedRoot}//double.mkv`), below(`${mappedRoot}/line\nbreak.mkv`),
  { value: Buffer.from(`${mappedRoot}/a blob.mkv`), mentions: true },
  beside(null), beside(text('')), beside(text('/')), beside(text('C:\\Media\\a.mkv')), beside(text('\\\\nas\\films\\b.mkv')), beside(text(`${mappedRoot}us/c.mkv`)), beside(text('/mnt/nas_plex/d.mkv')),
  beside(text('/MNT/NAS-PLEX/e.mkv')), beside(text('relative/f.mkv')), beside(42n), beside(0.5),
];

const urls: readonly PathValue[] = [
  below(`file://${mappedRoot}/Movies/A%20(2001)/100%25.srt`), below(`file://${mappedRoot}/Movies/B (2002)/raw.srt`), below(`file://${mappedRoot}/Movies/50% raw.srt`), below(`file://${mappedRoot}/Movies/외국TV/x.srt`),
  below(`file://${mappedRoot}-optimized/a.srt`), below(`file://${mappedRoot}`), below(Buffer.from(`file://${mappedRoot}/Movies/caf\xe9.srt`, 'latin1')),
  below(`blob://1${mappedRoot}`), below(`http://127.0.0.1:32400${mappedRoot}/x`), below(`${mappedRoot}/no url.srt`), below(`FILE://${mappedRoot}/capitals.srt`), below(`file://localhost${mappedRoot}/host.srt`),
  { value: Buffer.from(`file://${mappedRoot}/a blob.srt`), mentions: true },
  beside(text('file:///srv/other.srt')), beside(text(`file://${mappedRoot}us/x.srt`)), beside(text('file://')), beside(text('media://x')), beside(null), beside(text('')), beside(7n),
];

/** Every value for a column that holds paths: the same for every seed, in another order. */
export function pathValues(seed: number, form: 'path' | 'url'): readonly PathValue[] {
  const random = createRandom(seed, form);
  return (form === 'path' ? files : urls).map((value) => ({ value, order: random.integer(0, 1_000_000) })).toSorted((left, right) => left.order - right.order).map(({ value }) => value);
}

const mentions: readonly ((number: number) => NastyValue)[] = [
  (number) => text(`Was at ${mappedRoot}/old ${number}, once`),
  (number) => text(`a=1&dir=%2Fmnt%2Fnas-plex%2Fnew%2F${number}&b=2`),
  (number) => text(`dir=%2fmnt%2fnas-plex%2fnew%2f${number}`),
  (number) => text(`x%2Fmnt%2Fnas%2Dplex%2Doptimized%2F${number}`),
  (number) => text(String.raw`{"path":"\/mnt\/nas-plex\/${number}"}`),
  (number) => text(`library:///directory/%252Fmnt%252Fnas-plex%252F${number}`),
  (number) => latin1(`caf\xe9 ${mappedRoot}/${number}`),
  (number) => Buffer.from(`${mappedRoot}/${number} in a blob`),
];

/** A value for any other column in which the library's root stands, in one of the spellings in which it was seen; `number` makes it another. */
export function mention(random: Random, { blob, number }: { readonly blob: boolean; readonly number: number }): NastyValue {
  return (blob ? mentions.at(-1) : random.pick(mentions.slice(0, -1)))?.(number) ?? null;
}
