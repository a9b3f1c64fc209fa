import { expect, test } from 'vitest';
import { publish } from '../../src/migration/steps/publish.ts';
import type { SnapshotFile, Source } from '../../src/sources/source.ts';
import type { GateState, Seal, Target } from '../../src/targets/target.ts';
import { sourceFacts, stepTools, targetFacts, thrownBy } from './literalFacts.ts';

const taken: readonly SnapshotFile[] = [{ path: 'Preferences.xml', sizeBytes: 1, sha256: 'p' }, { path: 'Plug-in Support/Databases/library.db', sizeBytes: 2, sha256: 'l' }];
const sentinels = [{ mount: '/media/library', path: '/media/library/1', sizeBytes: 1 }];

function scene(options: { readonly running?: boolean; readonly now?: readonly SnapshotFile[]; readonly after?: GateState; readonly rehearsal?: boolean; readonly existingLibrary?: string; readonly serving?: string }) {
  const sealed: Seal[] = [];
  const source = { name: 'alex@old', isRunning: async () => options.running ?? false, fingerprintCatalogue: async () => options.now ?? taken } as unknown as Source;
  const target = { name: 'release plex', publish: async (seal: Seal) => void sealed.push(seal), state: async () => options.after ?? { phase: 'published', run: 'run-1' }, withdraw: async () => ['The library is kept'], serving: async () => options.serving ?? null } as unknown as Target;
  const tools = stepTools({
    inspect: { source: sourceFacts(), target: targetFacts() },
    'take-catalogue': { snapshot: { method: 'files', takenAt: 'now', files: taken }, settled: {} },
    'open-target': { existingLibrary: options.existingLibrary ?? 'none', version: null, done: [] },
    media: { sentinels },
  });
  const context = { run: 'run-1', runs: ['run-1'], source, target, rehearsal: options.rehearsal ?? false, ...tools };
  return { sealed, tools, context, run: () => publish.run(context) };
}

test('publishes with the sentinels and what was agreed about an existing library', async () => {
  const { sealed, run } = scene({ existingLibrary: 'set aside' });
  expect(await run()).toMatchObject({ existingLibrary: 'set aside' });
  expect(sealed).toEqual([{ run: 'run-1', existingLibrary: 'set aside', sentinels }]);
});

test('refuses while the source runs again', async () => {
  const { sealed, run } = scene({ running: true });
  expect(await thrownBy(run())).toMatchObject({ kind: 'failed', message: 'Cannot publish: Plex runs again on alex@old', remedy: expect.stringContaining('--again stop-source') });
  expect(sealed).toEqual([]);
});

test.each([
  { what: 'changed', now: [taken[0], { path: 'Plug-in Support/Databases/library.db', sizeBytes: 2, sha256: 'other' }] },
  { what: 'are gone', now: [taken[0]] },
])('refuses when databases $what since they were taken', async ({ now }) => {
  const { sealed, run } = scene({ now: now.filter((file) => file !== undefined) });
  expect(await thrownBy(run())).toMatchObject({ kind: 'failed', facts: ['Plug-in Support/Databases/library.db'], remedy: expect.stringContaining('--again stop-source') });
  expect(sealed).toEqual([]);
});

test('a rehearsal leaves the source out of it', async () => {
  const { sealed, run } = scene({ running: true, now: [], rehearsal: true });
  await run();
  expect(sealed).toHaveLength(1);
});

test.each<GateState>([{ phase: 'landing', run: 'run-1' }, { phase: 'publishing', run: 'run-1' }, { phase: 'published', run: 'run-0' }, { phase: 'none', run: null }])('what the volume itself says counts: $phase of $run is not published', async (after) => {
  expect(await thrownBy(scene({ after }).run())).toMatchObject({ kind: 'failed', message: expect.stringContaining('Cannot publish') });
});

test('undo withdraws and tells what was done', async () => {
  const { context, tools } = scene({});
  await publish.undo?.(context);
  expect(tools.notes).toEqual(['The library is kept']);
});

test('undo does not let the source start while its identity still answers on the target', async () => {
  const { context } = scene({ serving: 'processed' });
  expect(await thrownBy(Promise.resolve(publish.undo?.(context)))).toMatchObject({ kind: 'failed', message: 'Cannot let Plex on alex@old start again: release plex still answers as processed', remedy: expect.stringContaining('plexlift rollback') });
  const other = scene({ serving: 'another' });
  await publish.undo?.(other.context);
  expect(other.tools.notes).toEqual(['The library is kept']);
});

test.each([
  { phase: 'published', run: 'run-1' },
  { phase: 'finished', run: 'run-1' },
] as const)('is done already where the volume says %j', async (after) => {
  const { context, sealed } = scene({ after, running: true });
  expect(await publish.alreadyDone?.(context)).toEqual({ existingLibrary: 'none', publishedAt: expect.any(String) as string });
  expect(sealed).toEqual([]);
});

test.each([
  { phase: 'publishing', run: 'run-1' },
  { phase: 'landing', run: 'run-1' },
  { phase: 'published', run: 'run-0' },
] as const)('is not where it says %j', async (after) => {
  expect(await publish.alreadyDone?.(scene({ after }).context)).toBeNull();
});
