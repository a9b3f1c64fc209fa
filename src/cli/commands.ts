import type { CommandSpec } from './command.ts';
import { check } from './commands/check.ts';
import { finish } from './commands/finish.ts';
import { init } from './commands/init.ts';
import { migrate } from './commands/migrate.ts';
import { showPlan } from './commands/plan.ts';
import { prove } from './commands/prove.ts';
import { rehearse } from './commands/rehearse.ts';
import { report } from './commands/report.ts';
import { restore } from './commands/restore.ts';
import { rewrite } from './commands/rewrite.ts';
import { rollback } from './commands/rollback.ts';
import { status } from './commands/status.ts';
import { verifyAgain } from './commands/verify.ts';

/** Every command, in the order a person meets them. */
export const commands: readonly CommandSpec[] = [init, check, showPlan, rehearse, migrate, status, verifyAgain, report, rollback, finish, restore, rewrite, prove];
