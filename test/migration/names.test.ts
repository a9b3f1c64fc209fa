import { expect, test } from 'vitest';
import { requireKnownNames } from '../../src/migration/names.ts';

const sides = { source: { checks: [] }, target: { checks: [], checksWhenHeld: [{ name: 'volume-renames', claim: 'It renames', run: () => Promise.reject(new Error('not run here')) }] } };
const accepting = (name: string) => () => requireKnownNames({ accepted: [name], answered: [] }, sides);

test('a name that can be accepted is taken, a mistyped one is refused with those there are', () => {
  expect(accepting('same-version')).not.toThrow();
  expect(accepting('source-can-return')).not.toThrow();
  expect(accepting('volume-renames')).not.toThrow();
  expect(accepting('same-versoin')).toThrow(expect.objectContaining({ kind: 'usage', remedy: expect.stringContaining('same-version') as string }) as Error);
});

test('a check that nobody may accept is refused as such and never offered', () => {
  expect(accepting('schema-opens-on-target')).toThrow(expect.objectContaining({ kind: 'usage', message: 'Cannot accept "schema-opens-on-target": going on could only end badly' }) as Error);
  expect(accepting('x')).toThrow(expect.objectContaining({ remedy: expect.not.stringContaining('schema-opens-on-target') as string }) as Error);
});
