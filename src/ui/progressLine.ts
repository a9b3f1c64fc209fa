import type { Progress } from '../runner/step.ts';
import { bytesText, durationText, partOfBytesText } from '../units.ts';
import { timeLeftText } from './timeLeft.ts';

/** What a line of progress has to fit. */
export interface ProgressLineOptions {
  /** Characters at most. */
  readonly width: number;
  /** Whether blocks can be shown; signs of the keyboard otherwise. */
  readonly unicode: boolean;
}

/** Cells of the bar: it takes what the rest of the line leaves. */
const bar = { least: 6, most: 24 };

/** What is left out where a line would be too long, the least needed first. */
const dispensable = ['total of entries', 'what', 'entries', 'rate', 'total', 'done', 'time left'] as const;

type Dispensable = (typeof dispensable)[number];

/** Kept free for what changes its width, so that a line does not change its parts while it goes on. */
const reserved = { percent: '100 %'.length, rate: '22.1 MiB/s'.length, minutesLeft: '59 min left'.length, hoursLeft: '23 h 55 min left'.length };

/** One line of progress that fits, e.g. `sending  █████████░░░░░░░░░░░  45 %  1.23 of 2.72 GiB  68,034 of 150,212 entries  22.1 MiB/s  2 min left`. */
export function progressLine(progress: Progress, { width, unicode }: ProgressLineOptions): string {
  const share = shareOf(progress);
  for (let leftOut = 0; leftOut <= dispensable.length; leftOut += 1) {
    const { before, after, width: taken } = partsOf(progress, new Set(dispensable.slice(leftOut)));
    if (share === null) {
      const line = [...before, ...after].join('  ').trimEnd();
      if (line.length <= width && line !== '') return line;
      continue;
    }
    const cells = Math.min(bar.most, width - taken - reserved.percent);
    if (cells >= bar.least) return [...before, `${barText(share, { cells, unicode })}${percentText(share).padStart(reserved.percent)}`, ...after].join('  ').trimEnd();
  }
  return (share === null ? progress.what : percentText(share)).slice(0, Math.max(0, width));
}

/** Progress where lines are kept, e.g. `sending: 45 %, 1.23 of 2.72 GiB, 68,034 of 150,212 entries, 22.1 MiB/s, 2 min left`. */
export function progressSentence(progress: Progress): string {
  const share = shareOf(progress);
  const { after } = partsOf(progress, new Set(dispensable));
  const facts = [...(share === null ? [] : [percentText(share)]), ...after].map((fact) => fact.trim()).filter((fact) => fact !== '');
  return facts.length === 0 ? progress.what : `${progress.what}: ${facts.join(', ')}`;
}

/** How much lies behind, from 0 to 1; null where nobody knows how much there is. */
export function shareOf({ share, done, total }: Progress): number | null {
  if (share !== undefined) return share;
  return total === undefined || total === 0 ? null : Math.min(1, done / total);
}

/** The parts before and after the bar, and the room they take with the gaps between all of them. */
function partsOf(progress: Progress, shown: ReadonlySet<Dispensable>): { readonly before: readonly string[]; readonly after: readonly string[]; readonly width: number } {
  const { what, entries, secondsLeft } = progress;
  const before = shown.has('what') || shareOf(progress) === null ? [what] : [];
  const after: string[] = [];
  let width = before.reduce((sum, part) => sum + part.length + gap, 0);
  function add(text: string, leastWidth = 0): void {
    after.push(text.padStart(leastWidth));
    width += gap + Math.max(text.length, leastWidth);
  }
  if (shown.has('done') && !isEmpty(progress)) add(shown.has('total') ? ofTotal(progress) : amount(progress.done, progress.unit));
  if (shown.has('entries') && entries !== undefined) add(shown.has('total of entries') ? partOfNumber(entries, 'entries') : `${numberText(entries.done).padStart(numberText(entries.total).length)} entries`);
  const rate = rateText(progress);
  if (shown.has('rate') && (rate !== null || entries !== undefined)) add(rate ?? '', reserved.rate);
  if (shown.has('time left') && shareOf(progress) !== null && entries !== undefined) {
    const text = secondsLeft === undefined ? '' : timeLeftText(secondsLeft);
    after.push(text);
    width += gap + Math.max(text.length, text.includes(' h') ? reserved.hoursLeft : reserved.minutesLeft);
  }
  return { before, after, width };
}

const gap = '  '.length;

/** Nothing to show of something that has only begun. */
function isEmpty({ done, total }: Progress): boolean {
  return done === 0 && total === undefined;
}

function ofTotal({ done, total, unit }: Progress): string {
  if (total === undefined || total === 0) return amount(done, unit);
  if (unit === 'bytes') return partOfBytesText(done, total);
  if (unit === 'seconds') return `${amount(done, unit)} of ${amount(total, unit)}`;
  return partOfNumber({ done, total }, unit);
}

function amount(value: number, unit: Progress['unit']): string {
  if (unit === 'bytes') return bytesText(value);
  if (unit === 'seconds') return durationText(value * 1000);
  return `${numberText(value)} ${unit}`;
}

function partOfNumber({ done, total }: { readonly done: number; readonly total: number }, unit: string): string {
  const whole = numberText(total);
  return `${numberText(done).padStart(whole.length)} of ${whole} ${unit}`;
}

/** Bytes a second; where only entries are left that bring none, entries a second. */
function rateText({ unit, done, total, bytesPerSecond, entriesPerSecond }: Progress): string | null {
  const hasBytesToGo = unit === 'bytes' && total !== undefined && done < total;
  if (hasBytesToGo && bytesPerSecond !== undefined) return `${bytesText(bytesPerSecond)}/s`;
  return entriesPerSecond === undefined ? null : `${numberText(entriesPerSecond)}/s`;
}

function numberText(value: number): string {
  return value.toLocaleString('en-GB');
}

/** Never the whole before it is. */
function percentText(share: number): string {
  return `${Math.floor(100 * share)} %`;
}

function barText(share: number, { cells, unicode }: { readonly cells: number; readonly unicode: boolean }): string {
  const full = Math.floor(share * cells);
  return unicode ? `${'█'.repeat(full)}${'░'.repeat(cells - full)}` : `${'#'.repeat(full)}${'-'.repeat(cells - full)}`;
}
