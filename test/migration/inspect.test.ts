import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inspect } from '../../src/migration/steps/inspect.ts';
import type { Source } from '../../src/sources/source.ts';
import type { Target } from '../../src/targets/target.ts';
import { sourceFacts, stepTools, targetFacts, thrownBy } from './literalFacts.ts';

test('records both sides as they are', async () => {
  const source = { describe: async () => sourceFacts() } as unknown as Source;
  const target = { describe: async () => targetFacts() } as unknown as Target;
  expect(await inspect.run({ source, target, ...stepTools() })).toEqual({ source: sourceFacts(), target: targetFacts() });
});

test('when one side cannot be looked at, the step ends only after the other one has been', async () => {
  const done: string[] = [];
  const source = { describe: () => Promise.reject(new Error('no such directory')) } as unknown as Source;
  const target = { describe: async () => (await delay(30), done.push('target'), targetFacts()) } as unknown as Target;
  expect(await thrownBy(inspect.run({ source, target, ...stepTools() }))).toMatchObject({ message: 'no such directory' });
  expect(done).toEqual(['target']);
});
