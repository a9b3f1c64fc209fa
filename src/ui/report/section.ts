import type { z } from 'zod';
import type { RecordedEvent } from '../../runner/events.ts';
import type { History } from '../../runner/history.ts';

/** What a section of the report is written from: the events, and the steps in their order. */
export interface ReportContext {
  readonly events: readonly RecordedEvent[];
  readonly steps: readonly { readonly name: string; readonly title: string }[];
  readonly history: History;
}

/** A part of the report: its heading and its lines; no lines, no section. */
export interface ReportSection {
  readonly heading: string;
  readonly lines: (context: ReportContext) => readonly string[];
}

/** A Markdown table; cells keep their text, with what would end a cell escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** Lines from the result of a step that has finished; a result of another shape is named, not guessed. */
export function withResult<Shape>({ history }: ReportContext, step: string, shape: z.ZodType<Shape>, lines: (result: Shape) => readonly string[]): readonly string[] {
  const state = history.stateOf(step);
  if (state.status !== 'finished') return [];
  const parsed = shape.safeParse(state.result);
  return parsed.success ? lines(parsed.data) : [`The result of \`${step}\` was recorded by another version of plexlift; it stands in \`journal.ndjson\`.`];
}
