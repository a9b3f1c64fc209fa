import { PlexliftError } from '../errors.ts';

/** Answers given ahead with `--yes ID` or `--yes ID=VALUE`: the value, or null for the question's own yes. */
export type Answers = ReadonlyMap<string, string | null>;

/** Reads `--yes` flags. Throws `usage` for one that is empty. */
export function parseAnswers(flags: readonly string[]): Answers {
  const answers = new Map<string, string | null>();
  for (const flag of flags.flatMap((given) => given.split(','))) {
    const [id, ...rest] = flag.trim().split('=');
    if (id === undefined || id === '') throw new PlexliftError('usage', `Cannot read the answer "${flag}"`, { remedy: 'Write --yes ID or --yes ID=VALUE, for example --yes stop-source=now' });
    answers.set(id, rest.length === 0 ? null : rest.join('='));
  }
  return answers;
}
