import { PlexliftError } from '../errors.ts';
import { afterwards } from '../migration/afterwards.ts';
import type { Finishing } from '../migration/finishing.ts';
import { finishingOf, wasCleared } from '../migration/finishing.ts';
import type { Migration } from '../migration/migration.ts';
import { eventsOfRun, historyOf } from '../runner/history.ts';
import type { Journal } from '../runner/journal.ts';
import type { Step } from '../runner/step.ts';
import { doneLines, leftoverLines } from './takenBack.ts';
import { truthsOf } from './truths.ts';

/** What an ending is told from. */
export interface EndingOptions {
  readonly migration: Migration;
  readonly plan: readonly Step<Migration>[];
  readonly journal: Journal;
  readonly error: unknown;
  readonly command: string;
}

/** What is true now, asked of both sides at this moment, and what to type next. Never throws: what cannot be told is said so. */
export async function describeEnding(options: EndingOptions): Promise<string> {
  const { migration, journal, plan, error, command } = options;
  const history = historyOf(journal.events);
  const { lines: truths, isPastReturn, areTwoServers } = await truthsOf(migration, { events: journal.events, error });
  const lines = ['', ...doneLines(options), 'What is true now', ...truths.map((line) => `  ${line}`)];
  // A check keeps no record: its run directory goes when it ends.
  if (command !== 'check') lines.push(`  On record: ${migration.directory.journal}`, `  Report:    ${migration.directory.report}`);
  lines.push(...leftoverLines(journal.events));
  const isWhole = plan.every((step) => history.stateOf(step.name).status === 'finished');
  if (isWhole && error === null && command === 'migrate' && migration.source.kind === 'systemd') lines.push('', 'For you to do', ...afterwards.map((text) => `  ${text}`));
  lines.push('', `Next: ${nextCommand({ isWhole, error, command, finishing: finishingOf(eventsOfRun(journal.events)), isPastReturn, areTwoServers, wasCleared: wasCleared(journal.events), anythingDone: plan.some((step) => step.undo !== undefined && history.wasAttempted(step.name)) })}`, '');
  return lines.join('\n');
}

/** What is true where a command ended before both sides could be used. */
export function describeEarlyEnding({ plan, journal, directory, command }: Pick<EndingOptions, 'plan' | 'journal' | 'command'> & Pick<Migration, 'directory'>): string {
  const history = historyOf(journal.events);
  const isTouched = plan.some((step) => step.undo !== undefined && history.wasAttempted(step.name));
  return [
    '',
    'What is true now',
    '  Nothing was changed: this command ended before it did anything to source or target',
    ...(isTouched ? ['  What earlier commands of this run did still stands; "plexlift status" tells it'] : []),
    ...(command === 'check' ? [] : [`  On record: ${directory.journal}`, `  Report:    ${directory.report}`]),
    '',
    `Next: do what is said above, then "plexlift ${command}"`,
    '',
  ].join('\n');
}

function nextCommand(options: { readonly isWhole: boolean; readonly error: unknown; readonly command: string; readonly finishing: Finishing; readonly isPastReturn: boolean; readonly areTwoServers: boolean; readonly wasCleared: boolean; readonly anythingDone: boolean }): string {
  const { isWhole, error, command, finishing, isPastReturn, areTwoServers, wasCleared, anythingDone } = options;
  if (areTwoServers) return 'end one of the two servers, as is said above';
  if (finishing === 'ended') return error === null || command === 'rollback' ? 'nothing; the migration is over' : `do what is said above, then "plexlift ${command}"`;
  if (isPastReturn) return 'plexlift finish (completes what was begun)';
  if (command === 'rollback') return error === null ? `everything is as it was; "plexlift migrate" begins anew${wasCleared ? '' : ', "plexlift finish" removes what was copied'}` : 'plexlift rollback';
  if (command === 'check') return error === null ? 'plexlift migrate' : 'do what is said beside each failed check, then "plexlift check"';
  if (command === 'finish') return error === null ? 'nothing; the migration is over' : 'plexlift finish';
  if (error instanceof PlexliftError && error.kind === 'difference') return 'look at the differences in the report; then "plexlift verify", or "plexlift rollback" to go back';
  if (error instanceof PlexliftError && error.kind === 'refused' && !anythingDone) return `do what is said above, then "plexlift ${command}" (continues where it stopped)`;
  if (error !== null) return anythingDone && command !== 'rehearse' ? `plexlift ${command} (continues where it stopped), or "plexlift rollback" to go back` : `plexlift ${command} (continues where it stopped)`;
  if (command === 'rehearse') return 'look at the report; then "plexlift migrate"';
  return isWhole ? 'use it for a while; then "plexlift finish", or "plexlift rollback" to go back' : 'plexlift migrate (continues)';
}
