import { parseXml } from '@rgrove/parse-xml';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editPreferences, readPreferences } from '../../src/plex/preferences.ts';
import { cases, isLong } from '../long.ts';

const file = Buffer.from(
  `<?xml version="1.0" encoding="utf-8"?>\n<Preferences MachineIdentifier="abc"  FriendlyName='Jo&apos;s "box"'\n _10de.0-TranscodeCountLimit="3" customConnections="http://a/?x=1&amp;y=2" Lines="a&#10;b&#xA;c" PlexOnlineToken="s3cret"/>\n`,
);

describe('readPreferences', () => {
  it('reads names and values', () => {
    const preferences = readPreferences(file);
    expect(preferences.names).toEqual(['MachineIdentifier', 'FriendlyName', '_10de.0-TranscodeCountLimit', 'customConnections', 'Lines', 'PlexOnlineToken']);
    expect(preferences.get('FriendlyName')).toBe('Jo\'s "box"');
    expect(preferences.get('customConnections')).toBe('http://a/?x=1&y=2');
    expect(preferences.get('Lines')).toBe('a\nb\nc');
    expect(preferences.get('autoEmptyTrash')).toBe(null);
  });

  it('reads a file with a byte order mark, a comment that looks like settings, and a separate end tag', () => {
    const odd = Buffer.from('\ufeff<?xml version="1.0"?><!-- <Preferences a="1"/> --><Preferences b="2" ></Preferences>');
    expect(readPreferences(odd).names).toEqual(['b']);
    expect(editPreferences(odd, [{ name: 'c', value: '3' }]).toString()).toBe('\ufeff<?xml version="1.0"?><!-- <Preferences a="1"/> --><Preferences b="2" c="3" ></Preferences>');
  });

  it.each([
    ['an unquoted value', '<Preferences a="1" b=2/>', 'line 1, column 22: attribute value expected'],
    ['a setting that is there twice', '<Preferences a="1"\n a="2"/>', 'line 2, column 7: duplicate attribute: a'],
    ['a bare "&"', '<Preferences a="x & y"/>', 'line 1, column 21: unterminated reference'],
    ['an entity nobody knows', '<Preferences\r\n a="&s3cret;"/>', "line 2, column 5: named entity isn't defined"],
    ['a "<" in a value', '<Preferences a="<"/>', 'line 1, column 17'],
    ['no space between settings', '<Preferences a="1"b="2"/>', 'line 1, column 19'],
    ['a character that XML cannot hold', '<Preferences a="\u0001"/>', 'line 1, column 17'],
    ['the same, escaped', '<Preferences a="&#1;"/>', 'line 1, column 21'],
    ['no end', '<Preferences a="1"', 'line 1, column 19'],
    ['an end in the middle of a value', '<Preferences a="1', 'line 1'],
    ['another end tag', '<Preferences a="1"></Prefs>', 'line 1, column 20'],
    ['an empty file', '', 'line 1, column 1: root element is missing'],
    ['a file of zeros', '\0\0\0\0', 'line 1, column 1'],
    ['no element', '<?xml version="1.0"?>\n<!-- none -->\n', 'line 3, column 1: root element is missing'],
    ['text before the element', '\nx<Preferences a="1"/>', 'line 2, column 1'],
    ['text after the element', '<Preferences a="1"/>\nrest', 'line 2, column 1: extra content'],
    ['a second element', '<Preferences a="1"/>\n\n<Preferences/>', 'line 3, column 1: extra content'],
    ['another element', '<?xml version="1.0"?>\n<Settings a="1"/>', 'line 2, column 1: its element is "Settings", not "Preferences"'],
    ['an element in small letters', '<preferences a="1"/>', 'line 1, column 1: its element is "preferences"'],
    ['a document type', '<?xml version="1.0"?>\n<!DOCTYPE Preferences>\n<Preferences a="1"/>', 'line 2, column 1: the element "Preferences" does not come first'],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?>\n<Preferences a="1"/>', 'line 1, column 31: it says that its encoding is "ISO-8859-1", and Plex writes and reads UTF-8'],
    ['another encoding after a byte order mark', `\ufeff<?xml version='1.0' encoding='utf-16'?><Preferences a="1"/>`, 'line 1, column 31: it says that its encoding is "utf-16"'],
  ])('refuses %s, and says where', (_, text, message) => {
    expect(() => readPreferences(Buffer.from(text))).toThrow(expect.objectContaining({ kind: 'refused', message: expect.stringContaining(message) as string }) as Error);
  });

  it.each([
    ['a byte that begins no character', '<Preferences a="', [0xff], 'line 1, column 17'],
    ['Latin-1 in the third line, after characters of several bytes', '<Preferences\n a="é"\n b="é🎬', [0xe9, 0x20], 'line 3, column 7'],
    ['a character that does not go on', '<Preferences a="', [0xef, 0xbf, 0x20], 'line 1, column 17'],
    ['a character cut off by the end', '<Preferences a="', [0xf0, 0x9f], 'line 1, column 17'],
    ['half of a pair', '<Preferences a="', [0xed, 0xa0, 0x80], 'line 1, column 17'],
  ])('refuses %s', (_, before, bytes, place) => {
    const file = Buffer.concat([Buffer.from(before), Buffer.from(bytes), bytes.at(-1) === 0x9f ? Buffer.alloc(0) : Buffer.from('"/>')]);
    expect(() => readPreferences(file)).toThrow(`${place}: it is no valid UTF-8 here`);
  });

  it.each([
    ['little end first', Buffer.from('\ufeff<Preferences a="1"/>', 'utf16le')],
    ['big end first', Buffer.from('\ufeff<Preferences a="1"/>', 'utf16le').swap16()],
    ['without a byte order mark', Buffer.from('<?xml version="1.0"?><Preferences a="1"/>', 'utf16le')],
  ])('refuses UTF-16, %s', (_, bytes) => {
    expect(() => readPreferences(bytes)).toThrow('line 1, column 1: it is written in UTF-16');
  });

  it('never quotes a token', () => {
    for (const text of ['<Preferences PlexOnlineToken="s3cret" b=<3/>', '<Preferences PlexOnlineToken="x&s3cret;"/>', '<Preferences PlexOnlineToken="x&s3cret/>', '<Preferences PlexOnlineToken=s3cret/>', '<Preferences PlexOnlineToken="s3cret" PlexOnlineToken="s3cret"/>', '<Preferences PlexOnlineToken="s3cret']) {
      expect(() => readPreferences(Buffer.from(text))).toThrow(expect.objectContaining({ message: expect.not.stringContaining('s3cret') as string }) as Error);
    }
  });

  it('takes names and line breaks as XML does', () => {
    const odd = Buffer.from('<?xml version="1.0" encoding="UTF-8"?>\r\n<Preferences\r\n\ta.b-c_1=\t"x\r\ny"\r\n _d = \'\u00a0\' é="1" __proto__="2" constructor=""/>\r\n<!-- end -->\r\n');
    const read = readPreferences(odd);
    expect(read.names.map((name) => [name, read.get(name)])).toEqual([['a.b-c_1', 'x y'], ['_d', '\u00a0'], ['é', '1'], ['__proto__', '2'], ['constructor', '']]);
    expect(read.get('toString')).toBe(null);
  });

  it('reads a value of several megabytes', () => {
    const long = 'x&amp;'.repeat(500_000);
    expect(readPreferences(Buffer.from(`<Preferences a="${long}" b="1"/>`)).get('a')?.length).toBe(1_000_000);
  });
});

