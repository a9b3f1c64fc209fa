import { expect, test } from 'vitest';
import { restoreSettings } from '../../src/migration/steps/restoreSettings.ts';
import { readPreferences } from '../../src/plex/preferences.ts';
import type { Target } from '../../src/targets/target.ts';
import { stepTools } from './literalFacts.ts';

const held = [{ name: 'autoEmptyTrash', before: null, value: '0' }, { name: 'ScheduledLibraryUpdatesEnabled', before: '1', value: '0' }];

async function restored(options: { readonly media?: Partial<Record<'missing' | 'unreadable' | 'notLookedUp', number>>; readonly accepted?: readonly string[]; readonly before?: string | null }) {
  let bytes = Buffer.from('<?xml version="1.0" encoding="utf-8"?>\n<Preferences autoEmptyTrash="0" ScheduledLibraryUpdatesEnabled="0" Kept="yes"/>\n');
  const target = { editPreferences: async (edit: (bytes: Buffer) => Buffer) => void (bytes = Buffer.from(edit(bytes))) } as unknown as Target;
  const before = options.before === undefined ? held : [{ name: 'autoEmptyTrash', before: options.before, value: '0' }, ...held.slice(1)];
  const tools = stepTools({ rewrite: { report: { preferences: { held: before } } }, media: { missing: 0, unreadable: 0, notLookedUp: 0, ...options.media } });
  await restoreSettings.run({ target, accepted: new Set(options.accepted), ...tools });
  const preferences = readPreferences(bytes);
  return { trash: preferences.get('autoEmptyTrash'), scans: preferences.get('ScheduledLibraryUpdatesEnabled'), kept: preferences.get('Kept'), notes: tools.notes };
}

test('with every file seen, all of it goes back, and an absent setting is absent again', async () => {
  expect(await restored({})).toEqual({ trash: null, scans: '1', kept: 'yes', notes: [] });
});

test.each([{ missing: 1 }, { unreadable: 1 }, { notLookedUp: 1 }])('with %o the trash is not emptied by itself, everything else goes back', async (media) => {
  const { trash, scans, notes } = await restored({ media });
  expect({ trash, scans }).toEqual({ trash: '0', scans: '1' });
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(/stays off: 1 media files .*--again restore-settings --accept missing-media/);
});

test('a person can accept that files are missing', async () => {
  expect(await restored({ media: { missing: 3 }, accepted: ['missing-media'] })).toMatchObject({ trash: null, notes: [] });
});

test('where it was off before, there is nothing to keep off', async () => {
  expect(await restored({ media: { missing: 3 }, before: '0' })).toMatchObject({ trash: '0', notes: [] });
});
