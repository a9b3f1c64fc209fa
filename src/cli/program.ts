import { Command, CommanderError } from 'commander';
import { exitCodeOf, exitCodes, foreseen } from '../errors.ts';
import { plexliftVersion } from '../version.ts';
import { commands } from './commands.ts';
import { errorText } from './errorText.ts';
import { AlreadyTold } from './session.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line and gives back its exit code. Never throws: every ending becomes text and a code. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('plexlift')
    .description('Moves a Plex Media Server from a Linux machine into its Helm chart on Kubernetes.\nThe source is never changed, every byte is proven to have arrived, and one command takes it all back.')
    .version(plexliftVersion)
    .configureOutput({ writeOut: (text) => terminal.stdout.write(text), writeErr: (text) => terminal.stderr.write(text) })
    .exitOverride();
  let exitCode: number = exitCodes.done;
  for (const spec of commands) {
    const command = program.command(spec.usage).description(spec.summary).exitOverride().configureOutput({ writeOut: (text) => terminal.stdout.write(text), writeErr: (text) => terminal.stderr.write(text) });
    for (const option of spec.options) command.addOption(option);
    command.action(async (...given: unknown[]) => {
      // commander hands over: positional arguments, options, the command itself.
      const options = given.at(-2) as Record<string, unknown>;
      const positional = given.slice(0, -2).filter((value): value is string => typeof value === 'string');
      exitCode = await spec.run({ options, positional, terminal });
    });
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (thrown instanceof AlreadyTold) return exitCodeOf(thrown.cause);
    const error = foreseen(thrown);
    terminal.stderr.write(errorText(error));
    return exitCodeOf(error);
  }
}
