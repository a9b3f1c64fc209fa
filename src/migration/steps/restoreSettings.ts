import type { PreferenceNote } from '../../plex/preferencePlan.ts';
import { restorePlan } from '../../plex/preferencePlan.ts';
import { editPreferences } from '../../plex/preferences.ts';
import type { MigrationStep } from '../migration.ts';
import { media } from './media.ts';
import { missingMediaName } from '../names.ts';
import { rewrite } from './rewrite.ts';

/** What was given back, and what was left held and why. */
export type RestoredSettings = { readonly report: readonly PreferenceNote[] };

/** Gives back the settings that were held for a safe first start. Trash emptying only when no media file is missing, or by consent. */
export const restoreSettings: MigrationStep<'target' | 'accepted', RestoredSettings> = {
  name: 'restore-settings',
  title: 'Give back the settings that were held for the first start',
  touches: 'target',
  async run({ target, accepted, resultOf, note }) {
    const { held } = resultOf(rewrite).report.preferences;
    const { missing, unreadable, notLookedUp } = resultOf(media);
    // What the server cannot open, or nobody could look for, is as good as missing to a scan.
    const unseen = missing + unreadable + notLookedUp;
    const keepTrash = unseen > 0 && !accepted.has(missingMediaName) && held.some(({ name, before }) => name === 'autoEmptyTrash' && before !== '0');
    let report: readonly PreferenceNote[] = [];
    // An absent setting cannot be made absent again over the API, so all of them are edited while the server is stopped.
    await target.editPreferences((bytes) => {
      const plan = restorePlan(bytes, held, { except: keepTrash ? ['autoEmptyTrash'] : [] });
      report = plan.report;
      return plan.edits.length === 0 ? bytes : editPreferences(bytes, plan.edits);
    });
    if (keepTrash) note(`"Empty trash automatically after every scan" stays off: ${unseen} media files ${unseen === missing ? 'are missing' : 'are missing, cannot be opened or were not looked up'}, and with it on the next scan would delete their items. Turn it on in the server's settings when the files are back, or, before "plexlift finish", run "plexlift migrate --again restore-settings --accept missing-media"`);
    return { report };
  },
  async undo({ note }) {
    note('The settings go with the library when it is withdrawn; the ones of the source were never changed');
  },
};
