import { resolve } from 'node:path';
import { Option } from 'commander';
import { PlexliftError } from '../errors.ts';
import { limitForm, parseLimit } from '../transfer/limit.ts';
import type { Configuration } from './configuration.ts';
import { chartFrom, configurationFileName } from './configuration.ts';
import type { Terminal } from './terminal.ts';

/** Options as commander hands them over, before anyone looked at them. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** The options that several commands share; each is declared once, here. */
export const sharedOptions = {
  configuration: new Option('-c, --config <file>', `the configuration (default: ${configurationFileName} here)`),
  run: new Option('--run <directory>', 'the run directory, where everything done is on record'),
  yes: new Option('--yes <id>', 'answer a question ahead, as ID or ID=VALUE; may be repeated').argParser(collect),
  accept: new Option('--accept <check>', 'accept a failed check by its name; may be repeated').argParser(collect),
  until: new Option('--until <step>', 'stop after this step'),
  again: new Option('--again <step>', 'do this step and all after it again'),
  limit: new Option('--limit <rate>', 'copy at most this much a second while the source serves, e.g. 20M (K, M, G: powers of 1024)'),
  chart: new Option('--chart <chart>', 'upgrade the release with this chart instead of its own: a directory, an archive, or what helm knows by that name'),
  json: new Option('--json', 'stream every event as one line of JSON on standard output'),
} as const;

/** A text option, or undefined where it was not given. */
export function textOption(options: GivenOptions, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** A repeatable option, empty where it was not given. */
export function listOption(options: GivenOptions, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** The configuration file the options name, or the one in the current directory. */
export function configurationFile(options: GivenOptions, terminal: Terminal): string {
  return resolve(terminal.currentDirectory, textOption(options, 'config') ?? configurationFileName);
}

/** The configuration with the limit that was given as an option, which wins. Throws `usage` for one that is none. */
export function withLimit(configuration: Configuration, options: GivenOptions): Configuration {
  const given = textOption(options, 'limit');
  if (given === undefined) return configuration;
  const limit = parseLimit(given);
  if (limit === null) throw new PlexliftError('usage', `Cannot use --limit "${given}"`, { remedy: `Write ${limitForm}` });
  return { ...configuration, limit };
}

/** The configuration with the chart that was given as an option, which wins; a path counts from the current directory. Throws `usage` where no release is the target. */
export function withChart(configuration: Configuration, { options, terminal }: { readonly options: GivenOptions; readonly terminal: Terminal }): Configuration {
  const given = textOption(options, 'chart');
  if (given === undefined) return configuration;
  const { target } = configuration;
  if (!('kubernetes' in target)) throw new PlexliftError('usage', `Cannot use --chart "${given}": the target is no Helm release`, { remedy: 'Leave it out, or name a release in target.kubernetes' });
  return { ...configuration, target: { kubernetes: { ...target.kubernetes, chart: chartFrom(terminal.currentDirectory, given) } } };
}
