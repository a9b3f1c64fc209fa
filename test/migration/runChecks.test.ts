import { expect, test } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import { runChecks } from '../../src/migration/runChecks.ts';
import type { Check, Finding } from '../../src/runner/check.ts';
import { recorder, thrownBy } from './literalFacts.ts';

const check = (name: string, run: () => Promise<Finding>): Check<undefined> => ({ name, claim: `${name} holds`, run });
const passing = check('sound', async () => ({ status: 'pass', detail: 'yes' }));
const failing = (name: string): Check<undefined> => check(name, async () => ({ status: 'fail', detail: `${name} does not`, remedy: `mend ${name}` }));
const nothing: ReadonlySet<string> = new Set();

test('all of them run before anyone decides, and every failure is named with its remedy and how to accept it', async () => {
  const { events, record } = recorder();
  const error = await thrownBy(runChecks([failing('one'), failing('two'), passing], undefined, { step: 'preflight', accepted: nothing, record }));
  expect(events.map((event) => (event.type === 'check-finished' ? [event.name, event.finding.status, event.accepted] : []))).toEqual([['one', 'fail', false], ['two', 'fail', false], ['sound', 'pass', false]]);
  expect(error).toMatchObject({ kind: 'refused', message: 'Cannot go on from "preflight": 2 checks failed', facts: ['one: one does not', '  mend one', 'two: two does not', '  mend two'] });
  expect((error as PlexliftError).remedy).toContain('--accept one --accept two');
});

test('a failure accepted by its name lets the step go on and is recorded as accepted; another name does not help', async () => {
  const { events, record } = recorder();
  expect(await runChecks([failing('one'), passing], undefined, { step: 's', accepted: new Set(['one']), record })).toMatchObject([{ name: 'one', accepted: true }, { name: 'sound', accepted: false }]);
  expect(events[0]).toMatchObject({ accepted: true, finding: { status: 'fail' } });
  expect(await thrownBy(runChecks([failing('one'), failing('two')], undefined, { step: 's', accepted: new Set(['two']), record }))).toMatchObject({ facts: ['one: one does not', '  mend one'] });
});

test('a failure that nobody may accept refuses all the same, and is not offered', async () => {
  const { events, record } = recorder();
  const final: Check<undefined> = { ...failing('final'), acceptable: false };
  const both = await thrownBy(runChecks([failing('one'), final], undefined, { step: 's', accepted: new Set(['final']), record }));
  expect((both as PlexliftError).remedy).toContain('; of these only one can be accepted: --accept one');
  expect(events.map((event) => (event.type === 'check-finished' ? event.accepted : null))).toEqual([false, false]);
  expect((await thrownBy(runChecks([final], undefined, { step: 's', accepted: new Set(['final']), record })) as PlexliftError).remedy).toBe('Do what is said beside each, then run the same command again');
});

test('warnings and skipped checks do not refuse', async () => {
  const { record } = recorder();
  const checks = [check('w', async () => ({ status: 'warn', detail: 'd', remedy: 'r' })), check('s', async () => ({ status: 'skip', reason: 'r' }))];
  expect(await runChecks(checks, undefined, { step: 's', accepted: nothing, record })).toHaveLength(2);
});

test('a check that throws could not tell, and that is a failure with the remedy of what it threw', async () => {
  const { record } = recorder();
  const known = check('known', () => Promise.reject(new PlexliftError('failed', 'Cannot ask', { remedy: 'Plug it in' })));
  const unknown = check('unknown', () => Promise.reject(new Error('oops')));
  const error = await thrownBy(runChecks([known, unknown, passing], undefined, { step: 's', accepted: nothing, record }));
  expect(error).toMatchObject({ facts: ['known: could not be checked: Cannot ask', '  Plug it in', 'unknown: could not be checked: oops', '  This is a bug in plexlift; please report it'] });
});
