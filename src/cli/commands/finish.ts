import { PlexliftError } from '../../errors.ts';
import type { Inspection } from '../../migration/steps/inspect.ts';
import { whileWaiting } from '../../migration/whileWaiting.ts';
import type { RecordedEvent } from '../../runner/events.ts';
import { historyOf } from '../../runner/history.ts';
import type { CommandSpec } from '../command.ts';
import { sharedOptions } from '../options.ts';
import { existingRun, withSession } from '../session.ts';

/** Ends a migration that is verified: takes the gate and its leftovers away, with consent, because rolling back ends with it. */
export const finish: CommandSpec = {
  usage: 'finish',
  summary: 'take the gate and its leftovers away after you are content; afterwards there is no rollback',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.yes, sharedOptions.json],
  async run(invocation) {
    existingRun(invocation);
    return withSession({ command: 'finish', ...invocation }, async ({ migration, journal }) => {
      if (historyOf(journal.events).stateOf('verify').status !== 'finished') throw new PlexliftError('refused', 'Cannot finish: the library was not verified', { remedy: 'Run "plexlift migrate" to the end first, or take it back with "plexlift rollback"' });
      const answer = await migration.ask.choose({
        id: 'finish',
        title: 'End this migration for good?',
        detail: [`The gate and the landing area leave ${migration.target.name}; the library stays. Plex on ${migration.source.name} stays stopped and unchanged, but "plexlift rollback" is no longer possible.`, 'A library that was set aside is not deleted.'],
        choices: [
          { value: 'finish', label: 'yes, end it' },
          { value: 'keep', label: 'no, keep the way back' },
        ],
        yes: 'finish',
      });
      if (answer === 'keep') throw new PlexliftError('refused', 'The migration was not ended, as you chose', { remedy: 'Nothing was changed' });
      const done = await whileWaiting(migration.target.finish(inspectionIn(journal.events).target), { what: 'waiting for the gate to leave the target', progress: (progress) => journal.pass({ type: 'progress', step: 'finish', progress }) });
      journal.record({ type: 'finished', facts: { done: [...done] } });
      for (const sentence of done) journal.record({ type: 'noted', step: 'finish', text: sentence });
    });
  },
};

function inspectionIn(events: readonly RecordedEvent[]): Inspection {
  const state = historyOf(events).stateOf('inspect');
  if (state.status !== 'finished') throw new Error('verify has finished and inspect has not');
  return state.result as unknown as Inspection;
}
