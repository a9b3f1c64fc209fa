import type { NoForecast, ToldForecast } from '../migration/forecast.ts';
import type { Part, Span } from '../migration/prediction.ts';
import { bytesText } from '../units.ts';

/** A forecast as lines for people, or why there is none. */
export function forecastText(told: ToldForecast | NoForecast): string {
  if ('none' in told) return `\nNo forecast: ${told.none}\n`;
  const { copyAhead, downTime, restsOn } = told;
  const lines = [
    '',
    'Forecast',
    `  Copying ahead  ${spanText(copyAhead)}: ${copyAhead.load.entries.toLocaleString('en-GB')} entries, ${bytesText(copyAhead.load.bytes)} to copy`,
    ...copyAhead.parts.map(partText),
    `  Down time      ${spanText(downTime)}`,
    ...downTime.parts.map(partText),
    'How sure',
    ...restsOn.map((line) => `  ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

function partText({ what, basis, ...span }: Part): string {
  return `    ${what.padEnd(24)} ${spanText(span)}, ${basis}`;
}

function spanText({ lowMs, likelyMs, highMs }: Span): string {
  const [low, likely, high] = [lowMs, likelyMs, highMs].map(roundedText);
  return low === high ? `about ${likely}` : `about ${likely} (between ${low} and ${high})`;
}

/** A duration as a guess is told: no finer than it can be known. */
export function roundedText(durationMs: number): string {
  const seconds = durationMs / 1000;
  if (seconds < 10) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 58) return `${Math.round(seconds / 5) * 5} s`;
  const halves = Math.round(seconds / 30);
  if (seconds < 300) return `${Math.floor(halves / 2)} min${halves % 2 === 1 ? ' 30 s' : ''}`;
  if (seconds < 3_570) return `${Math.round(seconds / 60)} min`;
  const tens = Math.round(seconds / 600);
  return `${Math.floor(tens / 6)} h${tens % 6 === 0 ? '' : ` ${(tens % 6) * 10} min`}`;
}
