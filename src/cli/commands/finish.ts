import { PlexliftError } from '../../errors.ts';
import { isBeingRemoved, isPastReturn, stateOncePublished, wasFinishedSincePublishing } from '../../migration/finishing.ts';
import type { Migration } from '../../migration/migration.ts';
import type { Inspection } from '../../migration/steps/inspect.ts';
import { whileWaiting } from '../../migration/whileWaiting.ts';
import type { RecordedEvent } from '../../runner/events.ts';
import { eventsOfRun, historyOf } from '../../runner/history.ts';
import type { CommandSpec } from '../command.ts';
import { sharedOptions } from '../options.ts';
import type { Session } from '../session.ts';
import { existingRun, withSession } from '../session.ts';
import { tellLeftovers } from '../tellLeftovers.ts';

/** Ends a migration that is verified, or was rolled back: takes the gate and its leftovers away, with consent, because there is no way on or back from there. */
export const finish: CommandSpec = {
  usage: 'finish',
  summary: 'take the gate and its leftovers away after you are content, or after a rollback; afterwards there is no rollback',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.yes, sharedOptions.json],
  async run(invocation) {
    existingRun(invocation);
    return withSession({ command: 'finish', keepsRun: true, worksWithoutSource: true, ...invocation }, async (session) => {
      const { migration, journal } = session;
      const events = eventsOfRun(journal.events);
      const before = events.findLast((event) => event.type === 'finished');
      if (before === undefined) await finishRun(session, events);
      else journal.record({ type: 'noted', step: 'finish', text: `Nothing was changed: this run was finished already, ${before.at}` });
      await tellLeftovers(migration, { journal, command: 'finish' });
    });
  },
};

async function finishRun({ migration, journal, plan }: Session, events: readonly RecordedEvent[]): Promise<void> {
  // A new run that has begun nothing yet says nothing of what an earlier one left.
  const history = historyOf(journal.events);
  const wasRolledBack = history.stateOf('open-target').status === 'undone' && !plan.some(({ name }) => history.wasAttempted(name));
  const state = await stateOncePublished(events, migration);
  const isPast = state !== null && isPastReturn(events, { state, run: migration.run });
  if (!isPast && !wasRolledBack) requireWhole(events);
  if (!isPast && state?.phase === 'withdrawn') throw new PlexliftError('refused', 'Cannot finish: a rollback was begun, and withdraws the library', { remedy: 'Nothing was changed. "plexlift rollback" completes that; "plexlift migrate" then begins anew' });
  const { target: before } = inspectionIn(journal.events);
  if (isPast || isBeingRemoved(events)) journal.record({ type: 'noted', step: 'finish', text: 'It was consented to before, and what is removed may be gone already: what was begun is completed' });
  else await askForConsent(migration, { wasRolledBack, laterDifference: laterDifference(events) });
  const done = await whileWaiting(migration.target.finish({ runs: migration.runs, before }), { what: 'waiting for the gate to leave the target', progress: (progress) => journal.pass({ type: 'progress', step: 'finish', progress }) });
  journal.record({ type: 'finished', facts: { done: [...done] } });
  for (const sentence of done) journal.record({ type: 'noted', step: 'finish', text: sentence });
}

/** A server that was used since may differ from what was moved; that it was compared once, and has its settings back, is what counts. */
function requireWhole(events: readonly RecordedEvent[]): void {
  const remedy = 'Run "plexlift migrate" to the end first, or take it back with "plexlift rollback"';
  if (!wasFinishedSincePublishing(events, 'verify')) throw new PlexliftError('refused', 'Cannot finish: the library was not verified', { remedy });
  if (!wasFinishedSincePublishing(events, 'restore-settings')) throw new PlexliftError('refused', 'Cannot finish: the settings that were held for the first start were not given back, and would stay as they are', { remedy });
}

/** What a comparison found that was made again after the one that passed; null where there is none. */
function laterDifference(events: readonly RecordedEvent[]): string | null {
  const state = historyOf(events).stateOf('verify');
  return state.status === 'failed' ? state.message : null;
}

async function askForConsent(migration: Migration, { wasRolledBack, laterDifference }: { readonly wasRolledBack: boolean; readonly laterDifference: string | null }): Promise<void> {
  const answer = await migration.ask.choose({
    id: 'finish',
    title: wasRolledBack ? 'Remove what this run copied?' : 'End this migration for good?',
    detail: wasRolledBack ? afterRollback(migration) : [...afterVerify(migration), ...(laterDifference === null ? [] : [`It was verified, and the last comparison since said: ${laterDifference}. A server that is used changes; the report tells what differed.`])],
    choices: [
      { value: 'finish', label: wasRolledBack ? 'yes, remove it' : 'yes, end it' },
      { value: 'keep', label: wasRolledBack ? 'no, keep it for another try' : 'no, keep the way back' },
    ],
    yes: 'finish',
  });
  if (answer === 'keep') throw new PlexliftError('refused', 'The migration was not ended, as you chose', { remedy: 'Nothing was changed' });
}

function afterVerify({ source, target }: Pick<Migration, 'source' | 'target'>): readonly string[] {
  return [`The gate and the landing area leave ${target.name}; the library stays. Plex on ${source.name} stays stopped and unchanged, but "plexlift rollback" is no longer possible.`, 'A library that was set aside is not deleted.'];
}

function afterRollback({ target }: Pick<Migration, 'target'>): readonly string[] {
  return [`Everything was taken back. The landing area leaves the volume of ${target.name}; a later "plexlift migrate" copies everything anew.`, 'No library is deleted, also not one that was withdrawn.'];
}

/** Recorded before anything changed; that it was taken back since does not make it less true. */
function inspectionIn(events: readonly RecordedEvent[]): Inspection {
  const found = events.findLast((event) => event.type === 'step-finished' && event.step === 'inspect');
  if (found?.type !== 'step-finished') throw new Error('a run is finished and "inspect" has not');
  return found.result as unknown as Inspection;
}
