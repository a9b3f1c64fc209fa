import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editPreferences, readPreferences } from '../../src/plex/preferences.ts';

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
    ['<Preferences a="1" b=2/>', /line 1, column \d+/],
    ['<Preferences a="1"\n a="2"/>', /line 2, column \d+/],
    ['<Preferences a="x & y"/>', /line 1, column \d+/],
    ['<Preferences a="1"', /line 1, column \d+/],
    ['', /line 1/],
    ['<Settings a="1"/>', /"Settings", not "Preferences"/],
  ])('refuses %j', (text, message) => {
    expect(() => readPreferences(Buffer.from(text))).toThrow(message);
  });

  it('refuses bytes that are no UTF-8, and never quotes a token', () => {
    expect(() => readPreferences(Buffer.concat([Buffer.from('<Preferences a="'), Buffer.from([0xff]), Buffer.from('"/>')]))).toThrow('no valid UTF-8');
    expect(() => readPreferences(Buffer.from('<Preferences PlexOnlineToken="s3cret" b=<3/>'))).toThrow(expect.objectContaining({ message: expect.not.stringContaining('s3cret') as string }) as Error);
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

  it('gives back what was put in, and the old bytes when the edits are undone', () => {
    const settings = fc.uniqueArray(fc.tuple(name, value), { minLength: 1, maxLength: 8, selector: ([name]) => name });
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
    );
  });
});
