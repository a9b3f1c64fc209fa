import { expect, test } from 'vitest';
import { serverPlaceChecks } from '../../src/migration/checks/serverPlace.ts';
import { remedyOf, sourceFacts, targetFacts } from './literalFacts.ts';

const gibibyte = 1024 ** 3;

function findingOf(name: string, { source = {}, target = {} }: { readonly source?: Parameters<typeof sourceFacts>[0]; readonly target?: Parameters<typeof targetFacts>[0] }) {
  const check = serverPlaceChecks.find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`there is no check "${name}"`);
  return check.run({ source: sourceFacts(source), target: targetFacts(target) });
}

test.each([
  ['pass', 'Europe/Berlin', 'Europe/Berlin'],
  ['pass', 'Etc/UTC', 'UTC'],
  // Other names, other borders, the same rules.
  ['pass', 'Europe/Berlin', 'Europe/Paris'],
  ['warn', 'Europe/Berlin', 'UTC'],
  // The same hour in summer only, or in winter only.
  ['warn', 'Europe/London', 'UTC'],
  ['warn', 'Europe/Berlin', 'Africa/Lagos'],
  ['warn', 'Europe/Berlin', 'Mars/Olympus'],
  ['warn', 'Europe/Berlin', null],
])('%s for a source in %s and a target in %s', async (status, source, target) => {
  const finding = await findingOf('same-time-zone', { source: { timeZone: source }, target: { timeZone: target } });

  expect(finding).toMatchObject({ status, detail: expect.stringContaining(source) as string });
  expect(remedyOf(finding)).toContain(status === 'warn' ? `--set extraEnv.TZ=${source}` : '');
});

test('a source whose zone nobody knows is no pass', async () => {
  expect(await findingOf('same-time-zone', { source: { timeZone: null } })).toMatchObject({ status: 'warn', remedy: expect.stringContaining('extraEnv.TZ') as string });
});

test.each([
  ['pass', null, gibibyte, ''],
  ['pass', 2 * gibibyte, gibibyte, ''],
  ['warn', 1.5 * gibibyte, gibibyte / 2, 'pms.resources.limits.memory=2048Mi'],
  ['fail', gibibyte / 2, gibibyte / 4, 'pms.resources.limits.memory=2048Mi'],
  ['fail', gibibyte / 2, null, 'pms.resources.limits.memory=2048Mi'],
  // What the source was seen to take counts for more than any figure of ours.
  ['fail', 2 * gibibyte, 3 * gibibyte, 'pms.resources.limits.memory=4608Mi'],
])('%s for a limit of %s where the source took %s', async (status, memoryLimitBytes, memoryPeakBytes, remedy) => {
  const finding = await findingOf('memory-limit', { source: { memoryPeakBytes }, target: { memoryLimitBytes } });

  expect(finding.status).toBe(status);
  expect(remedyOf(finding)).toContain(remedy);
});

test.each(['same-time-zone', 'memory-limit'])('%s is not asked where no server will run', async (name) => {
  expect(await findingOf(name, { target: { version: null } })).toMatchObject({ status: 'skip' });
});

test.each([['same-time-zone', { timeZone: 'UTC' }], ['memory-limit', { memoryLimitBytes: gibibyte / 2 }]])('after doing what %s says, it passes', async (name, target) => {
  const remedy = remedyOf(await findingOf(name, { target }));
  const [, key, value = ''] = /--set ([A-Za-z.]+)=(\S+?)"/.exec(remedy) ?? [];

  const done = key === 'extraEnv.TZ' ? { timeZone: value } : { memoryLimitBytes: Number(value.replace('Mi', '')) * 1024 ** 2 };
  expect(await findingOf(name, { target: done })).toMatchObject({ status: 'pass' });
});
