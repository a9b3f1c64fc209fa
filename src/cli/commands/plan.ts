import { plan } from '../../migration/plan.ts';
import type { CommandSpec } from '../command.ts';
import { configurationFile, sharedOptions } from '../options.ts';
import { fingerprintOf, readConfiguration } from '../configuration.ts';
import { runDirectoryOf } from '../session.ts';

/** Shows what would be done, in order, and what each step touches. Connects to nothing. */
export const showPlan: CommandSpec = {
  usage: 'plan',
  summary: 'what would be done, in order, and what each step touches; connects to nothing',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.json],
  async run({ options, terminal }) {
    const configuration = readConfiguration(configurationFile(options, terminal));
    const { source, target } = fingerprintOf(configuration);
    if (options['json'] === true) {
      terminal.stdout.write(`${JSON.stringify({ source, target, paths: configuration.paths, steps: plan.map(({ name, title, touches }) => ({ name, title, touches })) })}\n`);
      return 0;
    }
    terminal.stdout.write(`From ${source}\nTo   ${target}\n`);
    for (const { from, to } of configuration.paths) terminal.stdout.write(`     ${from} becomes ${to}\n`);
    for (const [position, step] of plan.entries()) {
      terminal.stdout.write(`${String(position + 1).padStart(2)}  ${step.name.padEnd(17)} ${step.title}${step.touches === 'nothing' ? '' : ` [touches the ${step.touches}]`}\n`);
    }
    terminal.stdout.write(`On record in ${runDirectoryOf(configuration, { options, terminal }).root}\n`);
    return 0;
  },
};