describe('editPreferences', () => {
  it('leaves every byte outside the edits alone', () => {
    const edited = editPreferences(file, [{ name: 'Lines', value: null }, { name: 'FriendlyName', value: `it's <"new">` }, { name: 'autoEmptyTrash', value: '0' }]);
    expect(edited.toString()).toBe(
      file
        .toString()
        .replace(' Lines="a&#10;b&#xA;c"', '')
        .replace(`'Jo&apos;s "box"'`, `'it&apos;s &lt;"new"&gt;'`)
        .replace('"s3cret"/>', '"s3cret" autoEmptyTrash="0"/>'),
    );
  });

  it('changes no byte for a value that is there already, nor for the removal of one that is not', () => {
    expect(editPreferences(file, [{ name: 'Lines', value: 'a\nb\nc' }, { name: 'absent', value: null }])).toEqual(file);
  });

  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,8}$/);
  const value = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll('\u0000', ''));
  const settings = fc.uniqueArray(fc.tuple(name, value), { minLength: 1, maxLength: 8, selector: ([name]) => name });
  const space = fc.stringMatching(/^(?: |\n|\r\n|\t){1,3}$/);
  const around = fc.constantFrom('', ' ', '\n');

  // A value as any program may have written it: each character raw where that is allowed, or as one of its entities.
  const spelled = fc
    .tuple(fc.array(fc.tuple(fc.oneof(fc.constantFrom('&', '<', '>', '"', "'", '\n', '\r', '\t', ' ', 'é', '🎬', '\u0085', '\u00a0'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 })), fc.nat(4)), { maxLength: 10 }), fc.constantFrom('"', "'"))
    .map(([characters, quote]) => {
      const write = (character: string, way: number): string => {
        const code = character.codePointAt(0) ?? 0;
        const mayBeRaw = !['&', '<', quote].includes(character);
        const named = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }[character];
        const ways = [mayBeRaw ? character : `&#${code};`, `&#${code};`, `&#x${code.toString(16)};`, `&#x000${code.toString(16).toUpperCase()};`, named ?? `&#0${code};`];
        return ways[way] ?? '';
      };
      return `${quote}${characters.flatMap(([text, way]) => Array.from(text.replaceAll('\u0000', ''), (character) => write(character, way))).join('')}${quote}`;
    });
  const attribute = fc.record({ lead: space, name, before: around, after: around, raw: spelled });
  const written = fc.record({
    head: fc.constantFrom('', '\ufeff', '<?xml version="1.0" encoding="utf-8"?>\n', '\ufeff<?xml version="1.0"?>\r\n<!-- <Preferences a="1"/> -->', '\n<?pi x="y"?>').filter((head) => !head.startsWith('\n<?xml')),
    attributes: fc.uniqueArray(attribute, { maxLength: 8, selector: (each) => each.name }),
    tail: fc.constantFrom('/>', ' />\n', '></Preferences>', '\r\n>\n</Preferences >\n', '/><!-- end="1" -->'),
  });
  const textOf = ({ lead, name, before, after, raw }: { readonly lead: string; readonly name: string; readonly before: string; readonly after: string; readonly raw: string }): string => `${lead}${name}${before}=${after}${raw}`;

  it('in any spelling, changes nothing but the values it was told, and reads as an XML parser does', () => {
    fc.assert(
      fc.property(written, fc.uniqueArray(fc.tuple(fc.oneof(name, fc.nat(7)), fc.option(value)), { maxLength: 6, selector: ([which]) => which }), ({ head, attributes, tail }, wanted) => {
        const bytes = Buffer.from(`${head}<Preferences${attributes.map(textOf).join('')}${tail}`);
        const read = readPreferences(bytes);
        const parsed = parseXml(bytes.toString()).root?.attributes ?? {};
        expect(read.names).toEqual(attributes.map((each) => each.name));
        for (const each of read.names) expect(read.get(each)).toBe(parsed[each]);

        const edits = new Map(wanted.flatMap(([which, to]): [string, string | null][] => (typeof which === 'string' ? [[which, to]] : attributes[which] === undefined ? [] : [[attributes[which].name, to]])));
        const edited = editPreferences(bytes, Array.from(edits, ([each, to]) => ({ name: each, value: to }))).toString();

        // Step through the result: every piece is either the very text it was, or a changed value between the same quotes.
        let at = 0;
        const take = (text: string): void => {
          expect(edited.slice(at, at + text.length)).toBe(text);
          at += text.length;
        };
        take(`${head}<Preferences`);
        for (const each of attributes) {
          const to = edits.get(each.name);
          if (to === null) continue;
          if (to === undefined || to === read.get(each.name)) {
            take(textOf(each));
            continue;
          }
          const quote = each.raw.charAt(0);
          take(textOf({ ...each, raw: quote }));
          at = edited.indexOf(quote, at);
          take(quote);
        }
        for (const [each, to] of edits) {
          if (to === null || attributes.some((known) => known.name === each)) continue;
          take(` ${each}="`);
          at = edited.indexOf('"', at);
          take('"');
        }
        take(tail);
        expect(at).toBe(edited.length);
        const after = parseXml(edited).root?.attributes ?? {};
        const wantedOf = (each: string): string | undefined => (edits.has(each) ? (edits.get(each) ?? undefined) : parsed[each]);
        for (const each of [...attributes.map((known) => known.name), ...edits.keys()]) expect([each, after[each]]).toEqual([each, wantedOf(each)]);
      }),
      { numRuns: cases(300, 20_000), ...(isLong ? {} : { seed: 20_261_123 }) },
    );
  });

  it('gives back what was put in, and the old bytes when the edits are undone', () => {
    fc.assert(
      fc.property(settings, settings, (before, wanted) => {
        const empty = Buffer.from('<?xml version="1.0" encoding="utf-8"?>\n<Preferences/>');
        const old = editPreferences(empty, before.map(([name, value]) => ({ name, value })));
        const edited = editPreferences(old, wanted.map(([name, value]) => ({ name, value })));
        const read = readPreferences(edited);
        const expected = new Map([...before, ...wanted]);
        expect(new Map(read.names.map((name) => [name, read.get(name)]))).toEqual(expected);
        const undone = editPreferences(edited, wanted.map(([name]) => ({ name, value: readPreferences(old).get(name) })));
        expect(undone).toEqual(old);
      }),
      { numRuns: cases(100, 20_000), ...(isLong ? {} : { seed: 20_261_123 }) },
    );
  });
});
