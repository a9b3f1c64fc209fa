import type { Migration } from '../migration/migration.ts';
import type { RecordedEvent } from '../runner/events.ts';
import type { Journal } from '../runner/journal.ts';
import type { Step } from '../runner/step.ts';
import { bytesText } from '../units.ts';

/** What a "rollback" or "finish" did and did not do, told from the events since it began. Nothing of other commands. */
export function doneLines({ journal, plan, command, migration }: { readonly journal: Journal; readonly plan: readonly Step<Migration>[]; readonly command: string; readonly migration: Pick<Migration, 'directory'> }): readonly string[] {
  const events = sinceBegun(journal.events);
  if (command === 'rollback') return rollbackLines(events, { plan, root: migration.directory.root });
  if (command === 'finish') return events.flatMap((event) => (event.type === 'finished' ? ['What was done', ...doneIn(event.facts).map((text) => `  ${text}`), 'What was not done', '  No library was removed: not the one in use, not one that was set aside or withdrawn', `  The run directory stays: ${migration.directory.root}`, ''] : []));
  return [];
}

function rollbackLines(events: readonly RecordedEvent[], { plan, root }: { readonly plan: readonly Step<Migration>[]; readonly root: string }): readonly string[] {
  const stepsOf = (type: 'undo-finished' | 'nothing-to-undo' | 'undo-failed'): readonly string[] => events.flatMap((event) => (event.type === type && plan.some(({ name }) => name === event.step) ? [event.step] : []));
  const undone = stepsOf('undo-finished');
  const nothing = stepsOf('nothing-to-undo');
  const failed = stepsOf('undo-failed');
  if (undone.length + nothing.length + failed.length === 0) return [];
  return [
    'What was done',
    `  Taken back: ${undone.length === 0 ? 'nothing' : undone.join(', ')}`,
    ...(nothing.length === 0 ? [] : [`  Nothing to take back: ${nothing.join(', ')}`]),
    ...(failed.length === 0 ? [] : [`  Not taken back, and nothing before it: ${failed.join(', ')}`]),
    'What was not done',
    '  Nothing was removed: what was copied, and a library that was withdrawn, stay on the volume',
    `  The run directory stays, with the backup: ${root}`,
    '',
  ];
}

/** What lies on the volume, as this command was told, with the commands that remove it. */
export function leftoverLines(events: readonly RecordedEvent[]): readonly string[] {
  const told = sinceBegun(events).findLast((event) => event.type === 'leftovers-told');
  if (told?.type !== 'leftovers-told') return [];
  if (told.leftovers.length === 0) return ['', 'Left on the volume: nothing beside the library'];
  return ['', 'Left on the volume, and how to remove it', ...told.leftovers.flatMap(({ what, path, sizeBytes, remove }) => [`  ${path} (${sizeBytes === null ? 'size not known' : bytesText(sizeBytes)}): ${what}`, `    ${remove}`])];
}

function sinceBegun(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  return events.slice(events.findLastIndex((event) => event.type === 'command-begun') + 1);
}

function doneIn(facts: Readonly<Record<string, unknown>>): readonly string[] {
  const done = facts['done'];
  return Array.isArray(done) ? done.filter((text) => typeof text === 'string') : [];
}
