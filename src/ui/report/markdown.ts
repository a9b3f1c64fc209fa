import type { RecordedEvent } from '../../runner/events.ts';
import { historyOf } from '../../runner/history.ts';
import type { ReportContext } from './section.ts';
import { reportSections } from './sections.ts';

/** The report of a run as Markdown: what the journal says, for a person who was not there. */
export function markdownReport(events: readonly RecordedEvent[], steps: ReportContext['steps']): string {
  const context: ReportContext = { events, steps, history: historyOf(events) };
  const parts = reportSections.map(({ heading, lines }) => ({ heading, lines: lines(context) })).filter((part) => part.lines.length > 0);
  return ['# Migration report', '', ...parts.flatMap((part) => [`## ${part.heading}`, '', ...part.lines, ''])].join('\n');
}
