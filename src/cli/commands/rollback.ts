import { PlexliftError } from '../../errors.ts';
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
      const history = historyOf(events);
      if (events.some((event) => event.type === 'finished') && history.stateOf('publish').status === 'finished') {
        throw new PlexliftError('refused', 'Cannot roll back: this migration was finished, and what rolling back needs was removed with consent', { remedy: 'The source is unchanged; start it by hand after the new server is stopped for good' });
      }
      const hasAnything = plan.some(({ name }) => history.wasAttempted(name));
      if (hasAnything) await rollBack({ plan, context: migration, journal, signal: invocation.terminal.signal });
      else journal.record({ type: 'noted', step: 'rollback', text: alreadyText(events.findLast((event) => event.type === 'command-ended' && event.command === 'rollback' && event.outcome === 'done')?.at) });
      await tellLeftovers(migration, journal);
    });
  },
};

function alreadyText(at: string | undefined): string {
  return at === undefined ? 'Nothing was changed: this run has done nothing yet that could be taken back' : `Nothing was changed: everything was taken back already, ${at}`;
}
