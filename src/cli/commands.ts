import type { Option } from 'commander';
import { check } from './commands/check.ts';
import { finish } from './commands/finish.ts';
import { init } from './commands/init.ts';
import { migrate } from './commands/migrate.ts';
import { showPlan } from './commands/plan.ts';
import { rehearse } from './commands/rehearse.ts';
import { report } from './commands/report.ts';
import { rollback } from './commands/rollback.ts';
import { status } from './commands/status.ts';
import { verifyAgain } from './commands/verify.ts';
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

/** Every command, in the order a person meets them. */
export const commands: readonly CommandSpec[] = [init, check, showPlan, rehearse, migrate, status, verifyAgain, report, rollback, finish];
