import { CommandFailed, shellLine } from './command.ts';
import type { Command, Machine } from './machine.ts';
import { redact } from './redaction.ts';

/** One command as the journal keeps it: without secrets, and without its output. */
export interface CommandRecord {
  readonly machine: string;
  readonly command: string;
  /** Null where the command was stopped, or could not be started at all. */
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly asRoot: boolean;
}

/** The same machine, where every command that ended is reported to `record`, with tokens and the given secrets removed. */
export function audited<M extends Machine>(machine: M, record: (entry: CommandRecord) => void, options: { readonly secrets?: () => readonly string[] } = {}): M {
  function timed(command: Command): (exitCode: number | null) => void {
    const startedAtMs = performance.now();
    return (exitCode) =>
      record({
        machine: machine.name,
        command: redact(shellLine(command), options.secrets?.() ?? []),
        exitCode,
        durationMs: Math.round(performance.now() - startedAtMs),
        asRoot: command.as === 'root',
      });
  }

  return {
    ...machine,
    async run(command, runOptions) {
      const recordEnding = timed(command);
      try {
        const result = await machine.run(command, runOptions);
        recordEnding(result.exitCode);
        return result;
      } catch (error) {
        recordEnding(error instanceof CommandFailed ? error.failure.exitCode : null);
        throw error;
      }
    },
    open(command, openOptions) {
      const recordEnding = timed(command);
      const opened = machine.open(command, openOptions);
      void opened.ended.then((ending) => recordEnding(ending.exitCode));
      return opened;
    },
  };
}
