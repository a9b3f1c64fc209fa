import { Option } from 'commander';
import { PlexliftError } from '../../errors.ts';
import type { Measured, MeasuredSides, NoForecast, ToldForecast } from '../../migration/forecast.ts';
import { forecastFor } from '../../migration/forecast.ts';
import { plan } from '../../migration/plan.ts';
import { assemble } from '../assemble.ts';
import type { CommandSpec, Invocation } from '../command.ts';
import type { Configuration } from '../configuration.ts';
import { fingerprintOf, readConfiguration } from '../configuration.ts';
import { forecastText } from '../forecastText.ts';
import { configurationFile, sharedOptions, withLimit } from '../options.ts';
import { runDirectoryOf } from '../session.ts';

/** Shows what would be done, in order, and what each step touches, and foretells how long it will take. Changes nothing and keeps no record. */
export const showPlan: CommandSpec = {
  usage: 'plan',
  summary: 'what would be done, in order, and how long it will take, from a sample read now; changes nothing',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.limit, new Option('--offline', 'connect to nothing: foretell only from what a run has measured'), sharedOptions.json],
  async run(invocation) {
    const { options, terminal } = invocation;
    const configuration = withLimit(readConfiguration(configurationFile(options, terminal)), options);
    const { source, target } = fingerprintOf(configuration);
    if (options['json'] === true) {
      const forecast = await forecastOf(configuration, invocation);
      terminal.stdout.write(`${JSON.stringify({ source, target, paths: configuration.paths, steps: plan.map(({ name, title, touches }) => ({ name, title, touches })), forecast: 'none' in forecast ? null : forecast })}\n`);
      return 0;
    }
    terminal.stdout.write(`From ${source}\nTo   ${target}\n`);
    for (const { from, to } of configuration.paths) terminal.stdout.write(`     ${from} becomes ${to}\n`);
    for (const [position, step] of plan.entries()) {
      terminal.stdout.write(`${String(position + 1).padStart(2)}  ${step.name.padEnd(17)} ${step.title}${step.touches === 'nothing' ? '' : ` [touches the ${step.touches}]`}\n`);
    }
    terminal.stdout.write(`On record in ${runDirectoryOf(configuration, { options, terminal }).root}\n`);
    const forecast = await forecastOf(configuration, invocation);
    terminal.stdout.write(forecastText(forecast));
    return 0;
  },
};

async function forecastOf(configuration: Configuration, { options, terminal }: Invocation): Promise<ToldForecast | NoForecast> {
  return forecastFor({
    directory: runDirectoryOf(configuration, { options, terminal }),
    limitBytesPerSecond: configuration.limit ?? null,
    signal: terminal.signal,
    measure:
      options['offline'] === true
        ? null
        : async (use) => {
            terminal.stderr.write('Listing the source, reading a sample of it, and trying the way to the target, for a forecast; nothing is changed\n');
            return withSides(configuration, terminal, use);
          },
  });
}

/** Connects, uses what is to be measured of both sides, and lets go of everything again. */
async function withSides(configuration: Configuration, terminal: Invocation['terminal'], use: (sides: MeasuredSides) => Promise<Measured>): Promise<Measured> {
  try {
    const sides = await assemble(configuration, { terminal, record: () => undefined });
    try {
      const { source, target } = sides;
      return await use({ tree: source.treeWhileServing, drop: target.drop?.bind(target) ?? null });
    } finally {
      await sides.close();
    }
  } catch (error) {
    if (terminal.signal.aborted) throw new PlexliftError('interrupted', 'Stopped while measuring, as asked', { remedy: 'Nothing was changed; "plexlift plan --offline" measures nothing', cause: error });
    if (!(error instanceof PlexliftError)) throw error;
    throw new PlexliftError(error.kind, `Cannot measure for a forecast: ${error.message}`, { facts: error.facts, remedy: `${error.remedy}; or use "plexlift plan --offline", which connects to nothing`, cause: error });
  }
}
