import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { foreseen, messageOf, PlexliftError } from '../errors.ts';
import { isBeingRemoved } from '../migration/finishing.ts';
import type { Migration } from '../migration/migration.ts';
import { requireKnownNames } from '../migration/names.ts';
import { plan, rehearsalPlan } from '../migration/plan.ts';
import type { RunDirectory } from '../migration/runDirectory.ts';
import { clearScratch, createRunDirectory, journalBytes, removeScratch, requireSameMigration, runDirectoryAt, writeWhole } from '../migration/runDirectory.ts';
import { parseMapping } from '../plex/pathMapping.ts';
import type { Observer, RecordedEvent, RunEvent } from '../runner/events.ts';
import { eventsOfRun, historyOf } from '../runner/history.ts';
import type { Journal } from '../runner/journal.ts';
import { openJournal, readJournal } from '../runner/journal.ts';
import { takeLock } from '../runner/lock.ts';
import { discardFrom } from '../runner/run.ts';
import type { Step } from '../runner/step.ts';
import { listingAhead } from '../transfer/listingAhead.ts';
import { openManifest } from '../transfer/manifest.ts';
import { parseAnswers } from '../ui/answers.ts';
import { askPerson } from '../ui/ask.ts';
import { markdownReport } from '../ui/report/markdown.ts';
import { jsonReporter, terminalReporter } from '../ui/terminal.ts';
import { plexliftVersion } from '../version.ts';
import { assemble } from './assemble.ts';
import type { Configuration } from './configuration.ts';
import { configurationFileName, defaultRunDirectory, fingerprintOf, readConfiguration } from './configuration.ts';
import { describeEarlyEnding, describeEnding } from './ending.ts';
import { errorText } from './errorText.ts';
import type { GivenOptions } from './options.ts';
import { configurationFile, listOption, textOption } from './options.ts';
import type { Terminal } from './terminal.ts';

/** A run that is open for work: locked, journalled, both sides assembled. */
export interface Session {
  readonly configuration: Configuration;
  readonly migration: Migration;
  readonly journal: Journal;
  readonly plan: readonly Step<Migration>[];
  /** Keeps a copy of the journal on the volume once the landing area is open, so that a lost computer is not a lost rollback. */
  readonly keepRecord: () => Promise<void>;
}

/** How a command wants its session. */
export interface SessionOptions {
  readonly command: string;
  readonly options: GivenOptions;
  readonly terminal: Terminal;
  readonly rehearsal?: boolean;
  /** The command is about the latest run, also where that was taken back or finished: it begins no other. */
  readonly keepsRun?: true;
  /** The command has work to do also where the machine of the source cannot be reached. */
  readonly worksWithoutSource?: true;
  /** Changes to the configuration as read, e.g. a rehearsal's target. */
  readonly adjust?: (configuration: Configuration) => Configuration;
}

/** Opens the run directory, does `work`, and closes everything again whatever happened: ending told, report written, lock released. */
export async function withSession(options: SessionOptions, work: (session: Session) => Promise<void>): Promise<number> {
  const read = readConfiguration(configurationFile(options.options, options.terminal));
  const configuration = options.adjust?.(read) ?? read;
  const directory = runDirectoryOf(configuration, options);
  const wanted = fingerprintOf(configuration);
  createRunDirectory(directory);
  requireSameMigration(directory, { recorded: recordedFingerprint(directory), wanted });
  const lock = takeLock(directory.lock);
  try {
    clearScratch(directory);
    const steps = options.rehearsal === true ? rehearsalPlan : plan;
    const journal = openJournal(directory.journal, { observe: observerFor(options, steps) });
    try {
      if (lock.takenOver !== null) journal.record({ type: 'noted', step: options.command, text: `The lock of ${lock.takenOver}, which is no longer there, was taken over` });
      const run = currentRun(journal, { fingerprint: wanted, steps, keepsRun: options.keepsRun ?? false });
      noticeChangedMapping(journal, configuration, steps);
      journal.record({ type: 'command-begun', command: options.command, plexlift: plexliftVersion, paths: configuration.paths, fileGuids: configuration.fileGuids });
      await workInSession({ ...options, configuration, directory, journal, run, steps }, work);
      writeReport(directory, journal.events);
      return 0;
    } catch (error) {
      tellUnwritable(options.terminal, { first: error, write: () => writeReport(directory, journal.events) });
      throw error;
    } finally {
      journal.close();
    }
  } finally {
    tellUnwritable(options.terminal, { first: null, write: () => removeScratch(directory) });
    lock.release();
  }
}

interface OpenSession extends SessionOptions {
  readonly configuration: Configuration;
  readonly directory: RunDirectory;
  readonly journal: Journal;
  readonly run: string;
  readonly steps: readonly Step<Migration>[];
}

