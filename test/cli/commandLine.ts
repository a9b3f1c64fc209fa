import { expect } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { literalTerminal } from './literalTerminal.ts';

/** What a command line came to. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in `place`, as `bin/plexlift` would. Whatever a person gives: a message and what to do, never a stack. */
export async function plexliftIn(place: string, words: readonly string[], changes: Partial<Terminal> = {}): Promise<Outcome> {
  const terminal = literalTerminal(place, changes);
  const exitCode = await runCommandLine(words, terminal);
  const { stdout, stderr } = terminal.written;
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(stderr).not.toContain('bug in plexlift');
  return { exitCode, stdout, stderr };
}
