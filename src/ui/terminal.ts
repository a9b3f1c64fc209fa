import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import type { Finding } from '../runner/check.ts';
import type { Observer, PassingEvent, RecordedEvent } from '../runner/events.ts';
import type { Json } from '../runner/json.ts';
import type { Progress } from '../runner/step.ts';
import { durationText } from '../units.ts';
import { liveLine } from './liveLine.ts';
import { milestones } from './milestones.ts';
import { progressLine, progressSentence } from './progressLine.ts';
import { stepSummary } from './stepSummary.ts';
import { wrapped } from './wrapped.ts';

/** What the terminal reporter writes to, and the plan it numbers steps by. */
export interface TerminalOptions {
  readonly output: Writable & { readonly columns?: number };
  readonly colour: boolean;
  /** True where a line can be written over. Where none can, only milestones of progress are told. */
  readonly live: boolean;
  /** True where more than the signs of a keyboard can be shown. */
  readonly unicode: boolean;
  readonly steps: readonly { readonly name: string; readonly title: string }[];
  readonly now?: () => number;
}

type Format = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** Everything about a step stands below its title. */
const indent = ' '.repeat(7);

/** Where the width of a terminal is not known. */
const usualColumns = 80;

/** Tells a person what happens, line by line: a line as each step begins and ends, warnings and notes between. */
export function terminalReporter(options: TerminalOptions): Observer {
  const { output, unicode, now = () => performance.now() } = options;
  const live = liveLine(output, now);
  const milestone = milestones(now);
  const paint = (format: Format, text: string): string => (options.colour ? styleText(format, text, { validateStream: false }) : text);

  function line(text: string): void {
    live.clear();
    output.write(`${text}\n`);
  }

  /** Says something below the title of a step; where the width is known, in lines that are broken between words. Lines after the first are to be copied, and stay as they are. */
  function say(text: string, { format, hang = 0 }: { readonly format?: Format; readonly hang?: number } = {}): void {
    const margin = indent.length + hang;
    const [sentence = '', ...copied] = text.split('\n');
    const lines = output.columns === undefined ? [sentence] : wrapped(sentence, Math.max(20, output.columns - margin - 1));
    for (const part of [...lines, ...copied]) line(`${' '.repeat(margin)}${format === undefined ? part : paint(format, part)}`);
  }

  function sayFinding(name: string, finding: Extract<Finding, { status: 'warn' | 'fail' }>, accepted: boolean): void {
    const format = finding.status === 'fail' && !accepted ? 'red' : 'yellow';
    const word = finding.status === 'warn' ? 'note' : accepted ? 'accepted' : 'failed';
    say(`${word}: ${name}: ${finding.detail}`, { format });
    say(finding.remedy, { format, hang: 2 });
  }

  function showProgress(progress: Progress): void {
    // The last column stays free: a terminal that reached it may begin a new line.
    const width = (output.columns ?? usualColumns) - indent.length - 1;
    if (options.live) live.show(`${indent}${progressLine(progress, { width, unicode })}`, progress.what);
    else if (milestone.isReached(progress)) say(progressSentence(progress), { format: 'dim' });
  }

  function showResult(result: Json): void {
    const summary = stepSummary(result);
    if (summary !== null) say(summary);
  }

  function number(step: string): string {
    const position = options.steps.findIndex((candidate) => candidate.name === step);
    return `${String(position + 1).padStart(2)}/${options.steps.length}`;
  }

  const titleOf = (step: string): string => options.steps.find((candidate) => candidate.name === step)?.title ?? step;

  return (event: RecordedEvent | PassingEvent) => {
    switch (event.type) {
      case 'step-begun':
        milestone.begin();
        line(`${paint('bold', number(event.step))}  ${titleOf(event.step)}`);
        break;
      case 'step-finished':
        showResult(event.result);
        line(`${indent}${paint('green', 'done')} ${paint('dim', durationText(event.durationMs))}`);
        break;
      case 'step-failed':
        say(event.kind === 'refused' || event.kind === 'interrupted' ? 'stopped' : 'failed', { format: 'red' });
        break;
      case 'check-finished':
        if (event.finding.status === 'warn' || event.finding.status === 'fail') sayFinding(event.name, event.finding, event.accepted);
        break;
      case 'noted':
        say(event.text);
        break;
      case 'results-discarded':
        if (event.expected === true) say(`${event.reason.charAt(0).toUpperCase()}${event.reason.slice(1)}`, { format: 'dim' });
        else say(`To be done again (${event.steps.join(', ')}): ${event.reason}`, { format: 'yellow' });
        break;
      case 'question-answered':
        say(`${event.id}: ${event.answer}${event.by === 'flag' ? ' (answered ahead)' : ''}`, { format: 'dim' });
        break;
      case 'undo-begun':
        line(`${paint('bold', 'undo')}   ${titleOf(event.step)}`);
        break;
      case 'undo-finished':
        say('undone', { format: 'green' });
        break;
      case 'undo-failed':
        say('not undone', { format: 'red' });
        break;
      case 'progress':
        showProgress(event.progress);
        break;
      case 'run-created':
      case 'command-begun':
      case 'command-ended':
      case 'command-run':
      case 'nothing-to-undo':
      case 'leftovers-told':
      case 'finished':
        break;
      default:
        event satisfies never;
    }
  };
}

/** Streams every event as one line of JSON. */
export function jsonReporter(output: Writable): Observer {
  return (event) => {
    output.write(`${JSON.stringify(event)}\n`);
  };
}
