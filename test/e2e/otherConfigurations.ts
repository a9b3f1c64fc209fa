import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Outcome, Stage } from './stage.ts';
import { startPlexlift } from './stage.ts';

/** A configuration as the stage writes it, free to be made wrong. */
export interface WrittenConfiguration {
  source: Record<string, unknown>;
  target: { kubernetes: Record<string, unknown> };
  paths: { from: string; to: string }[];
  run: string;
  [unknown: string]: unknown;
}

/** plexlift with a configuration of its own. */
export interface Plexlift {
  readonly configuration: string;
  readonly runDirectory: string;
  /** Runs `bin/plexlift`, with nobody to ask, and takes the time. */
  run(...words: readonly string[]): Promise<Outcome & { readonly durationMs: number }>;
  /** The same in the background. */
  begin(...words: readonly string[]): ReturnType<Stage['begin']>;
}

/** Path of the program under test. */
export const program = join(import.meta.dirname, '..', '..', 'bin', 'plexlift');

/** Writes the stage's configuration with changes, under a name and with a run directory of its own. */
export async function configuredAs(stage: Stage, name: string, change: (configuration: WrittenConfiguration) => void = () => undefined): Promise<Plexlift> {
  const configuration = parse(await readFile(stage.configuration, 'utf8')) as WrittenConfiguration;
  configuration.run = join(stage.directory, `run-${name}`);
  change(configuration);
  const file = join(stage.directory, `${name}.yaml`);
  await writeFile(file, stringify(configuration));
  const begin = (...words: readonly string[]) => startPlexlift([...words, '--config', file], { directory: stage.directory });
  return {
    configuration: file,
    runDirectory: configuration.run,
    begin,
    async run(...words) {
      const { exitCode, stdout, stderr, durationMs } = await begin(...words);
      return { exitCode: exitCode ?? -1, stdout, stderr, durationMs };
    },
  };
}
