import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandSpec } from '../command.ts';
import { readConfiguration } from '../configuration.ts';
import { configurationFile, sharedOptions, withChart } from '../options.ts';
import { runDirectoryOf, withSession } from '../session.ts';
import { walk } from './migrate.ts';

/** Runs every check of both sides and changes nothing; keeps no record, so it can be run at any time beside a run. */
export const check: CommandSpec = {
  usage: 'check',
  summary: 'run every check of both sides; changes nothing',
  options: [sharedOptions.configuration, sharedOptions.yes, sharedOptions.accept, sharedOptions.chart, sharedOptions.json],
  async run(invocation) {
    const configuration = readConfiguration(configurationFile(invocation.options, invocation.terminal));
    // Beside the run directory there would be, so that the room found is the room there is.
    const parent = dirname(runDirectoryOf(configuration, invocation).root);
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const run = mkdtempSync(join(parent, 'check-'));
    try {
      return await withSession({ command: 'check', ...invocation, options: { ...invocation.options, run }, adjust: (read) => withChart(read, invocation) }, (session) => walk(session, { terminal: invocation.terminal, options: { until: 'preflight' } }));
    } finally {
      rmSync(run, { recursive: true, force: true });
    }
  },
};
