import { PlexliftError } from '../errors.ts';
import type { Check } from '../runner/check.ts';
import type { Source } from '../sources/source.ts';
import type { Target } from '../targets/target.ts';
import { coverageChecks } from './checks/coverage.ts';
import { preflightChecks } from './checks/preflight.ts';
import { schemaChecks } from './checks/schema.ts';
import { mountsShowMedia, sameShares } from './mediaProof.ts';

/** Every question a migration may ask, by the id that `--yes` answers ahead. */
export const questionIds = ['existing-library', 'stop-source', 'finish'] as const;

/** Accepting this gives automatic trash emptying back although media are missing; it is no check that could fail. */
export const missingMediaName = 'missing-media';

/** Refuses a mistyped `--accept` or `--yes`: it would be ignored now, and missed at midnight. Throws `usage`. */
export function requireKnownNames(given: { readonly accepted: Iterable<string>; readonly answered: Iterable<string> }, sides: { readonly source: Pick<Source, 'checks'>; readonly target: Pick<Target, 'checks' | 'checksWhenHeld'> }): void {
  const known: readonly Pick<Check, 'name' | 'acceptable'>[] = [...sides.source.checks, ...sides.target.checks, ...sides.target.checksWhenHeld, ...preflightChecks, ...coverageChecks, ...schemaChecks, mountsShowMedia, sameShares];
  const checks = known.filter(({ acceptable }) => acceptable !== false).map(({ name }) => name);
  for (const name of given.accepted) {
    if (known.some((check) => check.name === name && check.acceptable === false)) throw new PlexliftError('usage', `Cannot accept "${name}": going on could only end badly`, { remedy: 'Do what the check says, then run the same command again without accepting it' });
    if (!checks.includes(name) && name !== missingMediaName) throw new PlexliftError('usage', `Cannot accept "${name}": there is no such check`, { remedy: `Use the name as a failed check shows it; there are: ${[...new Set([...checks, missingMediaName])].join(', ')}` });
  }
  for (const id of given.answered) {
    if (!questionIds.some((known) => known === id)) throw new PlexliftError('usage', `Cannot answer "${id}" ahead: there is no such question`, { remedy: `Use one of: ${questionIds.join(', ')}` });
  }
}
