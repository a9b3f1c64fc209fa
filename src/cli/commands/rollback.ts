import { PlexliftError } from '../../errors.ts';
import { finishingOf, isPastReturn, stateOncePublished } from '../../migration/finishing.ts';
import type { Migration } from '../../migration/migration.ts';
import type { RecordedEvent } from '../../runner/events.ts';
import { eventsOfRun, historyOf } from '../../runner/history.ts';
import { rollBack } from '../../runner/run.ts';
import type { CommandSpec } from '../command.ts';
import { existingRun, withSession } from '../session.ts';
import { sharedOptions } from '../options.ts';
import { tellLeftovers } from '../tellLeftovers.ts';

/** Takes back everything that was done to source and target, last step first. */
export const rollback: CommandSpec = {
  usage: 'rollback',
  summary: 'take everything back: withdraw the library, start the source again, put the release back as it was',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.yes, sharedOptions.json],
  async run(invocation) {
    existingRun(invocation);
    return withSession({ command: 'rollback', keepsRun: true, ...invocation }, async ({ migration, journal, plan }) => {
      const events = eventsOfRun(journal.events);
      await requireWayBack(events, migration);
      // What a former run did and was not taken back is still to be, also where a new one has begun nothing.
      const history = historyOf(journal.events);
      const hasAnything = plan.some(({ name }) => history.wasAttempted(name));
      if (hasAnything) await rollBack({ plan, context: migration, journal, signal: invocation.terminal.signal });
      else journal.record({ type: 'noted', step: 'rollback', text: alreadyText(events.findLast((event) => event.type === 'command-ended' && event.command === 'rollback' && event.outcome === 'done')?.at) });
      await tellLeftovers(migration, { journal, command: 'rollback' });
    });
  },
};

/** Asked before anything is undone, so that a refusal leaves the journal as it is and `finish` can go on from it. */
export async function requireWayBack(events: readonly RecordedEvent[], migration: Pick<Migration, 'target' | 'run'>): Promise<void> {
  const byHand = 'the source is unchanged, and can be started by hand after the new server is stopped for good';
  if (finishingOf(events) === 'ended') throw new PlexliftError('refused', 'Cannot roll back: this migration was finished, and what rolling back needs was removed with consent', { remedy: `Nothing was changed; ${byHand}` });
  const state = await stateOncePublished(events, migration);
  if (state === null || !isPastReturn(events, { state, run: migration.run })) return;
  throw new PlexliftError('refused', 'Cannot roll back: "plexlift finish" was begun with consent and has not ended, and what rolling back needs is gone, or may be', { remedy: `Nothing was changed. "plexlift finish" completes what was begun; ${byHand}` });
}

function alreadyText(at: string | undefined): string {
  return at === undefined ? 'Nothing was changed: this run has done nothing yet that could be taken back' : `Nothing was changed: everything was taken back already, ${at}`;
}
