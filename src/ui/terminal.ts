import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import type { Finding } from '../runner/check.ts';
import type { Observer, PassingEvent, RecordedEvent } from '../runner/events.ts';
import type { Progress } from '../runner/step.ts';
import { bytesText, durationText } from '../units.ts';

/** What the terminal reporter writes to, and the plan it numbers steps by. */
export interface TerminalOptions {
  readonly output: Writable;
  readonly colour: boolean;
  /** True where a line can be written over: progress is shown only then. */
  readonly live: boolean;
  readonly steps: readonly { readonly name: string; readonly title: string }[];
}

/** Tells a person what happens, line by line: a line as each step begins and ends, warnings and notes between. */
export function terminalReporter(options: TerminalOptions): Observer {
  const { output } = options;
  let liveLineLength = 0;
  const paint = (format: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string): string => (options.colour ? styleText(format, text, { validateStream: false }) : text);

  function line(text: string): void {
    clearLive();
    output.write(`${text}\n`);
  }

  function clearLive(): void {
    if (liveLineLength > 0) output.write(`\r${' '.repeat(liveLineLength)}\r`);
    liveLineLength = 0;
  }

  function showLive(text: string): void {
    clearLive();
    output.write(text);
    liveLineLength = text.length;
  }

  function number(step: string): string {
    const position = options.steps.findIndex((candidate) => candidate.name === step);
    return `${String(position + 1).padStart(2)}/${options.steps.length}`;
  }

  const titleOf = (step: string): string => options.steps.find((candidate) => candidate.name === step)?.title ?? step;

  return (event: RecordedEvent | PassingEvent) => {
    switch (event.type) {
      case 'step-begun':
        line(`${paint('bold', number(event.step))}  ${titleOf(event.step)}`);
        break;
      case 'step-finished':
        line(`       ${paint('green', 'done')} ${paint('dim', durationText(event.durationMs))}`);
        break;
      case 'step-failed':
        line(`       ${paint('red', event.kind === 'refused' ? 'stopped' : 'failed')}`);
        break;
      case 'check-finished':
        if (event.finding.status === 'warn' || event.finding.status === 'fail') for (const text of findingLines(event.name, event.finding, event.accepted)) line(`       ${paint(event.finding.status === 'fail' && !event.accepted ? 'red' : 'yellow', text)}`);
        break;
      case 'noted':
        line(`       ${event.text}`);
        break;
      case 'results-discarded':
        if (event.expected === true) line(paint('dim', `       ${event.reason.charAt(0).toUpperCase()}${event.reason.slice(1)}`));
        else line(paint('yellow', `       To be done again (${event.steps.join(', ')}): ${event.reason}`));
        break;
      case 'question-answered':
        line(paint('dim', `       ${event.id}: ${event.answer}${event.by === 'flag' ? ' (answered ahead)' : ''}`));
        break;
      case 'undo-begun':
        line(`${paint('bold', 'undo')}   ${titleOf(event.step)}`);
        break;
      case 'undo-finished':
        line(`       ${paint('green', 'undone')}`);
        break;
      case 'undo-failed':
        line(`       ${paint('red', 'not undone')}`);
        break;
      case 'progress':
        if (options.live) showLive(`       ${progressText(event.progress)}`);
        break;
      case 'run-created':
      case 'command-begun':
      case 'command-ended':
      case 'command-run':
      case 'nothing-to-undo':
      case 'finished':
        break;
      default:
        event satisfies never;
    }
  };
}

function findingLines(name: string, finding: Extract<Finding, { status: 'warn' | 'fail' }>, accepted: boolean): readonly string[] {
  const word = finding.status === 'warn' ? 'note' : accepted ? 'accepted' : 'failed';
  return [`${word}: ${name}: ${finding.detail}`, `  ${finding.remedy}`];
}

/** One line of progress, e.g. `sending  1.20 GiB of 12.6 GiB (9 %)`. */
export function progressText(progress: Progress): string {
  const amount = (value: number): string => {
    if (progress.unit === 'bytes') return bytesText(value);
    if (progress.unit === 'seconds') return durationText(value * 1000);
    return `${value.toLocaleString('en-GB')} ${progress.unit}`;
  };
  if (progress.total === undefined || progress.total === 0) return `${progress.what}  ${amount(progress.done)}`;
  return `${progress.what}  ${amount(progress.done)} of ${amount(progress.total)} (${Math.floor((100 * progress.done) / progress.total)} %)`;
}

/** Streams every event as one line of JSON. */
export function jsonReporter(output: Writable): Observer {
  return (event) => {
    output.write(`${JSON.stringify(event)}\n`);
  };
}
