import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Question } from '../../src/runner/ask.ts';
import { parseAnswers } from '../../src/ui/answers.ts';
import { askPerson } from '../../src/ui/ask.ts';

const question: Question<'now' | 'no'> = { id: 'stop-source', title: 'Stop it?', detail: ['It will stop.'], choices: [{ value: 'now', label: 'stop it' }, { value: 'no', label: 'not now' }], yes: 'now' };

function asking(flags: readonly string[]) {
  const recorded: unknown[] = [];
  const ask = askPerson({ answers: parseAnswers(flags), interactive: false, output: new Writable({ write: (_chunk, _encoding, done) => done() }), record: (answer) => void recorded.push(answer) });
  return { ask, recorded };
}

test.each([
  { flags: ['stop-source'], answer: 'now' },
  { flags: ['stop-source=no'], answer: 'no' },
  { flags: ['other', 'stop-source=now'], answer: 'now' },
  { flags: ['other,stop-source=no'], answer: 'no' },
  { flags: ['stop-source=no', 'stop-source=now'], answer: 'now' },
])('$flags answers ahead with $answer, and the answer is on record as given by a flag', async ({ flags, answer }) => {
  const { ask, recorded } = asking(flags);
  expect(await ask.choose(question)).toBe(answer);
  expect(recorded).toEqual([{ id: 'stop-source', title: 'Stop it?', answer, by: 'flag' }]);
});

test('an answer the question does not have is refused with those it has', async () => {
  const { ask, recorded } = asking(['stop-source=later']);
  await expect(ask.choose(question)).rejects.toMatchObject({ kind: 'usage', message: 'Cannot answer "stop-source" with "later"', remedy: 'Use one of: --yes stop-source=now, --yes stop-source=no' });
  expect(recorded).toEqual([]);
});

test('without a terminal, an unanswered question ends with its text and every flag that would answer it', async () => {
  const { ask } = asking(['other']);
  await expect(ask.choose(question)).rejects.toMatchObject({ kind: 'refused', message: 'Cannot go on without an answer: Stop it?', facts: ['It will stop.'], remedy: expect.stringMatching(/--yes stop-source=now \(stop it\) or --yes stop-source=no \(not now\)/) });
});

test.each(['', '=now', 'a,,b'])('the flag "%s" is no answer', (flag) => {
  expect(() => parseAnswers([flag])).toThrow(/Cannot read the answer/);
});

test('a value may hold "="', () => {
  expect([...parseAnswers(['a=b=c'])]).toEqual([['a', 'b=c']]);
});
