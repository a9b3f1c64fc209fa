/** A text by which a directory can be found inside other text, and the directory it stands for. */
export interface Needle {
  readonly from: string;
  readonly bytes: Buffer;
  /** How the directory is written in it. */
  readonly form: 'plain' | 'percent-encoded' | 'JSON-escaped';
}

/** Every way in which `from` was seen written inside other values; the plain one first, no two alike. */
export function needlesOf(from: string): readonly Needle[] {
  const plain = Buffer.from(from, 'utf8');
  const upper = percentEncoded(plain, { literal: /[A-Za-z0-9_-]/, upper: true });
  const forms: readonly (readonly [Needle['form'], string | Buffer])[] = [
    ['plain', plain],
    // Plex's own encoder leaves only letters, digits, "_" and "-"; others write lower-case digits, keep more, or keep less.
    ['percent-encoded', upper],
    ['percent-encoded', percentEncoded(plain, { literal: /[A-Za-z0-9_-]/, upper: false })],
    ['percent-encoded', percentEncoded(plain, { literal: /[A-Za-z0-9]/, upper: true })],
    ['percent-encoded', percentEncoded(plain, { literal: /[A-Za-z0-9_.!~*'()-]/, upper: true })],
    ['percent-encoded', percentEncoded(plain, { literal: /[A-Za-z0-9_.~/-]/, upper: true })],
    ['percent-encoded', upper.replaceAll('%', '%25')],
    ['JSON-escaped', from.replaceAll('/', String.raw`\/`)],
  ];
  const distinct = new Map<string, Needle>();
  for (const [form, text] of forms) {
    const bytes = Buffer.from(text);
    const key = bytes.toString('latin1');
    if (!distinct.has(key)) distinct.set(key, { from, bytes, form });
  }
  return Array.from(distinct.values());
}

/** Where a needle was found in a value, and how many bytes of it may be shown. */
export interface PathPlace {
  readonly at: number;
  /** Length of the needle, which is a path whatever is in it. */
  readonly known: number;
  readonly longest: number;
}

/** The part of `value` (one character a byte) that starts at `at` and is a path for certain: up to a delimiter, at most `longest` bytes. */
export function pathAt(value: string, { at, known, longest }: PathPlace): string {
  const path = value.slice(at, at + known) + (certainPath.exec(value.slice(at + known, at + Math.max(known, longest) + 1))?.[0] ?? '');
  const cut = path.length > longest ? path.slice(0, longest) : path;
  return Buffer.from(cut, 'latin1').toString('utf8') + (path.length > longest ? '…' : '');
}

// What follows a delimiter may be another setting, a token even; white space too: "/home/alex/cut.sh --password …". The same
// characters end it where they are percent-encoded, once or twice.
// eslint-disable-next-line no-control-regex -- control characters end a path
const certainPath = /^(?:(?!%(?:25)*(?:[01][0-9A-Fa-f]|20|2[2367Cc]|3[A-Fa-f]|7[B-Db-d]))[^\u0000-\u0020"'<>&#?;:=,{}|])*/;

/** True where a directory's name may end at `at`: another letter, digit or escaped name character there would make it another directory. */
export function endsName(value: string, at: number): boolean {
  // Once for what was escaped twice, once for the character itself.
  const next = value
    .slice(at, at + 6)
    .replace(/^%25/, '%')
    .replace(/^%([0-9A-Fa-f]{2})/, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return !/^[A-Za-z0-9_.\u0080-\u00ff-]/.test(next);
}

function percentEncoded(bytes: Buffer, { literal, upper }: { readonly literal: RegExp; readonly upper: boolean }): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    if (byte < 0x80 && literal.test(character)) return character;
    const digits = byte.toString(16).padStart(2, '0');
    return `%${upper ? digits.toUpperCase() : digits}`;
  }).join('');
}
