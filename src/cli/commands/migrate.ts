import { PlexliftError } from '../../errors.ts';
import { historyOf } from '../../runner/history.ts';
import { discardFrom, runPlan, unknownStep } from '../../runner/run.ts';
import type { CommandSpec, Invocation } from '../command.ts';
import { sharedOptions, textOption, withChart, withLimit } from '../options.ts';
import type { Session } from '../session.ts';
import { withSession } from '../session.ts';

/** Begins a migration, or continues it where it stands. */
export const migrate: CommandSpec = {
  usage: 'migrate',
  summary: 'move the library; begins, or continues where it stands',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.yes, sharedOptions.accept, sharedOptions.until, sharedOptions.again, sharedOptions.limit, sharedOptions.chart, sharedOptions.json],
  run: (invocation) => withSession({ command: 'migrate', ...invocation, adjust: (configuration) => withChart(withLimit(configuration, invocation.options), invocation) }, (session) => walk(session, invocation)),
};

/** Walks the session's plan as `--until` and `--again` say. */
export async function walk(session: Session, { options, terminal }: Pick<Invocation, 'options' | 'terminal'>): Promise<void> {
  const until = textOption(options, 'until');
  if (until !== undefined && !session.plan.some((step) => step.name === until)) throw unknownStep(until, session.plan);
  const again = textOption(options, 'again');
  if (again !== undefined) await beginAgain(session, again);
  await runPlan({ plan: session.plan, context: session.migration, journal: session.journal, signal: terminal.signal, keepRecord: session.keepRecord, ...(until === undefined ? {} : { until }) });
}

/** What undo needs was observed before anything changed; after that, looking anew would record the changed state as the former one. */
async function beginAgain(session: Session, step: string): Promise<void> {
  const history = historyOf(session.journal.events);
  const position = session.plan.findIndex((candidate) => candidate.name === step);
  const touched = session.plan.filter((candidate) => (candidate.touches === 'source' || candidate.touches === 'target') && history.wasAttempted(candidate.name));
  const isFirst = position === 0;
  if (isFirst && touched.length > 0) {
    throw new PlexliftError('refused', `Cannot do "${step}" again: ${touched.map((candidate) => `"${candidate.name}"`).join(', ')} already changed what it would look at`, { remedy: 'Take that back first with "plexlift rollback"; or begin again at a later step' });
  }
  const publish = session.plan.findIndex((candidate) => candidate.seals === true);
  if (position >= 0 && position <= publish && history.wasAttempted('publish') && (await session.migration.target.state()).phase !== 'landing') {
    throw new PlexliftError('refused', `Cannot do "${step}" again: the library was already published`, { remedy: 'Take it back first with "plexlift rollback"' });
  }
  discardFrom(step, { plan: session.plan, journal: session.journal, reason: `asked for with --again ${step}` });
}
