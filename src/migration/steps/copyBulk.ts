import type { SendSummary } from '../../transfer/engine.ts';
import { send } from '../../transfer/engine.ts';
import type { Tree } from '../../transfer/entry.ts';
import { byteLimit } from '../../transfer/limit.ts';
import { limitedTree } from '../../transfer/limitedTree.ts';
import type { ListingAhead } from '../../transfer/listingAhead.ts';
import { bytesText } from '../../units.ts';
import type { StepTools } from '../../runner/step.ts';
import { PlexliftError } from '../../errors.ts';
import type { Migration, MigrationStep } from '../migration.ts';
import { inspect } from './inspect.ts';
import { isBeyondLanding } from './openTarget.ts';
import { stillProven } from './stillProven.ts';

type CopyContext = Pick<Migration, 'source' | 'target' | 'manifest' | 'limitBytesPerSecond'> & StepTools;

/** Bulk, while the source still serves. Each time a run is continued until the source is stopped, so that little is left for the down time. */
export const copyAhead: MigrationStep<'run' | 'source' | 'target' | 'manifest' | 'rehearsal' | 'limitBytesPerSecond', SendSummary> = {
  name: 'copy-ahead',
  title: 'Copy artwork and everything else while the source serves',
  touches: 'landing area',
  run: (context) => copy(context, 'while running'),
  async stillHolds({ run, source, target, rehearsal }) {
    // Its source is never stopped: whatever came after this would be made again each time.
    if (rehearsal) return { status: 'pass', detail: 'a rehearsal copies what changed in "copy-rest"' };
    if (!(await source.isRunning())) return { status: 'pass', detail: 'no process of Plex runs, so nothing changes that "copy-rest" would not find' };
    const state = await target.state();
    if (state.run === run && isBeyondLanding(state)) return { status: 'pass', detail: 'publishing was begun on what was copied' };
    return { status: 'skip', reason: `Plex serves on ${source.name}, so what changed since the last time is copied` };
  },
};

/** Only what changed since, with the source at rest. Nothing may be left out now. */
export const copyRest: MigrationStep<'run' | 'source' | 'target' | 'manifest' | 'rehearsal' | 'limitBytesPerSecond' | 'listingAhead', SendSummary> = {
  name: 'copy-rest',
  title: 'Copy what changed since',
  touches: 'landing area',
  async run(context) {
    if (context.rehearsal) return copy(context, 'while running');
    const summary = await copy(context, 'at rest', context.listingAhead);
    if (summary.notSent.count > 0) {
      throw new PlexliftError('failed', `Cannot copy ${summary.notSent.count} entries although the source is at rest`, {
        facts: summary.notSent.first,
        remedy: 'Something other than Plex writes to the data directory, or it cannot be read: end that, then run the same command again',
      });
    }
    return summary;
  },
  async stillHolds(context) {
    if (context.rehearsal) return { status: 'pass', detail: 'the source of a rehearsal is never at rest' };
    return stillProven('bulk', context);
  },
};

async function copy(context: CopyContext, mode: 'while running' | 'at rest', listingAhead?: ListingAhead): Promise<SendSummary> {
  const { target, manifest, signal, note, resultOf } = context;
  const summary = await send({
    tree: mode === 'while running' ? treeWhileServing(context) : context.source.tree,
    treeName: 'bulk',
    target,
    manifest: manifest(),
    owner: resultOf(inspect).target.owner,
    mode,
    signal,
    progress: context.progress,
    ...(listingAhead === undefined ? {} : { listingAhead }),
  });
  if (summary.leavingLinks.count > 0) note(`${summary.leavingLinks.count} symbolic links lead out of the data directory and were copied as links: ${summary.leavingLinks.first.slice(0, 5).join(', ')}`);
  if (summary.skippedOther.count > 0) note(`${summary.skippedOther.count} sockets, pipes or devices were not copied: ${summary.skippedOther.first.slice(0, 5).join(', ')}`);
  return summary;
}

/** While people watch, copying gives way to them, and keeps the limit. Once nobody can watch, every second counts. */
function treeWhileServing({ source, limitBytesPerSecond, note }: CopyContext): Tree {
  if (limitBytesPerSecond === null) return source.treeWhileServing;
  note(`At most ${bytesText(limitBytesPerSecond)} a second is copied while the source serves; once it is stopped there is no limit`);
  return limitedTree(source.treeWhileServing, byteLimit(limitBytesPerSecond));
}
