import { PlexliftError } from '../errors.ts';
import type { Command, RunAs } from './machine.ts';

/** A command from its program and arguments. */
export function command(program: string, ...programArguments: readonly string[]): Command {
  return { program, arguments: programArguments };
}

/** The same command, carried out by another user. */
export function as(user: RunAs, inner: Command): Command {
  return { ...inner, as: user };
}

/** One word of a POSIX shell line that stands for exactly these bytes. */
export function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A command as a line a person could type; for messages and for shells that take a line. */
export function shellLine(inner: Command): string {
  const environment = Object.entries(inner.environment ?? {}).map(([name, value]) => `${name}=${quoteForShell(value)}`);
  return [...environment, inner.program, ...inner.arguments].map((word, position) => (position < environment.length ? word : quoteForShell(word))).join(' ');
}

/** Facts about a command that failed. */
export interface CommandFailure {
  readonly machine: string;
  readonly command: Command;
  readonly exitCode: number | null;
  readonly reason: string;
  readonly stderr: string;
}

/** A command that could not be carried out, or ended with an exit code that is no answer. */
export class CommandFailed extends PlexliftError {
  readonly failure: CommandFailure;

  constructor(failure: CommandFailure, remedy: string) {
    super('failed', `Cannot run "${shellLine(failure.command)}" on ${failure.machine}: ${failure.reason}`, {
      remedy,
      facts: failure.stderr.trim().split('\n').filter((line) => line !== '').slice(-10),
    });
    this.failure = failure;
  }
}
