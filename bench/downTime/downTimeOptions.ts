import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { wholeNumbers } from '../transfer/transferOptions.ts';

/** What the bench is asked to do. */
export interface DownTimeOptions {
  readonly items: number;
  /** One library of each size, in files of its bulk. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Where the figures are written as JSON, after every round; null for nowhere. */
  readonly json: string | null;
}

/** How the bench is called. */
export const downTimeUsage = `npm run bench:downtime -- [--items 10000] [--files 0,60000,250000] [--rounds 3] [--json FILE]

Measures how long nobody can watch: a library is copied ahead, one file in a hundred is changed, and it is migrated to the end.
It takes root, and brings up the beds of the tests; they lie below the directory for temporary files, which TMPDIR names. A library of
250,000 files takes about 20 GB there. Nothing of it stays, after Ctrl-C neither. "--files 0" is the library with what it has by itself.
`;

/** Reads the command line; null where help is asked for; throws at what makes no sense. */
export function parseDownTimeOptions(given: readonly string[]): DownTimeOptions | null {
  const { values } = parseArgs({
    args: [...given],
    options: {
      items: { type: 'string', default: '10000' },
      files: { type: 'string', default: '0,60000,250000' },
      rounds: { type: 'string', default: '3' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const [items = 0] = wholeNumbers('items', { text: values.items, least: 60 });
  const [rounds = 0] = wholeNumbers('rounds', { text: values.rounds, least: 1 });
  return { items, rounds, sizes: wholeNumbers('files', { text: values.files, least: 0 }), json: values.json === undefined ? null : resolve(values.json) };
}

/** Seconds for each thousand files or items, as seen on a machine of two cores. */
const [roundSeconds, itemSeconds, bedSeconds, migrationSeconds] = [1.2, 3, 100, 120];

/** About how long a bench will take. */
export function estimatedDownTimeMinutes({ items, sizes, rounds }: Omit<DownTimeOptions, 'json'>): number {
  const seconds = sizes.reduce((sum, files) => sum + rounds * (bedSeconds + (items / 1_000) * itemSeconds + migrationSeconds + (files / 1_000) * roundSeconds), 0);
  return Math.max(1, Math.round(seconds / 60));
}
