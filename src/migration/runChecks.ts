import { messageOf, PlexliftError } from '../errors.ts';
import type { Check, CheckOutcome, Finding } from '../runner/check.ts';
import type { Migration } from './migration.ts';

/** Where the checks run: which step, what was accepted, and where the outcome is recorded. */
export interface CheckRun extends Pick<Migration, 'accepted' | 'record'> {
  readonly step: string;
}

/** Runs every check, records each, and only then decides: any failure that nobody accepts refuses the step, all of them named. */
export async function runChecks<Context>(checks: readonly Check<Context>[], context: Context, run: CheckRun): Promise<readonly CheckOutcome[]> {
  const outcomes: CheckOutcome[] = [];
  for (const check of checks) {
    const finding = await outcomeOf(check, context);
    const accepted = finding.status === 'fail' && check.acceptable !== false && run.accepted.has(check.name);
    outcomes.push({ name: check.name, claim: check.claim, finding, accepted });
    run.record({ type: 'check-finished', step: run.step, name: check.name, claim: check.claim, finding, accepted });
  }
  const failures = outcomes.filter((outcome) => outcome.finding.status === 'fail' && !outcome.accepted);
  if (failures.length > 0) throw refusal(run.step, failures, { acceptable: new Set(checks.filter(({ acceptable }) => acceptable !== false).map(({ name }) => name)) });
  return outcomes;
}

/** A check that throws could not tell, and that is a failure. */
async function outcomeOf<Context>(check: Check<Context>, context: Context): Promise<Finding> {
  try {
    return await check.run(context);
  } catch (error) {
    const remedy = error instanceof PlexliftError ? error.remedy : 'This is a bug in plexlift; please report it';
    return { status: 'fail', detail: `could not be checked: ${messageOf(error)}`, remedy };
  }
}

function refusal(step: string, failures: readonly CheckOutcome[], { acceptable }: { readonly acceptable: ReadonlySet<string> }): PlexliftError {
  const facts = failures.flatMap(({ name, finding }) => (finding.status === 'fail' ? [`${name}: ${finding.detail}`, `  ${finding.remedy.replaceAll('\n', '\n  ')}`] : []));
  const names = failures.map(({ name }) => name).filter((name) => acceptable.has(name));
  const accept = names.length === 0 ? '' : names.length === failures.length ? `; or accept one by name: --accept ${names.join(' --accept ')}` : `; of these only ${names.join(', ')} can be accepted: --accept ${names.join(' --accept ')}`;
  return new PlexliftError('refused', `Cannot go on from "${step}": ${failures.length === 1 ? 'one check' : `${failures.length} checks`} failed`, {
    facts,
    remedy: `Do what is said beside each, then run the same command again${accept}`,
  });
}