async function workInSession(open: OpenSession, work: (session: Session) => Promise<void>): Promise<void> {
  const { journal, command, terminal, configuration, directory } = open;
  let manifest: ReturnType<typeof openManifest> | undefined;
  let isAssembled = false;
  let isOver = false;
  let unrecorded: unknown = null;
  // A command that another one's failure left behind may end after the journal is closed. And it ends where nobody could catch what is thrown.
  const recordCommand = (event: RunEvent): void => {
    if (isOver) return;
    try {
      journal.record(event);
    } catch (error) {
      unrecorded ??= error;
    }
  };
  try {
    const answers = parseAnswers(listOption(open.options, 'yes'));
    const sides = await assemble(configuration, { terminal, record: recordCommand, showValues: (yaml) => showValues(yaml, open), scratchDirectory: directory.scratch, worksWithoutSource: open.worksWithoutSource ?? false });
    isAssembled = true;
    const accepted = new Set(listOption(open.options, 'accept'));
    const migration: Migration = {
      ...sides,
      run: open.run,
      runs: journal.events.flatMap((event) => (event.type === 'run-created' ? [event.run] : [])),
      pairs: configuration.paths,
      mapping: parseMapping(configuration.paths),
      fileGuids: configuration.fileGuids,
      directory,
      rehearsal: open.rehearsal ?? false,
      limitBytesPerSecond: configuration.limit ?? null,
      manifest: () => (manifest ??= openManifest(directory.manifestOf(open.run))),
      listingAhead: listingAhead(),
      ask: askPerson({ answers, interactive: terminal.interactive, output: terminal.stderr, record: (answer) => journal.record({ type: 'question-answered', ...answer }) }),
      accepted,
      record: (event) => journal.record(event),
    };
    try {
      requireKnownNames({ accepted, answered: answers.keys() }, sides);
      try {
        await work({ configuration, migration, journal, plan: open.steps, keepRecord: () => keepJournalOnVolume(migration, journal) });
      } finally {
        await migration.listingAhead.close();
      }
      if (unrecorded !== null) throw unrecorded;
      journal.record({ type: 'command-ended', command, outcome: 'done', message: '' });
      terminal.stderr.write(await describeEnding({ migration, plan: open.steps, journal, error: null, command }));
    } catch (thrown) {
      const error = foreseen(thrown);
      recordFailure(open, error);
      terminal.stderr.write(`\n${errorText(error)}${await describeEnding({ migration, plan: open.steps, journal, error, command })}`);
      throw new AlreadyTold(error);
    } finally {
      manifest?.close();
      await sides.close();
    }
  } catch (thrown) {
    if (thrown instanceof AlreadyTold) throw thrown;
    const error = foreseen(thrown);
    recordFailure(open, error);
    terminal.stderr.write(`\n${errorText(error)}${isAssembled ? '' : describeEarlyEnding({ plan: open.steps, journal, directory, command })}`);
    throw new AlreadyTold(error);
  } finally {
    isOver = true;
  }
}

/** Whole and without margins, so that it can be copied or redirected; where standard output carries events, the file alone has it. */
function showValues(yaml: string, { directory, options, terminal }: OpenSession): string {
  writeWhole(directory.valuesToCommit, yaml);
  const place = `in "${directory.valuesToCommit}"`;
  if (options['json'] === true) return place;
  terminal.stdout.write(yaml);
  return `printed on standard output, and ${place}`;
}

/** What was thrown, after the person has read it. */
export class AlreadyTold extends Error {
  override readonly name = 'AlreadyTold';

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
  }
}

function recordFailure(open: OpenSession, error: unknown): void {
  const { journal, command } = open;
  const outcome = error instanceof PlexliftError ? error.kind : 'bug';
  tellUnwritable(open.terminal, { first: error, write: () => journal.record({ type: 'command-ended', command, outcome, message: messageOf(error) }) });
}

/** Writes for the record of a command that failed already: where that fails too, it is told, and does not take the place of the first failure. */
function tellUnwritable(terminal: Terminal, { first, write }: { readonly first: unknown; readonly write: () => void }): void {
  try {
    write();
  } catch (thrown) {
    if (messageOf(thrown) !== messageOf(first)) terminal.stderr.write(`\n${errorText(foreseen(thrown))}`);
  }
}

/** The run directory the options or the configuration name, or the default for this pair of sides. */
export function runDirectoryOf(configuration: Configuration, options: Pick<SessionOptions, 'options' | 'terminal'>): RunDirectory {
  const given = textOption(options.options, 'run');
  const { currentDirectory, stateHome } = options.terminal;
  return runDirectoryAt(given === undefined ? (configuration.run ?? defaultRunDirectory(fingerprintOf(configuration), stateHome)) : resolve(currentDirectory, given));
}

/**
 * The run directory for commands that only read: `--run`, or what the configuration says. Throws `usage` where no run was ever begun.
 */
