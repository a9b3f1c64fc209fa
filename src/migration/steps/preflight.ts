import type { CheckOutcome } from '../../runner/check.ts';
import { preflightChecks } from '../checks/preflight.ts';
import type { MigrationStep } from '../migration.ts';
import { runChecks } from '../runChecks.ts';
import { inspect } from './inspect.ts';

/** What every check found. */
export type PreflightResult = { readonly checks: readonly CheckOutcome[] };

/** Every check of both sides, all run before anyone decides. */
export const preflight: MigrationStep<'here' | 'source' | 'target' | 'pairs' | 'directory' | 'accepted' | 'record', PreflightResult> = {
  name: 'preflight',
  title: 'Check both sides',
  touches: 'nothing',
  judges: inspect.name,
  async run({ here, source, target, pairs, directory, accepted, record, resultOf }) {
    const facts = resultOf(inspect);
    const context = { source: facts.source, target: facts.target, pairs, here, runDirectory: directory.root, activity: () => source.activity() };
    const ofKinds = [...source.checks, ...target.checks].map((check) => ({ ...check, run: () => check.run() }));
    return { checks: await runChecks([...ofKinds, ...preflightChecks], context, { step: 'preflight', accepted, record }) };
  },
};
