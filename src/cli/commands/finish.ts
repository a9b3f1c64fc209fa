import { PlexliftError } from '../../errors.ts';
import { isPastReturn } from '../../migration/finishing.ts';
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
  const history = historyOf(events);
  const wasRolledBack = history.stateOf('open-target').status === 'undone' && !plan.some(({ name }) => history.wasAttempted(name));
  const isPast = await isPastReturn(events, migration.target);
  if (!isPast && !wasRolledBack && history.stateOf('verify').status !== 'finished') throw new PlexliftError('refused', 'Cannot finish: the library was not verified', { remedy: 'Run "plexlift migrate" to the end first, or take it back with "plexlift rollback"' });
  if (isPast) journal.record({ type: 'noted', step: 'finish', text: 'You consented before, and there is no way back any more: what was begun is completed' });
  else await askForConsent(migration, { wasRolledBack });
  const done = await whileWaiting(migration.target.finish(inspectionIn(events).target), { what: 'waiting for the gate to leave the target', progress: (progress) => journal.pass({ type: 'progress', step: 'finish', progress }) });
  journal.record({ type: 'finished', facts: { done: [...done] } });
  for (const sentence of done) journal.record({ type: 'noted', step: 'finish', text: sentence });
}

async function askForConsent(migration: Migration, { wasRolledBack }: { readonly wasRolledBack: boolean }): Promise<void> {
  const answer = await migration.ask.choose({
    id: 'finish',
    title: wasRolledBack ? 'Remove what this run copied?' : 'End this migration for good?',
    detail: wasRolledBack ? afterRollback(migration) : afterVerify(migration),
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
