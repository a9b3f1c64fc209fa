import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandSpec } from '../commands.ts';
import { sharedOptions } from '../options.ts';
import { withSession } from '../session.ts';
import { walk } from './migrate.ts';

/** Runs every check of both sides and changes nothing; keeps no record, so it can be run at any time beside a run. */
export const check: CommandSpec = {
  usage: 'check',
  summary: 'run every check of both sides; changes nothing',
  options: [sharedOptions.configuration, sharedOptions.yes, sharedOptions.accept, sharedOptions.json],
  async run(invocation) {
    const run = mkdtempSync(join(tmpdir(), 'plexlift-check-'));
    try {
      return await withSession({ command: 'check', ...invocation, options: { ...invocation.options, run } }, (session) => walk(session, { terminal: invocation.terminal, options: { until: 'preflight' } }));
    } finally {
      rmSync(run, { recursive: true, force: true });
    }
  },
};
