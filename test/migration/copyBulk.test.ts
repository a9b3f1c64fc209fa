import { beforeEach, expect, test, vi } from 'vitest';
import { copyAhead, copyRest } from '../../src/migration/steps/copyBulk.ts';
import type { Source } from '../../src/sources/source.ts';
import type { Target } from '../../src/targets/target.ts';
import type { SendOptions, SendSummary } from '../../src/transfer/engine.ts';
import type { Tree } from '../../src/transfer/entry.ts';
import type { Manifest } from '../../src/transfer/manifest.ts';
import { sourceFacts, stepTools, targetFacts } from './literalFacts.ts';

const sent: SendOptions[] = [];
const nothing = { count: 0, first: [] };
const summary: SendSummary = { listed: { entries: 3, bytes: 5, leftBehind: [], leavingLinks: nothing, skippedOther: nothing }, entries: 0, bytes: 0, segments: 0, retries: 0, removed: 0, notSent: nothing, leavingLinks: nothing, skippedOther: nothing, durationMs: 1 };

vi.mock('../../src/transfer/engine.ts', () => ({ send: async (options: SendOptions) => (sent.push(options), summary) }));

beforeEach(() => {
  sent.length = 0;
});

const treeNamed = (name: string): Tree => ({ name, list: () => (async function* none() {})(), read: () => { throw new Error('nothing is read here'); } });

function context(options: { readonly rehearsal?: boolean } = {}) {
  const source = { tree: treeNamed('at full speed'), treeWhileServing: treeNamed('giving way') } as Source;
  const tools = stepTools({ inspect: { source: sourceFacts(), target: targetFacts() } });
  return { source, target: {} as Target, manifest: () => ({}) as Manifest, rehearsal: options.rehearsal ?? false, ...tools };
}

test('copying gives way to the server while it serves, and not once it is stopped', async () => {
  await copyAhead.run(context());
  await copyRest.run(context());
  await copyRest.run(context({ rehearsal: true }));
  expect(sent.map(({ tree, mode }) => [tree.name, mode])).toEqual([['giving way', 'while running'], ['at full speed', 'at rest'], ['giving way', 'while running']]);
});
