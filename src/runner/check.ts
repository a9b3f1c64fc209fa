/**
 * What a check, or a look at a recorded result, found. `fail` means: going on would lose, break or endanger something. A remedy is one
 * sentence or more in its first line; further lines are to be copied as they are.
 */
export type Finding =
  | { readonly status: 'pass'; readonly detail: string }
  | { readonly status: 'warn' | 'fail'; readonly detail: string; readonly remedy: string }
  | { readonly status: 'skip'; readonly reason: string };

/** A claim in the present tense that can be tested. The name is stable: `--accept NAME` refers to it. */
export interface Check<Context = void> {
  readonly name: string;
  readonly claim: string;
  /** False where nobody may accept a failure: going on could only end badly. */
  readonly acceptable?: false;
  run(context: Context): Promise<Finding>;
}

/** A check beside what it found. */
export type CheckOutcome = {
  readonly name: string;
  readonly claim: string;
  readonly finding: Finding;
  /** True where a person accepted this failure by name. */
  readonly accepted: boolean;
};
