import type { PreferenceEdit } from '../../plex/preferences.ts';

/** Everything in which `after` is not, byte for byte, `before` with exactly the planned edits made; sentences that hold no value of any setting. */
export function comparePreferences(before: Uint8Array, { after, edits }: { readonly after: Uint8Array; readonly edits: readonly PreferenceEdit[] }): readonly string[] {
  const planned = new Map(edits.map(({ name, value }) => [name, value]));
  const expected = withEdits(pieces(before), edits);
  const made = pieces(after);
  const [wanted, found] = [byName(expected.settings), byName(made.settings)];
  const differences: string[] = [];
  for (const [name, setting] of wanted) {
    const now = found.get(name);
    if (now === undefined) differences.push(planned.has(name) ? `the setting "${name}" does not hold what was planned: it is not there` : `the setting "${name}" is gone`);
    else if (now.raw !== setting.raw) differences.push(`the setting "${name}" ${planned.has(name) ? 'does not hold what was planned' : 'may not change and did'}`);
  }
  for (const name of found.keys()) if (!wanted.has(name)) differences.push(planned.has(name) ? `the setting "${name}" should be gone` : `the setting "${name}" was added`);
  for (const name of twice(made.settings)) if (!twice(expected.settings).has(name)) differences.push(`the setting "${name}" is there twice`);
  const inBoth = ({ settings }: Pieces): string => settings.map(({ name }) => name).filter((name) => wanted.has(name) && found.has(name)).join();
  if (inBoth(expected) !== inBoth(made)) differences.push('the settings are in another order');
  // The white space around each setting that stays is part of the bytes that may not change.
  for (const [name, { gap, equals }] of found) {
    const setting = wanted.get(name);
    if (setting !== undefined && setting.gap !== gap) differences.push(`the white space before "${name}" changed`);
    if (setting !== undefined && setting.equals !== equals) differences.push(`the white space between "${name}" and its value changed`);
  }
  if (expected.head !== made.head || expected.tail !== made.tail) differences.push('bytes outside the settings changed');
  if (differences.length === 0 && written(expected) !== Buffer.from(after.buffer, after.byteOffset, after.byteLength).toString('latin1')) differences.push('the bytes of the file changed');
  return differences;
}

/** A setting as the file holds it, one character a byte: white space, name, equals sign, quoted value. */
interface Setting {
  readonly gap: string;
  readonly name: string;
  readonly equals: string;
  readonly raw: string;
}

interface Pieces {
  readonly head: string;
  readonly settings: readonly Setting[];
  readonly tail: string;
}

const begin = '<Preferences';

// Character by character, unlike the expression the edits are made with.
function pieces(file: Uint8Array): Pieces {
  const text = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1');
  let at = 0;
  while (at < text.length && !text.startsWith(begin, at)) {
    const end = text.startsWith('<!--', at) ? '-->' : text.startsWith('<?', at) ? '?>' : null;
    const closed = end === null ? -1 : text.indexOf(end, at);
    at = closed === -1 ? at + 1 : closed + (end?.length ?? 0);
  }
  at = Math.min(at + begin.length, text.length);
  const head = text.slice(0, at);
  const settings: Setting[] = [];
  for (;;) {
    const [gap, nameAt] = whiteSpace(text, at);
    let nameEnd = nameAt;
    while (nameEnd < text.length && !' \t\r\n=/>"\'<&'.includes(text.charAt(nameEnd))) nameEnd += 1;
    const [, equalsAt] = whiteSpace(text, nameEnd);
    const [, quoteAt] = whiteSpace(text, equalsAt + 1);
    const quote = text.charAt(quoteAt);
    const end = quote === '"' || quote === "'" ? text.indexOf(quote, quoteAt + 1) : -1;
    // What is no setting belongs to the end of the file: a quote out of place would make names of values, which may be secret.
    if (gap === '' || nameEnd === nameAt || text.charAt(equalsAt) !== '=' || end === -1) return { head, settings, tail: text.slice(at) };
    settings.push({ gap, name: text.slice(nameAt, nameEnd), equals: text.slice(nameEnd, quoteAt), raw: text.slice(quoteAt, end + 1) });
    at = end + 1;
  }
}

function whiteSpace(text: string, from: number): readonly [string, number] {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at += 1;
  return [text.slice(from, at), at];
}

function withEdits({ head, settings, tail }: Pieces, edits: readonly PreferenceEdit[]): Pieces {
  const planned = new Map(edits.map(({ name, value }) => [name, value]));
  const known = byName(settings);
  const kept = settings.flatMap((setting) => {
    const value = planned.get(setting.name);
    if (value === null) return [];
    return [value === undefined || plain(setting.raw) === value ? setting : { ...setting, raw: escaped(value, setting.raw.charAt(0)) }];
  });
  const added = edits.flatMap(({ name, value }) => (value === null || known.has(name) ? [] : [{ gap: ' ', name, equals: '=', raw: escaped(value, '"') }]));
  return { head, settings: [...kept, ...added], tail };
}

function byName(settings: readonly Setting[]): ReadonlyMap<string, Setting> {
  return new Map(settings.map((setting) => [setting.name, setting]));
}

function twice(settings: readonly Setting[]): ReadonlySet<string> {
  return new Set(settings.map(({ name }) => name).filter((name, place, names) => names.indexOf(name) !== place));
}

function written({ head, settings, tail }: Pieces): string {
  return head + settings.map(({ gap, name, equals, raw }) => gap + name + equals + raw).join('') + tail;
}

const escapes: ReadonlyMap<string, string> = new Map([['&', 'amp'], ['<', 'lt'], ['>', 'gt'], ['\n', '#10'], ['\r', '#13'], ['\t', '#9']]);

function escaped(value: string, quote: string): string {
  const own = quote === '"' ? 'quot' : 'apos';
  const text = Array.from(value, (character) => {
    const name = character === quote ? own : escapes.get(character);
    return name === undefined ? character : `&${name};`;
  }).join('');
  return Buffer.from(quote + text + quote, 'utf8').toString('latin1');
}

const names: ReadonlyMap<string, string> = new Map([['amp', '&'], ['lt', '<'], ['gt', '>'], ['quot', '"'], ['apos', "'"]]);

/** What a quoted value says, as XML reads it. */
function plain(raw: string): string {
  const text = Buffer.from(raw.slice(1, -1), 'latin1').toString('utf8').replaceAll(/\r\n|[\t\r\n]/g, ' ');
  return text.replaceAll(/&([^;&]+);/g, (whole, code: string) => {
    if (!code.startsWith('#')) return names.get(code) ?? whole;
    const point = code.startsWith('#x') ? Number.parseInt(code.slice(2), 16) : Number(code.slice(1));
    return point <= 0x10_ffff ? String.fromCodePoint(point) : whole;
  });
}