export function existingRun(options: Pick<SessionOptions, 'options' | 'terminal'>): { readonly directory: RunDirectory; readonly events: readonly RecordedEvent[] } {
  const given = textOption(options.options, 'run');
  const directory =
    given === undefined ? runDirectoryOf(readConfiguration(configurationFile(options.options, options.terminal)), options) : runDirectoryAt(resolve(options.terminal.currentDirectory, given));
  const events = readJournal(directory.journal);
  if (events.length > 0) return { directory, events };
  const isDirectory = statSync(directory.root, { throwIfNoEntry: false })?.isDirectory() === true;
  throw new PlexliftError('usage', `Cannot find a run in "${directory.root}": ${isDirectory ? 'it has no journal' : 'there is no such directory'}`, {
    remedy: `Begin one with "plexlift migrate", or name its directory with --run DIR or its configuration with --config FILE (default ${configurationFileName})`,
  });
}

function recordedFingerprint(directory: RunDirectory) {
  const created = readJournal(directory.journal).find((event) => event.type === 'run-created');
  return created?.type === 'run-created' ? created.fingerprint : null;
}

/**
 * The run's name on the volume. A new one is begun when there is none, when the last one's library was withdrawn (its landing area
 * became a library once and is kept under its name, so the next needs another), and when the last one was taken back and what it had
 * copied was removed. What a rollback that was cut off left on record of the former landing area says nothing about the new one.
 */
function currentRun(journal: Journal, { fingerprint, steps, keepsRun }: { readonly fingerprint: ReturnType<typeof fingerprintOf>; readonly steps: readonly Step<Migration>[]; readonly keepsRun: boolean }): string {
  const created = journal.events.findLast((event) => event.type === 'run-created');
  const events = eventsOfRun(journal.events);
  const wasWithdrawn = events.some((event) => event.type === 'undo-finished' && event.step === 'publish');
  const wasRemoved = events.some((event) => event.type === 'finished') && historyOf(events).stateOf('publish').status !== 'finished';
  if (!keepsRun && !wasWithdrawn && isBeingRemoved(events)) {
    throw new PlexliftError('refused', 'Cannot begin: removing what was copied was agreed to, and is not known to have ended', { remedy: 'Nothing was changed. "plexlift finish" completes that; "plexlift migrate" then copies everything anew' });
  }
  if (created?.type === 'run-created' && (keepsRun || !(wasWithdrawn || wasRemoved))) return created.run;
  const stamp = new Date().toISOString().replace(/[-:]/g, '').slice(0, 15).toLowerCase();
  const run = `${stamp}-${randomBytes(2).toString('hex')}`;
  journal.record({ type: 'run-created', run, fingerprint, plexlift: plexliftVersion });
  const first = steps.find((step) => step.touches === 'landing area');
  if (created !== undefined && first !== undefined) discardFrom(first.name, { plan: steps, journal, reason: 'what was copied became a library that was withdrawn, or was removed, and a new landing area is begun' });
  return run;
}

/** A changed mapping makes what was examined and rewritten worthless, but not the copies: it discards results from `examine` on. */
function noticeChangedMapping(journal: Journal, configuration: Configuration, steps: readonly Step<Migration>[]): void {
  const last = journal.events.findLast((event) => event.type === 'command-begun');
  if (last?.type !== 'command-begun') return;
  const hasSamePaths = JSON.stringify(last.paths) === JSON.stringify(configuration.paths);
  const hasSameGuids = (last.fileGuids ?? 'leave') === configuration.fileGuids;
  if (hasSamePaths && hasSameGuids) return;
  if (historyOf(journal.events).wasAttempted('publish')) {
    throw new PlexliftError('refused', 'Cannot change the path mapping once publishing was begun', { remedy: 'Take it back with "plexlift rollback" (with the paths as they were), then migrate again' });
  }
  discardFrom('examine', { plan: steps, journal, reason: `${hasSamePaths ? '"fileGuids"' : 'the path mapping'} in the configuration changed` });
}

function observerFor(options: SessionOptions, steps: readonly Step<Migration>[]): Observer {
  const { terminal } = options;
  if (options.options['json'] === true) return jsonReporter(terminal.stdout);
  return terminalReporter({ output: terminal.stderr, colour: terminal.colour, live: 'isTTY' in terminal.stderr && terminal.stderr.isTTY === true, unicode: terminal.unicode, steps });
}

async function keepJournalOnVolume(migration: Migration, journal: Journal): Promise<void> {
  if (historyOf(journal.events).stateOf('open-target').status !== 'finished') return;
  await migration.target.keepJournal(journalBytes(migration.directory));
}

function writeReport(directory: RunDirectory, events: readonly RecordedEvent[]): void {
  if (events.length > 0) writeWhole(directory.report, markdownReport(events, plan));
}
