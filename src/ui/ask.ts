import type { Writable } from 'node:stream';
import { isCancel, log, select, text } from '@clack/prompts';
import { PlexliftError } from '../errors.ts';
import type { Ask, Question } from '../runner/ask.ts';
import type { Answers } from './answers.ts';
import { wrapped } from './wrapped.ts';

/** What asking needs: the answers given ahead, whether a person sits there, and where an answer is recorded. */
export interface AskOptions {
  readonly answers: Answers;
  readonly interactive: boolean;
  readonly output: Writable;
  readonly record: (answer: { readonly id: string; readonly title: string; readonly answer: string; readonly by: 'person' | 'flag' }) => void;
}

/** Answers from the flags first, then from the person; without either, refuses with the flag to use. */
export function askPerson(options: AskOptions): Ask {
  return {
    async choose(question) {
      const ahead = options.answers.get(question.id);
      if (ahead !== undefined) {
        const answer = answerAhead(question, ahead);
        options.record({ id: question.id, title: question.title, answer, by: 'flag' });
        return answer;
      }
      if (!options.interactive) throw unanswered(question);
      const answer = await askOnTerminal(question, options.output);
      options.record({ id: question.id, title: question.title, answer, by: 'person' });
      return answer;
    },
  };
}

function answerAhead<Value extends string>(question: Question<Value>, ahead: string | null): Value {
  if (ahead === null) return question.yes;
  const choice = question.choices.find((candidate) => candidate.value === ahead);
  if (choice !== undefined) return choice.value;
  throw new PlexliftError('usage', `Cannot answer "${question.id}" with "${ahead}"`, {
    remedy: `Use one of: ${question.choices.map((candidate) => `--yes ${question.id}=${candidate.value}`).join(', ')}`,
  });
}

function unanswered<Value extends string>(question: Question<Value>): PlexliftError {
  return new PlexliftError('refused', `Cannot go on without an answer: ${question.title}`, {
    facts: question.detail,
    remedy: `Run the same command in a terminal, or answer ahead with ${question.choices.map((choice) => `--yes ${question.id}=${choice.value} (${choice.label})`).join(' or ')}`,
  });
}

async function askOnTerminal<Value extends string>(question: Question<Value>, output: Writable): Promise<Value> {
  const width = 'columns' in output && typeof output.columns === 'number' ? output.columns - 4 : 100;
  log.message(question.detail.flatMap((paragraph) => wrapped(paragraph, width)).join('\n'), { output });
  const choices = question.choices.map((choice) => ({ value: choice.value, label: choice.label }));
  const last = choices.at(-1);
  // The cursor begins on the last choice, which changes nothing: an Enter too many must do no harm.
  const chosen = await select<string>({ message: question.title, options: choices, output, ...(last === undefined ? {} : { initialValue: last.value }) });
  if (isCancel(chosen)) throw cancelled(question.id);
  const choice = question.choices.find((candidate) => candidate.value === chosen);
  if (choice === undefined) throw new Error(`the prompt gave back "${chosen}", which is no choice of "${question.id}"`);
  if (choice.value === question.yes && question.typed !== undefined) await requireTyped(question.typed, { id: question.id, output });
  return choice.value;
}

async function requireTyped(word: string, options: { readonly id: string; readonly output: Writable }): Promise<void> {
  const typed = await text({ message: `Type ${word} to agree`, output: options.output });
  if (isCancel(typed) || typed.trim() !== word) throw cancelled(options.id);
}

function cancelled(id: string): PlexliftError {
  return new PlexliftError('refused', `Stopped at the question "${id}"`, { remedy: 'Nothing was changed by this step; run the same command again when you are ready' });
}
