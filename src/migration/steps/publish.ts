import { PlexliftError } from '../../errors.ts';
import type { Target } from '../../targets/target.ts';
import type { MigrationStep } from '../migration.ts';
import { inspect } from './inspect.ts';
import { media } from './media.ts';
import { isLibraryOf, openTarget } from './openTarget.ts';
import { requireUnchangedSince, takeCatalogue } from './takeCatalogue.ts';

/** When the library became the library. */
export type Published = { readonly existingLibrary: 'none' | 'set aside'; readonly publishedAt: string };

/** Proves once more that the source is stopped and unchanged; then, by renames, makes the landing area the library and opens the gate. */
export const publish: MigrationStep<'run' | 'runs' | 'source' | 'target' | 'rehearsal', Published> = {
  name: 'publish',
  title: 'Make it the library',
  touches: 'target',
  seals: true,
  async run({ run, source, target, rehearsal, resultOf }) {
    if (!rehearsal) {
      if (await source.isRunning()) {
        throw new PlexliftError('failed', `Cannot publish: Plex runs again on ${source.name}`, { remedy: 'Two servers with one identity damage each other. Run "plexlift migrate --again stop-source": it asks, stops it, and takes what changed' });
      }
      await requireUnchangedSince(resultOf(takeCatalogue).snapshot, source);
    }
    const { existingLibrary } = resultOf(openTarget);
    await target.publish({ run, existingLibrary, sentinels: resultOf(media).sentinels });
    const state = await target.state();
    if (state.phase !== 'published' || state.run !== run) {
      throw new PlexliftError('failed', `Cannot publish on ${target.name}: the volume says "${state.phase}"`, { remedy: 'Run the same command again: it completes what was begun' });
    }
    return { existingLibrary, publishedAt: new Date().toISOString() };
  },
  async alreadyDone({ run, target, resultOf }) {
    return isLibraryOf(run, await target.state()) ? { existingLibrary: resultOf(openTarget).existingLibrary, publishedAt: new Date().toISOString() } : null;
  },
  async undo({ runs, source, target, resultOf, note }) {
    const before = resultOf(inspect);
    const withdrawn = await target.withdraw({ runs, before: before.target });
    await requireNotServing(target, { identity: before.source.processedMachineIdentifier, source: source.name });
    if (withdrawn.length === 0) return { nothingToUndo: 'it was stopped before anything became the library; the landing area is as it was' };
    for (const sentence of withdrawn) note(sentence);
    return undefined;
  },
};

/** The source is started after this. That the library was withdrawn should be enough; but what counts is what the server there says. */
async function requireNotServing(target: Target, { identity, source }: { readonly identity: string | null; readonly source: string }): Promise<void> {
  const serving = await target.serving();
  if (serving === null || serving !== identity) return;
  throw new PlexliftError('failed', `Cannot let Plex on ${source} start again: ${target.name} still answers as ${identity}`, { remedy: 'Two servers with one identity damage each other. Stop that one, then run "plexlift rollback" again' });
}
