import { PassThrough, Readable, Transform } from 'node:stream';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Process } from '../../src/machines/machine.ts';
import { copyAhead, copyRest } from '../../src/migration/steps/copyBulk.ts';
import type { Source } from '../../src/sources/source.ts';
import type { GateState, Target } from '../../src/targets/target.ts';
import type { SendOptions, SendSummary } from '../../src/transfer/engine.ts';
import type { Tree } from '../../src/transfer/entry.ts';
import { listingAhead } from '../../src/transfer/listingAhead.ts';
import type { Manifest } from '../../src/transfer/manifest.ts';
import { sourceFacts, stepTools, targetFacts } from './literalFacts.ts';

const sent: SendOptions[] = [];
const ahead = listingAhead();
const nothing = { count: 0, first: [] };
const summary: SendSummary = { listed: { entries: 3, bytes: 5, leftBehind: [], leavingLinks: nothing, skippedOther: nothing }, entries: 0, bytes: 0, segments: 0, retries: 0, removed: 0, readAgain: { files: 0, lost: 0 }, notSent: nothing, leavingLinks: nothing, skippedOther: nothing, durationMs: 1 };

vi.mock('../../src/transfer/engine.ts', () => ({ send: async (options: SendOptions) => (sent.push(options), summary) }));

beforeEach(() => {
  sent.length = 0;
});

const endedProcess = (): Process => ({ stdin: new PassThrough(), stdout: Readable.from([]), ended: Promise.resolve({ exitCode: 0, signal: null, stderrTail: '' }), kill: () => undefined });

function context(options: { readonly rehearsal?: boolean; readonly limitBytesPerSecond?: number; readonly running?: boolean; readonly state?: GateState } = {}) {
  const read: string[] = [];
  const treeNamed = (name: string): Tree => ({ name, list: () => (async function* none() {})(), read: () => (read.push(name), endedProcess()) });
  const source = { tree: treeNamed('at full speed'), treeWhileServing: treeNamed('giving way'), name: 'alex@old', isRunning: async () => options.running ?? true } as Source;
  const tools = stepTools({ inspect: { source: sourceFacts(), target: targetFacts() } });
  return { read, source, run: 'run-1', target: { state: async () => options.state ?? { phase: 'landing', run: 'run-1' } } as Target, manifest: () => ({}) as Manifest, rehearsal: options.rehearsal ?? false, limitBytesPerSecond: options.limitBytesPerSecond ?? null, listingAhead: ahead, ...tools };
}

test('copying gives way to the server while it serves, and not once it is stopped', async () => {
  await copyAhead.run(context());
  await copyRest.run(context());
  await copyRest.run(context({ rehearsal: true }));
  expect(sent.map(({ tree, mode }) => [tree.name, mode])).toEqual([['giving way', 'while running'], ['at full speed', 'at rest'], ['giving way', 'while running']]);
});

test('what was listed since the source came to rest is used, and only where it has to be at rest', async () => {
  await copyAhead.run(context());
  await copyRest.run(context());
  await copyRest.run(context({ rehearsal: true }));
  expect(sent.map(({ listingAhead: listed }) => listed === ahead)).toEqual([false, true, false]);
});

test('a limit holds while the source serves, is told, and is none once it is stopped', async () => {
  const serving = context({ limitBytesPerSecond: 20 * 1024 ** 2 });
  await copyAhead.run(serving);
  const stopped = context({ limitBytesPerSecond: 20 * 1024 ** 2 });
  await copyRest.run(stopped);
  const [limited, free] = sent;
  expect(limited?.tree.name).toBe('giving way');
  expect(limited?.tree).not.toBe(serving.source.treeWhileServing);
  // What comes from it has passed through a stream of its own.
  expect(limited?.tree.read([], { uid: 0, gid: 0 }).stdout).toBeInstanceOf(Transform);
  expect(serving.read).toEqual(['giving way']);
  expect(free?.tree).toBe(stopped.source.tree);
  expect(serving.notes).toEqual(['At most 20.0 MiB a second is copied while the source serves; once it is stopped there is no limit']);
  expect(stopped.notes).toEqual([]);
});

test.each<{ readonly what: string; readonly options: Parameters<typeof context>[0]; readonly status: string }>([
  { what: 'while the source serves', options: {}, status: 'skip' },
  { what: 'while the source serves and the volume holds another run', options: { state: { phase: 'published', run: 'another' } }, status: 'skip' },
  { what: 'not once it is stopped', options: { running: false }, status: 'pass' },
  { what: 'not once publishing was begun, even when Plex was started by hand', options: { state: { phase: 'publishing', run: 'run-1' } }, status: 'pass' },
  { what: 'not once it is published, even when Plex was started by hand', options: { state: { phase: 'published', run: 'run-1' } }, status: 'pass' },
  { what: 'not in a rehearsal, whose source goes on serving', options: { rehearsal: true }, status: 'pass' },
])('copying ahead is done each time a run is continued: $what', async ({ options, status }) => {
  expect(await copyAhead.stillHolds?.(context(options), summary)).toMatchObject({ status });
});
