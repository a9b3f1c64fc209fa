import { PlexliftError } from '../../errors.ts';
import { historyOf } from '../../runner/history.ts';
import { discardFrom, runPlan } from '../../runner/run.ts';
import type { CommandSpec } from '../commands.ts';
import { sharedOptions } from '../options.ts';
import { existingRun, withSession } from '../session.ts';

/** Compares the running server with what was moved, again, any time after publish. */
export const verifyAgain: CommandSpec = {
  usage: 'verify',
  summary: 'compare the running server with what was moved, again; any time after it was published',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.yes, sharedOptions.json],
  async run(invocation) {
    existingRun(invocation);
    return withSession({ command: 'verify', ...invocation }, async ({ migration, journal, plan, afterStep }) => {
      if (historyOf(journal.events).stateOf('publish').status !== 'finished') throw new PlexliftError('refused', 'Cannot verify: nothing was published yet', { remedy: 'Run "plexlift migrate" to the end; it verifies by itself' });
      discardFrom('verify', { plan, journal, reason: 'asked for with "plexlift verify"' });
      await runPlan({ plan, context: migration, journal, signal: invocation.terminal.signal, until: 'verify', afterStep });
    });
  },
};
