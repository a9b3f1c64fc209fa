import type { Finding } from '../../runner/check.ts';
import type { RecordedEvent } from '../../runner/events.ts';
import { bytesText, durationText } from '../../units.ts';
import type { ReportContext, ReportSection } from './section.ts';
import { table } from './section.ts';
import { resultSections } from './results.ts';

/** Every section of the report, in order. A new one is a new entry here. */
export const reportSections: readonly ReportSection[] = [
  { heading: 'In short', lines: inShort },
  { heading: 'What went wrong', lines: failures },
  { heading: 'Steps', lines: steps },
  ...resultSections,
  { heading: 'Checks', lines: checks },
  { heading: 'Questions and answers', lines: answers },
  { heading: 'Worth knowing', lines: notes },
  { heading: 'Rolling back', lines: undoing },
  { heading: 'Left on the volume', lines: leftOnVolume },
  { heading: 'Commands carried out', lines: commandsRun },
];

function inShort({ events, steps: planned, history }: ReportContext): readonly string[] {
  const created = events.findLast((event) => event.type === 'run-created');
  const begun = events.find((event) => event.type === 'command-begun');
  const ended = events.findLast((event) => event.type === 'command-ended');
  const last = events.findLast((event) => event.type === 'command-begun');
  const done = planned.filter((step) => history.stateOf(step.name).status === 'finished').length;
  return [
    ...(created?.type === 'run-created' ? [`- Run ${created.run}, from ${created.fingerprint.source} to ${created.fingerprint.target}`] : []),
    ...(begun === undefined ? [] : [`- Begun ${begun.at}${ended === undefined ? '' : `, last command ended ${ended.at}`}`]),
    ...(last?.type === 'command-begun' ? last.paths.map(({ from, to }) => `- \`${from}\` becomes \`${to}\``) : []),
    `- ${done} of ${planned.length} steps are done`,
    ...(ended?.type === 'command-ended' ? [`- The last command was \`plexlift ${ended.command}\`: ${ended.outcome === 'done' ? 'done' : `${ended.outcome}, ${ended.message}`}`] : []),
  ];
}

function failures({ events, history }: ReportContext): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'step-failed') return [`- ${event.at} \`${event.step}\` (${event.kind}${history.stateOf(event.step).status === 'finished' ? '; done since then' : ''}): ${event.message}`, ...event.facts.map(item), item(`Remedy: ${event.remedy}`)];
    if (event.type === 'undo-failed') return [`- ${event.at} undoing \`${event.step}\`: ${event.message}`, item(`Remedy: ${event.remedy}`)];
    return [];
  });
}

/** An item below another; lines after the first are to be copied as they are. */
function item(text: string): string {
  const [sentence = '', ...copied] = text.split('\n');
  return [`  - ${sentence}`, ...(copied.length === 0 ? [] : ['```', ...copied, '```'].map((line) => `    ${line}`))].join('\n');
}

function steps({ steps: planned, history }: ReportContext): readonly string[] {
  return table(
    ['', 'step', 'what it does', 'state', 'took'],
    planned.map((step, position) => {
      const state = history.stateOf(step.name);
      return [String(position + 1), `\`${step.name}\``, step.title, state.status, state.status === 'finished' ? durationText(state.durationMs) : ''];
    }),
  );
}

function checks({ events }: ReportContext): readonly string[] {
  // A check that ran several times is told as it was found last.
  const latest = new Map<string, Extract<RecordedEvent, { type: 'check-finished' }>>();
  for (const event of events) if (event.type === 'check-finished') latest.set(`${event.step}/${event.name}`, event);
  if (latest.size === 0) return [];
  return table(
    ['step', 'check', 'claim', 'found', 'detail'],
    [...latest.values()].map((event) => [event.step, `\`${event.name}\``, event.claim, event.accepted ? 'fail, accepted' : event.finding.status, detailOf(event.finding)]),
  );
}

function detailOf(finding: Finding): string {
  switch (finding.status) {
    case 'pass':
      return finding.detail;
    case 'skip':
      return `not checked: ${finding.reason}`;
    case 'warn':
    case 'fail':
      // What is to be copied does not fit into a cell; it stands with the failure.
      return `${finding.detail}. ${finding.remedy.split('\n')[0] ?? ''}`;
    default:
      return finding satisfies never;
  }
}

function answers({ events }: ReportContext): readonly string[] {
  return events.flatMap((event) => (event.type === 'question-answered' ? [`- ${event.at} ${event.title} **${event.answer}**${event.by === 'flag' ? ' (answered ahead with a flag)' : ''}`] : []));
}

function notes({ events }: ReportContext): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'noted') return [`- \`${event.step}\`: ${event.text}`];
    if (event.type === 'results-discarded') return [`- Done again: ${event.steps.map((step) => `\`${step}\``).join(', ')}, because ${event.reason}`];
    return [];
  });
}

function undoing({ events }: ReportContext): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'undo-finished') return [`- ${event.at} \`${event.step}\` undone`];
    if (event.type === 'nothing-to-undo') return [`- ${event.at} \`${event.step}\`: nothing to undo, ${event.reason}`];
    return [];
  });
}

function leftOnVolume({ events }: ReportContext): readonly string[] {
  const told = events.findLast((event) => event.type === 'leftovers-told');
  if (told?.type !== 'leftovers-told') return [];
  if (told.leftovers.length === 0) return [`As of ${told.at}: nothing beside the library.`];
  return [`As of ${told.at}:`, '', ...table(['what', 'path', 'size', 'how to remove it'], told.leftovers.map(({ what, path, sizeBytes, remove }) => [what, `\`${path}\``, sizeBytes === null ? 'not known' : bytesText(sizeBytes), `\`${remove}\``]))];
}

function commandsRun({ events }: ReportContext): readonly string[] {
  const runs = events.filter((event) => event.type === 'command-run');
  if (runs.length === 0) return [];
  const byMachine = new Map<string, number>();
  for (const event of runs) byMachine.set(event.machine, (byMachine.get(event.machine) ?? 0) + 1);
  const rows = [...byMachine].map(([machine, count]) => [machine, String(count)]);
  return [...table(['machine', 'commands'], rows), '', 'Each of them, with its exit code, is in `journal.ndjson`.'];
}
