import { Writable } from 'node:stream';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Question } from '../../src/runner/ask.ts';
import { askPerson } from '../../src/ui/ask.ts';

const person = vi.hoisted(() => ({ chooses: '' as string | symbol, types: '' as string | symbol, asked: 0 }));

// The person at the prompt.
vi.mock('@clack/prompts', () => ({
  log: { message: () => undefined },
  select: async () => person.chooses,
  text: async () => ((person.asked += 1), person.types),
  isCancel: (value: unknown) => typeof value === 'symbol',
}));

const question: Question<'set-aside' | 'keep'> = { id: 'existing-library', title: 'Set it aside?', detail: [], choices: [{ value: 'set-aside', label: 'yes' }, { value: 'keep', label: 'no' }], yes: 'set-aside', typed: 'set-aside' };

const recorded: unknown[] = [];
const ask = askPerson({ answers: new Map(), interactive: true, output: new Writable({ write: (_chunk, _encoding, done) => done() }), record: (answer) => void recorded.push(answer) });

beforeEach(() => {
  recorded.length = 0;
  Object.assign(person, { chooses: 'set-aside', types: 'set-aside', asked: 0 });
});

test('consent counts once its word was typed', async () => {
  expect(await ask.choose(question)).toBe('set-aside');
  expect(person.asked).toBe(1);
  expect(recorded).toEqual([{ id: 'existing-library', title: 'Set it aside?', answer: 'set-aside', by: 'person' }]);
});

test('another choice needs no word, and neither does a question without one', async () => {
  person.chooses = 'keep';
  expect(await ask.choose(question)).toBe('keep');
  const { typed: _typed, ...plain } = question;
  person.chooses = 'set-aside';
  expect(await ask.choose(plain)).toBe('set-aside');
  expect(person.asked).toBe(0);
});

test.each([
  { what: 'another word', chooses: 'set-aside', types: 'yes' },
  { what: 'no word', chooses: 'set-aside', types: Symbol('cancel') },
  { what: 'no choice', chooses: Symbol('cancel'), types: '' },
])('$what ends at the question, with nothing on record', async ({ chooses, types }) => {
  Object.assign(person, { chooses, types });
  await expect(ask.choose(question)).rejects.toMatchObject({ kind: 'refused', message: 'Stopped at the question "existing-library"' });
  expect(recorded).toEqual([]);
});
