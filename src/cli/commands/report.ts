import { plan } from '../../migration/plan.ts';
import { writeWhole } from '../../migration/runDirectory.ts';
import { markdownReport } from '../../ui/report/markdown.ts';
import type { CommandSpec } from '../command.ts';
import { sharedOptions } from '../options.ts';
import { existingRun } from '../session.ts';

/** Writes the report of a run anew from its journal and says where it is. */
export const report: CommandSpec = {
  usage: 'report',
  summary: 'write the report of a run from its journal, and say where it is',
  options: [sharedOptions.configuration, sharedOptions.run],
  async run(invocation) {
    const { directory, events } = existingRun(invocation);
    writeWhole(directory.report, markdownReport(events, plan));
    invocation.terminal.stdout.write(`${directory.report}\n`);
    return 0;
  },
};
