import { PlexliftError } from '../../errors.ts';
import { verify } from '../../migration/steps/verify.ts';
import { historyOf } from '../../runner/history.ts';
import { runPlan } from '../../runner/run.ts';
import type { CommandSpec } from '../command.ts';
import { sharedOptions } from '../options.ts';
import { existingRun, withSession } from '../session.ts';

/** Compares the running server with what was moved, again, any time after publish. */
export const verifyAgain: CommandSpec = {
  usage: 'verify',
  summary: 'compare the running server with what was moved, again; any time after it was published',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.yes, sharedOptions.json],
  async run(invocation) {
    existingRun(invocation);
    return withSession({ command: 'verify', keepsRun: true, worksWithoutSource: true, ...invocation }, async ({ migration, journal, plan, keepRecord }) => {
      if (historyOf(journal.events).stateOf('publish').status !== 'finished') throw new PlexliftError('refused', 'Cannot verify: nothing was published yet', { remedy: 'Run "plexlift migrate" to the end; it verifies by itself' });
      // This step alone: what came after it (the settings that were given back) stays done.
      if (historyOf(journal.events).stateOf(verify.name).status === 'finished') journal.record({ type: 'results-discarded', steps: [verify.name], reason: 'asked for with "plexlift verify"' });
      await runPlan({ plan: plan.filter((step) => step.name === verify.name), context: migration, journal, signal: invocation.terminal.signal, keepRecord });
    });
  },
};
