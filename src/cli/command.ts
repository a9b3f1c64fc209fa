import type { Option } from 'commander';
import type { GivenOptions } from './options.ts';
import type { Terminal } from './terminal.ts';

/** What a command is called with. */
export interface Invocation {
  readonly options: GivenOptions;
  readonly positional: readonly string[];
  readonly terminal: Terminal;
}

/** A command as data: how it is called, what it says of itself, and what it does. Gives back the exit code. */
export interface CommandSpec {
  /** E.g. `rehearse [directory]`. */
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly Option[];
  run(invocation: Invocation): Promise<number>;
}
