import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What the bench is asked to do. */
export interface BenchOptions {
  /** One library of each size, in parts. */
  readonly sizes: readonly number[];
  readonly runs: number;
  /** Where the scratch directory goes. */
  readonly directory: string;
  readonly pageSizeBytes: number;
  /** Where the figures are written as JSON; null for nowhere. */
  readonly json: string | null;
}

/** How the bench is called. */
export const usage = `npm run bench:catalogue -- [--parts 10000,100000,1000000] [--runs 3] [--directory ${tmpdir()}] [--page-size 1024] [--json FILE]

Measures the rewrite and the proof of libraries of several sizes beside "sqldiff --summary" on the same two files.
A million parts take about 11 GB in the directory while it runs; nothing of it is left behind.
`;

// Fewer would leave some tables without rows.
const fewestParts = 1_000;

/** Reads the command line; null where help is asked for; throws at what makes no sense. */
export function parseOptions(given: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...given],
    options: {
      parts: { type: 'string', default: '10000,100000,1000000' },
      runs: { type: 'string', default: '3' },
      directory: { type: 'string', default: tmpdir() },
      'page-size': { type: 'string', default: '1024' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const sizes = values.parts.split(',').map((text) => wholeNumber('parts', { text, least: fewestParts }));
  const pageSizeBytes = wholeNumber('page-size', { text: values['page-size'], least: 512 });
  // https://www.sqlite.org/fileformat.html section 1.3.2: a power of two from 512 to 65536.
  if (pageSizeBytes > 65_536 || !Number.isInteger(Math.log2(pageSizeBytes))) throw new Error(`Cannot use "--page-size ${pageSizeBytes}": give a power of two from 512 to 65536`);
  const json = values.json === undefined ? null : resolve(values.json);
  return { sizes, runs: wholeNumber('runs', { text: values.runs, least: 1 }), directory: resolve(values.directory), pageSizeBytes, json };
}

function wholeNumber(option: string, { text, least }: { readonly text: string; readonly least: number }): number {
  const number = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(number) || number < least) throw new Error(`Cannot use "--${option} ${text}": give whole numbers of at least ${least}`);
  return number;
}
