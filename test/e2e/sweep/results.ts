import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Strike } from './reachNext.ts';
import type { Afterwards, SweepOutcome } from './runRoad.ts';

/** The outcomes in a file, the latest of each strike. */
export function readOutcomes(file: string): readonly SweepOutcome[] {
  if (!existsSync(file)) return [];
  const all = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as SweepOutcome);
  return [...new Map(all.map((outcome) => [keyOf(outcome), outcome])).values()];
}

/** Adds an outcome to the file, one line of JSON. */
export function keepOutcome(file: string, outcome: SweepOutcome): void {
  appendFileSync(file, `${JSON.stringify(outcome)}\n`);
}

/** Tells one strike and what is done after it from every other, with or without its outcome. */
export function keyOf({ afterwards, fault, instant }: (Strike & { readonly afterwards: Afterwards }) | SweepOutcome): string {
  const name = (part: string | { readonly name: string }): string => (typeof part === 'string' ? part : part.name);
  return [afterwards, name(fault), name(instant)].join(' / ');
}

/** A table of all outcomes: a row for each instant, a column for each fault and what was done after it. */
export function summaryOf(outcomes: readonly SweepOutcome[], instantNames: readonly string[]): string {
  const columns = [...new Set(outcomes.map(({ afterwards, fault }) => `${afterwards}: ${fault}`))].toSorted();
  const rows = instantNames.flatMap((name) => {
    const cells = columns.map((column) => {
      const found = outcomes.find((outcome) => outcome.instant === name && `${outcome.afterwards}: ${outcome.fault}` === column);
      return found === undefined ? '' : `${found.result}${found.exitCode === null ? '' : ` (${found.exitCode})`}`;
    });
    return cells.every((cell) => cell === '') ? [] : [[name, ...cells]];
  });
  const table = [['instant', ...columns], ['---', ...columns.map(() => '---')], ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const count = (result: SweepOutcome['result']): number => outcomes.filter((outcome) => outcome.result === result).length;
  const hit = new Set(outcomes.filter(({ result }) => result !== 'missed').map(({ instant }) => instant));
  return [...table, '', `${outcomes.length} strikes: ${count('held')} held, ${count('broke')} broke, ${count('missed')} missed their instant. ${hit.size} different instants were hit.`, ...outcomes.filter(({ result }) => result === 'broke').map((outcome) => `- ${keyOf(outcome)}: ${outcome.why}`)].join('\n');
}
