import { resolve } from 'node:path';
import type { CommandSpec } from '../command.ts';
import { configurationFile, sharedOptions, textOption, withLimit } from '../options.ts';
import { withSession } from '../session.ts';
import { walk } from './migrate.ts';

/** Walks the whole road into a directory, with the source left running. */
export const rehearse: CommandSpec = {
  usage: 'rehearse [directory]',
  summary: 'walk the whole road into a directory here (default ./plexlift-rehearsal); the source keeps serving and the target is not touched',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.yes, sharedOptions.accept, sharedOptions.until, sharedOptions.again, sharedOptions.limit, sharedOptions.json],
  run(invocation) {
    const { options, terminal, positional } = invocation;
    const directory = resolve(terminal.currentDirectory, positional[0] ?? 'plexlift-rehearsal');
    const run = textOption(options, 'run') ?? `${directory}.run`;
    return withSession(
      { command: 'rehearse', ...invocation, options: { ...options, config: configurationFile(options, terminal), run }, rehearsal: true, adjust: (configuration) => withLimit({ ...configuration, target: { directory } }, options) },
      (session) => walk(session, invocation),
    );
  },
};
