import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { wayNames, type WayName } from './way.ts';

/** What the bench is asked to do. */
export interface TransferOptions {
  /** One tree of each size, in files. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Rounds in which `kubectl cp` takes part, which is slow; null: all of a tree below a hundred thousand files, one of a larger. */
  readonly copyRounds: number | null;
  readonly ways: readonly WayName[];
  /** After which another way is ended, and counts as having taken at least that. */
  readonly longestSeconds: number;
  /** Files of the tree that is also sent over a slow link; 0 for none. */
  readonly slowLinkFiles: number;
  /** Where the figures are written as JSON, after every round; null for nowhere. */
  readonly json: string | null;
}

/** A tree of so many files is large: `kubectl cp` takes part once unless asked for. */
const largeFiles = 100_000;

/** Rounds in which a way takes part with a tree of so many files. */
export function roundsOf(way: WayName, { files, rounds, copyRounds }: Pick<TransferOptions, 'rounds' | 'copyRounds'> & { readonly files: number }): number {
  if (way !== 'kubectl-cp') return rounds;
  return Math.min(rounds, copyRounds ?? (files < largeFiles ? rounds : 1));
}

/** How the bench is called. */
export const transferUsage = `npm run bench:transfer -- [--files 60000,250000] [--rounds 3] [--ways ${wayNames.join(',')}] [--cp-rounds N] [--longest 3600] [--netem-files 60000] [--json FILE]

Measures how long plexlift takes to copy trees of several sizes from a real machine into a real pod, beside other ways, in turns.
It takes root, and brings up the beds of the tests; they lie below the directory for temporary files, which TMPDIR names. A tree of
250,000 files takes about 25 GB there. Nothing of it stays, after Ctrl-C neither. "--netem-files 0" leaves out the slow link. A way that
takes more than the "--longest" seconds is ended, and counts as having taken at least that.
`;

// A library of its own has some hundreds of files already.
const fewestFiles = 1_000;

/** Reads the command line; null where help is asked for; throws at what makes no sense. */
export function parseTransferOptions(given: readonly string[]): TransferOptions | null {
  const { values } = parseArgs({
    args: [...given],
    options: {
      files: { type: 'string', default: '60000,250000' },
      rounds: { type: 'string', default: '3' },
      ways: { type: 'string', default: wayNames.join(',') },
      'cp-rounds': { type: 'string' },
      longest: { type: 'string', default: '3600' },
      'netem-files': { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const sizes = wholeNumbers('files', { text: values.files, least: fewestFiles });
  const ways = values.ways.split(',').map(wayNamed);
  if (!ways.includes('plexlift')) throw new Error('Cannot measure without "plexlift" among the "--ways": all others are measured beside it');
  const slow = values['netem-files'];
  const [slowLinkFiles = 0] = slow === undefined ? sizes : slow === '0' ? [0] : wholeNumbers('netem-files', { text: slow, least: fewestFiles });
  const copy = values['cp-rounds'];
  const [copyRounds = null] = copy === undefined ? [] : wholeNumbers('cp-rounds', { text: copy, least: 0 });
  const [rounds = 0] = wholeNumbers('rounds', { text: values.rounds, least: 1 });
  const [longestSeconds = 0] = wholeNumbers('longest', { text: values.longest, least: 1 });
  return { sizes, rounds, copyRounds, ways, longestSeconds, slowLinkFiles, json: values.json === undefined ? null : resolve(values.json) };
}

/** Reads whole numbers, separated by commas. */
export function wholeNumbers(option: string, { text, least }: { readonly text: string; readonly least: number }): readonly number[] {
  return text.split(',').map((each) => {
    const number = Number(each.replaceAll('_', ''));
    if (each.trim() === '' || !Number.isSafeInteger(number) || number < least) throw new Error(`Cannot use "--${option} ${text}": give whole numbers of at least ${least}`);
    return number;
  });
}

function wayNamed(text: string): WayName {
  const name = wayNames.find((known) => known === text);
  if (name === undefined) throw new Error(`Cannot use "--ways ${text}": the ways are ${wayNames.join(', ')}`);
  return name;
}
