import { expect, test } from 'vitest';
import { truthsOf } from '../../src/cli/truths.ts';
import type { RecordedEvent, RunEvent } from '../../src/runner/events.ts';
import { absentSource } from '../../src/sources/absentSource.ts';
import type { Source } from '../../src/sources/source.ts';
import type { GateState, Target } from '../../src/targets/target.ts';
import { sourceFacts, targetFacts } from '../migration/literalFacts.ts';

const inspected: RunEvent = { type: 'step-finished', step: 'inspect', result: { source: sourceFacts(), target: targetFacts() }, durationMs: 1 };
const begun = (step: string): RunEvent => ({ type: 'step-begun', step });
const migrated: readonly RunEvent[] = [inspected, begun('open-target'), begun('stop-source'), begun('publish'), { type: 'step-finished', step: 'publish', result: null, durationMs: 1 }];
const rolledBack: readonly RunEvent[] = [...migrated, ...['publish', 'stop-source', 'open-target'].map((step): RunEvent => ({ type: 'undo-finished', step }))];

const consented: RunEvent = { type: 'question-answered', id: 'finish', title: 'End it?', answer: 'finish', by: 'person' };
const finished: RunEvent = { type: 'finished', facts: {} };

function truths(options: { readonly events: readonly RunEvent[]; readonly running?: boolean; readonly kept?: boolean; readonly phase?: GateState['phase']; readonly runThere?: string; readonly serving?: string | null; readonly mute?: 'source' | 'target' }) {
  const refuse = async () => Promise.reject(new Error('no route to host'));
  const source = { kind: 'systemd', name: 'alex@old', isRunning: options.mute === 'source' ? refuse : async () => options.running ?? false, isKeptStopped: async () => options.kept ?? true } as unknown as Source;
  const target = { name: 'release plex', state: options.mute === 'target' ? refuse : async () => ({ phase: options.phase ?? 'published', run: options.runThere ?? 'run-1' }), serving: async () => options.serving ?? null } as unknown as Target;
  return truthsOf({ source, target, run: 'run-1' }, { events: options.events.map((event): RecordedEvent => ({ at: 'now', ...event })), error: null });
}

test('two servers with one identity: what answers where, why it is dangerous, and which command ends it', async () => {
  const { lines, areTwoServers } = await truths({ events: migrated, running: true, serving: 'processed' });
  const text = lines.join('\n');
  expect(areTwoServers).toBe(true);
  expect(text).toContain('DANGER: two servers with one identity are running: alex@old and release plex both answer as processed');
  expect(text).toContain('what is watched on one is unknown to the other');
  expect(text).toMatch(/"plexlift migrate" stops alex@old again and keeps the new server/);
  expect(text).toMatch(/"plexlift rollback" withdraws the new one and keeps alex@old/);
});

test('also after a rollback, when the library that is back has the identity of the source', async () => {
  expect(await truths({ events: rolledBack, running: true, serving: 'processed' })).toMatchObject({ areTwoServers: true });
  expect(await truths({ events: rolledBack, running: true, serving: 'another' })).toMatchObject({ areTwoServers: false });
});

test.each([
  { what: 'the source is down', running: false, serving: 'processed' },
  { what: 'the target serves another', running: true, serving: 'another' },
  { what: 'the target serves nothing', running: true, serving: null },
])('no danger where $what', async ({ running, serving }) => {
  const { lines, areTwoServers } = await truths({ events: migrated, running, serving });
  expect(areTwoServers).toBe(false);
  expect(lines.join('\n')).not.toContain('DANGER');
});

test('whether the old server is kept from starting, and that the gate is gone from a published release, is said', async () => {
  expect((await truths({ events: migrated })).lines[0]).toBe('alex@old: Plex is not running, and is kept from starting');
  expect((await truths({ events: migrated, kept: false })).lines[0]).toBe('alex@old: Plex is not running');
  expect((await truths({ events: migrated, phase: 'none', serving: 'processed' })).lines[1]).toContain('the gate is not in the release any more');
});

test.each(['source', 'target'] as const)('a %s that cannot be asked is told as such', async (mute) => {
  const { lines } = await truths({ events: migrated, mute, running: true });
  expect(lines.join('\n')).toContain('could not be asked (no route to host)');
});

test('a source whose machine is away does not keep the target from being asked', async () => {
  const target = { name: 'release plex', state: async () => ({ phase: 'published', run: 'run-1' }), serving: async () => 'processed' } as unknown as Target;
  const { lines, areTwoServers } = await truthsOf({ source: absentSource('alex@old', new Error('no route to host')), target, run: 'run-1' }, { events: migrated.map((event): RecordedEvent => ({ at: 'now', ...event })), error: null });
  expect(lines).toEqual(['alex@old: could not be asked (no route to host)', 'release plex: the library is published; its server answers as processed']);
  expect(areTwoServers).toBe(false);
});

test.each([
  { phase: 'published', after: [], says: 'the library is published' },
  { phase: 'published', after: [consented], says: 'the library is published' },
  { phase: 'finished', after: [consented], says: 'there is no way back any more; "plexlift finish" was begun and has still to end' },
  { phase: 'none', after: [consented], says: 'the gate is not in the release any more; "plexlift finish" was begun and has still to end' },
  { phase: 'none', after: [consented, finished], says: 'plexlift has left the release' },
  { phase: 'finished', after: [consented, finished], says: 'the migration is over' },
] as const)('a volume at "$phase" after $after.length of consent and end: $says', async ({ phase, after, says }) => {
  expect((await truths({ events: [...migrated, ...after], phase })).lines[1]).toContain(says);
});

test('what an earlier migration into the same volume finished is not told as this one\'s', async () => {
  const { lines, isPastReturn } = await truths({ events: [inspected, begun('open-target')], phase: 'finished', runThere: 'run-0' });
  expect(lines[1]).toContain('nothing of this run is on it, and no library was changed');
  expect(isPastReturn).toBe(false);
});
