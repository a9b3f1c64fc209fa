import { messageOf, PlexliftError } from '../errors.ts';
import { afterwards } from '../migration/afterwards.ts';
import type { Migration } from '../migration/migration.ts';
import { historyOf } from '../runner/history.ts';
import type { Journal } from '../runner/journal.ts';
import type { Step } from '../runner/step.ts';

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
  const lines = ['', 'What is true now'];
  const told = { error, isTouched: (step: string) => history.wasAttempted(step), isFinished: journal.events.some((event) => event.type === 'finished') };
  lines.push(`  ${await sourceSentence(migration, told)}`);
  if (history.wasAttempted('open-target')) lines.push(`  ${await targetSentence(migration, told)}`);
  else if (wasUndone(journal, 'open-target')) lines.push(`  ${migration.target.name}: as it was; what was copied stays in ".plexlift" on its volume${wasUndone(journal, 'publish') ? ', and the withdrawn library beside it' : ''}`);
  else lines.push(`  ${migration.target.name}: nothing of this run is on it`);
  // A check keeps no record: its run directory goes when it ends.
  if (command !== 'check') lines.push(`  On record: ${migration.directory.journal}`, `  Report:    ${migration.directory.report}`);
  const isWhole = plan.every((step) => history.stateOf(step.name).status === 'finished');
  if (isWhole && error === null && command === 'migrate' && migration.source.kind === 'systemd') lines.push('', 'For you to do', ...afterwards.map((text) => `  ${text}`));
  lines.push('', `Next: ${nextCommand({ isWhole, error, command, anythingDone: plan.some((step) => step.undo !== undefined && history.wasAttempted(step.name)) })}`, '');
  return lines.join('\n');
}

function wasUndone(journal: Journal, step: string): boolean {
  return journal.events.some((event) => event.type === 'undo-finished' && event.step === step);
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

/** What the sentences about both sides are told from beside their answers. */
interface Told {
  readonly error: unknown;
  readonly isTouched: (step: string) => boolean;
  readonly isFinished: boolean;
}

async function sourceSentence({ source }: Migration, told: Told): Promise<string> {
  try {
    return `${source.name}: Plex ${(await source.isRunning()) ? 'is running' : 'is not running'}`;
  } catch (error) {
    return `${source.name}: could not be asked ${reasonFor(error, told)}${told.isTouched('stop-source') ? '' : '; this run did nothing to it'}`;
  }
}

async function targetSentence({ target, run }: Migration, told: Told): Promise<string> {
  try {
    const state = await target.state();
    switch (state.phase) {
      case 'none':
        return told.isFinished ? `${target.name}: the library is in use, and plexlift has left the release` : `${target.name}: nothing of this run is on it, and no library was changed`;
      case 'landing':
        return `${target.name}: Plex is held back there and serves nobody; the landing area of run ${state.run ?? run} is beside the library, and no library was changed`;
      case 'publishing':
        return `${target.name}: publishing was begun; the same command completes it`;
      case 'published':
        return `${target.name}: the library is published`;
      case 'withdrawn':
        return `${target.name}: the library was withdrawn; it is kept under another name`;
      default:
        return state.phase satisfies never;
    }
  } catch (error) {
    return `${target.name}: could not be asked ${reasonFor(error, told)}${told.isTouched('publish') ? '' : '; no library on it was changed'}`;
  }
}

/** A reason the person has just read is not told twice. */
function reasonFor(error: unknown, { error: ending }: Told): string {
  return ending !== null && messageOf(ending) === messageOf(error) ? 'for the reason above' : `(${messageOf(error)})`;
}

function nextCommand(options: { readonly isWhole: boolean; readonly error: unknown; readonly command: string; readonly anythingDone: boolean }): string {
  const { isWhole, error, command, anythingDone } = options;
  if (command === 'rollback') return error === null ? 'everything is as it was; "plexlift migrate" begins anew' : 'plexlift rollback';
  if (command === 'check') return error === null ? 'plexlift migrate' : 'do what is said beside each failed check, then "plexlift check"';
  if (command === 'finish') return error === null ? 'nothing; the migration is over' : 'plexlift finish';
  if (error instanceof PlexliftError && error.kind === 'difference') return 'look at the differences in the report; then "plexlift verify", or "plexlift rollback" to go back';
  if (error instanceof PlexliftError && error.kind === 'refused' && !anythingDone) return `do what is said above, then "plexlift ${command}" (continues where it stopped)`;
  if (error !== null) return anythingDone && command !== 'rehearse' ? `plexlift ${command} (continues where it stopped), or "plexlift rollback" to go back` : `plexlift ${command} (continues where it stopped)`;
  if (command === 'rehearse') return 'look at the report; then "plexlift migrate"';
  return isWhole ? 'use it for a while; then "plexlift finish", or "plexlift rollback" to go back' : 'plexlift migrate (continues)';
}
