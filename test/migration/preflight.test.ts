import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { PreflightContext } from '../../src/migration/checks/preflight.ts';
import { preflightChecks } from '../../src/migration/checks/preflight.ts';
import type { Activity } from '../../src/sources/source.ts';
import { remedyOf, service, sourceFacts, targetFacts } from './literalFacts.ts';

const pairs = [{ from: '/mnt/nas-plex', to: '/media/library' }, { from: '/mnt/nas-plex-optimized', to: '/media/optimized' }];
const quiet: Activity = { known: true, streams: [], backgroundJobs: [] };
const stream = { user: 'ann', title: 'A Film', player: 'TV', transcoding: false };
const library = { present: true, machineIdentifier: 'other', sizeBytes: 1 };
const ample = { freeBytes: 1024 ** 5, freeInodes: 1e9, fileSystem: 'ext4' };

interface Case {
  readonly check: string;
  readonly status: string;
  readonly says?: string;
  readonly source?: Parameters<typeof sourceFacts>[0];
  readonly target?: Parameters<typeof targetFacts>[0];
  readonly pairs?: PreflightContext['pairs'];
  readonly activity?: Activity;
  /** What `tar --version` says here. */
  readonly tar?: string;
}

function hereWith(tar: string): PreflightContext['here'] {
  return { run: async ({ program }) => ({ exitCode: 0, stdout: program === 'tar' ? tar : 'find (GNU findutils) 4.9.0', stderr: '', durationMs: 1 }) as Awaited<ReturnType<PreflightContext['here']['run']>> };
}

const cases: readonly Case[] = [
  { check: 'same-version', status: 'pass' },
  { check: 'same-version', status: 'fail', says: 'not known', source: { version: null } },
  { check: 'same-version', status: 'skip', target: { version: null } },
  { check: 'same-version', status: 'fail', says: 'An older server cannot open a newer database', target: { version: '1.42.0.1-abcdef123' } },
  { check: 'same-version', status: 'fail', says: 'converts the database', target: { version: '1.44.0.1-abcdef123' } },
  { check: 'same-version', status: 'fail', says: 'may change at every start', target: { version: 'latest' } },
  { check: 'mapping-has-mounts', status: 'pass' },
  { check: 'mapping-has-mounts', status: 'pass', pairs: [{ from: '/a', to: '/media/library/below' }] },
  { check: 'mapping-has-mounts', status: 'fail', says: '"/media/library-too"', pairs: [{ from: '/a', to: '/media/library-too' }] },
  { check: 'mapping-has-mounts', status: 'skip', target: { mounts: null } },
  { check: 'mapping-does-not-chain', status: 'pass' },
  { check: 'mapping-does-not-chain', status: 'warn', says: '"/b"', pairs: [{ from: '/a', to: '/b' }, { from: '/b', to: '/c' }] },
  { check: 'mapping-does-not-chain', status: 'warn', pairs: [{ from: '/a', to: '/b/below' }, { from: '/b', to: '/c' }] },
  { check: 'mapping-does-not-chain', status: 'pass', pairs: [{ from: '/a', to: '/bb' }, { from: '/b', to: '/c' }] },
  { check: 'tools-here', status: 'pass' },
  { check: 'tools-here', status: 'fail', says: 'no GNU tar', tar: 'bsdtar 3.5.3' },
  { check: 'room-here', status: 'pass' },
  { check: 'room-here', status: 'fail', says: 'free in', source: { databaseBytes: 1024 ** 6 } },
  { check: 'volume-room', status: 'pass' },
  { check: 'volume-room', status: 'fail', says: 'needed', target: { room: { ...ample, freeBytes: 10 * 1024 ** 3 } } },
  { check: 'volume-room', status: 'fail', says: 'inodes', target: { room: { ...ample, freeInodes: 100_500 } } },
  { check: 'volume-room', status: 'skip', target: { room: null } },
  { check: 'same-time-zone', status: 'pass' },
  { check: 'same-time-zone', status: 'warn', says: 'UTC', target: { timeZone: 'UTC' } },
  { check: 'memory-limit', status: 'pass' },
  { check: 'memory-limit', status: 'fail', says: 'at most 256 MiB are allowed', target: { memoryLimitBytes: 256 * 1024 ** 2 } },
  { check: 'existing-library', status: 'pass' },
  { check: 'existing-library', status: 'warn', says: 'other', target: { existingLibrary: library } },
  { check: 'one-identity', status: 'pass' },
  { check: 'one-identity', status: 'pass', target: { existingLibrary: library } },
  { check: 'one-identity', status: 'fail', says: 'already carries the machine identifier machine', target: { existingLibrary: { ...library, machineIdentifier: 'machine' } } },
  { check: 'identity-known', status: 'pass', says: 'processed' },
  { check: 'identity-known', status: 'fail', source: { machineIdentifier: null } },
  { check: 'source-serving', status: 'pass' },
  { check: 'source-serving', status: 'skip', source: { running: false, service: null } },
  { check: 'source-serving', status: 'warn', says: 'inactive', source: { running: false, service: { ...service, activeState: 'inactive' } } },
  { check: 'nobody-watching', status: 'pass' },
  { check: 'nobody-watching', status: 'skip', source: { running: false } },
  { check: 'nobody-watching', status: 'warn', says: 'no answer', activity: { ...quiet, known: false, reason: 'no answer' } },
  { check: 'nobody-watching', status: 'warn', says: '1 streams and 2 background jobs', activity: { known: true, streams: [stream], backgroundJobs: ['a', 'b'] } },
];

test.each(cases)('$check can be $status ($says)', async (given) => {
  const check = preflightChecks.find(({ name }) => name === given.check);
  const finding = await check?.run({ source: sourceFacts(given.source), target: targetFacts(given.target), pairs: given.pairs ?? pairs, here: hereWith(given.tar ?? 'tar (GNU tar) 1.35'), runDirectory: tmpdir(), activity: async () => given.activity ?? quiet });
  expect(finding).toMatchObject({ status: given.status });
  expect(JSON.stringify(finding)).toContain(JSON.stringify(given.says ?? '').slice(1, -1));
  expect(remedyOf(finding)).toMatch(given.status === 'fail' || given.status === 'warn' ? /^.{20}/ : /^$/);
});

test('every check has a case for passing and one for not passing', () => {
  for (const { name } of preflightChecks) {
    const statuses = cases.filter(({ check }) => check === name).map(({ status }) => status);
    expect(statuses, name).toContain('pass');
    expect(statuses.some((status) => status === 'fail' || status === 'warn'), name).toBe(true);
  }
});
