import { PlexliftError } from '../../errors.ts';
import { rollBack } from '../../runner/run.ts';
import type { CommandSpec } from '../command.ts';
import { existingRun, withSession } from '../session.ts';
import { sharedOptions } from '../options.ts';

/** Takes back everything that was done to source and target, last step first. */
export const rollback: CommandSpec = {
  usage: 'rollback',
  summary: 'take everything back: withdraw the library, start the source again, put the release back as it was',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.yes, sharedOptions.json],
  async run(invocation) {
    existingRun(invocation);
    return withSession({ command: 'rollback', ...invocation }, async ({ migration, journal, plan }) => {
      if (journal.events.some((event) => event.type === 'finished')) {
        throw new PlexliftError('refused', 'Cannot roll back: this migration was finished, and what rolling back needs was removed with consent', { remedy: 'The source is unchanged; start it by hand after the new server is stopped for good' });
      }
      await rollBack({ plan, context: migration, journal, signal: invocation.terminal.signal });
    });
  },
};
