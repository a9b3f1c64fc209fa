/** One answer a person can choose. */
export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

/** A question that needs a person. `id` is what `--yes ID` or `--yes ID=VALUE` answers ahead. */
export interface Question<Value extends string> {
  readonly id: string;
  readonly title: string;
  /** What will happen, to whom, and how it is undone: plain words, one paragraph a line. */
  readonly detail: readonly string[];
  /** The last one must change nothing: it is where a person's cursor begins. */
  readonly choices: readonly Choice<Value>[];
  /** The choice that a bare `--yes ID` stands for. */
  readonly yes: Value;
  /** Where set, `yes` counts only after this word was typed: for consent to something that is hard to see and easy to regret. */
  readonly typed?: string;
}

/** Puts a question to whoever can answer it: a person, or the flags given. Throws `refused` when nobody can. */
export interface Ask {
  choose<Value extends string>(question: Question<Value>): Promise<Value>;
}
