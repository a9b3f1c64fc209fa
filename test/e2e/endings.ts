import type { Outcome } from './stage.ts';

/** How a command should have ended. */
export interface ExpectedEnding {
  readonly exitCode: number;
  /** What a person must be able to read, on standard output or error. */
  readonly says: readonly (string | RegExp)[];
  readonly withinMs?: number;
}

/** What is wrong with an ending that should have been foreseen: another exit code, words that lack, a stack, or a bug that is owned up to. Empty when all is well. */
export function faultsOf({ exitCode, stdout, stderr, durationMs = 0 }: Outcome & { readonly durationMs?: number }, expected: ExpectedEnding): readonly string[] {
  const text = `${stdout}\n${stderr}`;
  const faults = [
    ...(exitCode === expected.exitCode ? [] : [`exit code ${exitCode}, not ${expected.exitCode}`]),
    ...expected.says.filter((said) => (typeof said === 'string' ? !text.includes(said) : !said.test(text))).map((said) => `does not say ${String(said)}`),
    ...(/^ {4}at /m.test(text) ? ['shows a stack'] : []),
    ...(text.includes('bug in plexlift') ? ['calls itself a bug'] : []),
    ...(durationMs <= (expected.withinMs ?? Number.POSITIVE_INFINITY) ? [] : [`took ${Math.round(durationMs)} ms`]),
  ];
  return faults.length === 0 ? [] : [...faults, text];
}
