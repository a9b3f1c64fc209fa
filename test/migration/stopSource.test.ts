import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import { runDirectoryAt } from '../../src/migration/runDirectory.ts';
import { stopSource } from '../../src/migration/steps/stopSource.ts';
import type { Question } from '../../src/runner/ask.ts';
import type { Activity, Source } from '../../src/sources/source.ts';
import type { Target } from '../../src/targets/target.ts';
import { openManifest } from '../../src/transfer/manifest.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { sourceFacts, stepTools, targetFacts, thrownBy } from './literalFacts.ts';

// Waiting until nobody watches looks every quarter of a minute.
vi.mock('node:timers/promises', () => ({ setTimeout: async (_ms: number, _value: unknown, options?: { readonly signal?: AbortSignal }) => options?.signal?.throwIfAborted() }));

// Nothing was copied: what is read back of it is not the matter here.
const scratch = makeScratchDirectory('plexlift-stop-');
const manifest = openManifest(join(scratch, 'manifest.db'));
manifest.finishListing(manifest.beginListing('bulk'));
afterAll(() => {
  manifest.close();
  rmSync(scratch, { recursive: true });
});

const quiet: Activity = { known: true, streams: [], backgroundJobs: [] };
const busy: Activity = {
  known: true,
  streams: [
    { user: 'ann', title: 'A Series: Pilot', player: 'Living room', transcoding: true },
    { user: 'bob', title: 'A Film', player: 'Phone', transcoding: false },
  ],
  backgroundJobs: ['a version of "Another Film" is being made'],
};

function scene(options: { readonly answer: string; readonly activities?: readonly Activity[]; readonly running?: boolean; readonly kept?: boolean; readonly published?: true; readonly gateGone?: true; readonly serving?: string; readonly gone?: boolean; readonly service?: null; readonly mediaAway?: true; readonly landingAway?: true; readonly signal?: AbortSignal }) {
  const done: string[] = [];
  const asked: Question<string>[] = [];
  const activities = [...(options.activities ?? [quiet])];
  const source = {
    name: 'alex@old',
    isRunning: async () => options.running ?? true,
    activity: async () => (done.push('activity'), (activities.length > 1 ? activities.shift() : activities[0]) ?? quiet),
    connect: async () => (done.push('connect'), null),
    keepStopped: async () => void done.push('keep stopped'),
    isKeptStopped: async () => options.kept ?? false,
    stop: async () => (done.push('stop'), { processesGone: options.gone ?? true, remainingWalFiles: ['library.db-wal'], durationMs: 120_000 }),
    restore: async () => void done.push('restore'),
  } as unknown as Source;
  const directory = runDirectoryAt('/nowhere');
  const facts = sourceFacts(options.service === null ? { service: null } : {});
  const tools = stepTools({ inspect: { source: facts, target: targetFacts() }, media: { sentinels: [{ mount: '/media/a', path: '/media/a/film', sizeBytes: 5 }] }, 'stop-source': { onDeck: { items: [7], reason: '' } } }, options.signal);
  const target = {
    name: 'release plex',
    state: async () => (options.gateGone === true ? { phase: 'none', run: null } : { phase: options.published === undefined ? 'landing' : 'published', run: 'run-1' }),
    serving: async () => options.serving ?? null,
    bootId: async () => 'this boot',
    async landedDigest() {
      done.push('read back');
      if (options.landingAway !== undefined) throw new PlexliftError('failed', 'Cannot read the landing area', { remedy: 'Look at the pod' });
      return 'another';
    },
    async *landed() {
      /* nothing was copied */
    },
    async *lookUp(paths: readonly string[]) {
      for (const path of paths) yield { path, status: options.mediaAway === undefined ? 'present' : 'missing', sizeBytes: options.mediaAway === undefined ? 5 : null };
    },
  } as unknown as Target;
  const ask = {
    async choose<Value extends string>(question: Question<Value>): Promise<Value> {
      asked.push(question);
      return options.answer as Value;
    },
  };
  const context = { run: 'run-1', source, target, manifest: () => manifest, ask, directory, ...tools };
  return { done, asked, tools, run: () => stopSource.run(context), context };
}

test('the question names every viewer, transcode and job, what will happen, how it is undone, and not to sign out', async () => {
  const { asked, run } = scene({ answer: 'now', activities: [busy] });
  await run();
  const text = asked[0]?.detail.join('\n') ?? '';
  expect(asked[0]?.title).toBe('Stop Plex on alex@old now?');
  expect(text).toContain('ann is watching "A Series: Pilot" on Living room (being transcoded).');
  expect(text).toContain('bob is watching "A Film" on Phone.');
  expect(text).toContain('In the background: a version of "Another Film" is being made.');
  expect(text).toMatch(/What will happen: .*stopped and kept from starting again.*release plex/);
  expect(text).toMatch(/How it is undone: "plexlift rollback", at any time/);
  expect(text).toContain('Do not sign out of the old server');
  expect(asked[0]).toMatchObject({ id: 'stop-source', yes: 'now' });
  expect(asked[0]?.choices.map(({ value }) => value)).toEqual(['now', 'wait', 'no']);
});

test('nobody watching, and not being able to ask, are told apart', async () => {
  const idle = scene({ answer: 'now' });
  await idle.run();
  expect(idle.asked[0]?.detail[0]).toBe('Nobody is watching, and nothing is being transcoded.');
  const mute = scene({ answer: 'now', activities: [{ known: false, reason: 'HTTP status 401', streams: [], backgroundJobs: [] }] });
  await mute.run();
  expect(mute.asked[0]?.detail[0]).toBe('Who is watching could not be asked: HTTP status 401.');
});

test('"now" keeps it from starting before it is stopped, and tells what stayed behind', async () => {
  const { done, run, tools } = scene({ answer: 'now', activities: [busy] });
  expect(await run()).toMatchObject({ processesGone: true, wasRunning: true });
  expect(done).toEqual(['activity', 'read back', 'connect', 'keep stopped', 'stop']);
  expect(tools.notes.join('\n')).toContain('library.db-wal');
});

test('"no" leaves it alone', async () => {
  const { done, run } = scene({ answer: 'no', activities: [busy] });
  expect(await thrownBy(run())).toMatchObject({ kind: 'refused', remedy: expect.stringContaining('It goes on serving') });
  expect(done).toEqual(['activity']);
});

test('"wait" stops it once nobody watches and nothing is in the background, and can be asked', async () => {
  const jobs: Activity = { known: true, streams: [], backgroundJobs: ['optimizing'] };
  const mute: Activity = { known: false, streams: [], backgroundJobs: [] };
  const { done, run, tools } = scene({ answer: 'wait', activities: [busy, busy, mute, jobs, quiet] });
  await run();
  expect(done).toEqual(['activity', 'activity', 'activity', 'activity', 'activity', 'read back', 'connect', 'keep stopped', 'stop']);
  expect(tools.progressed.map(({ what }) => what)).toEqual(['waiting for 2 streams and 1 jobs to end', 'waiting until the server can be asked who is watching', 'waiting for 0 streams and 1 jobs to end', 'reading the landing area back']);
});

test('a server that runs is not stopped, and nobody is asked, while the media are away on the target', async () => {
  const away = scene({ answer: 'now', mediaAway: true });
  expect(await thrownBy(away.run())).toMatchObject({ kind: 'refused', message: 'Cannot find the media below "/media/a" on release plex', facts: ['expected "/media/a/film" with 5 bytes'] });
  expect([away.asked, away.done]).toEqual([[], []]);
  for (const other of [{ running: false }, { published: true as const }]) await scene({ answer: 'now', mediaAway: true, ...other }).run();
});

test('waiting ends when the run is stopped', async () => {
  const stop = new AbortController();
  stop.abort();
  const { done, run } = scene({ answer: 'wait', activities: [busy], signal: stop.signal });
  expect(await thrownBy(run())).toMatchObject({ name: 'AbortError' });
  expect(done).not.toContain('stop');
});

test('a source that does not run is kept from starting with consent only, and not asked about where it is kept already', async () => {
  const stopped = scene({ answer: 'now', running: false });
  expect(await stopped.run()).toMatchObject({ wasRunning: false });
  expect(stopped.asked[0]?.title).toBe('Keep Plex on alex@old, which is stopped, from starting?');
  expect(stopped.asked[0]?.choices.map(({ value }) => value)).toEqual(['now', 'no']);
  expect(stopped.done).toEqual(['keep stopped', 'stop']);

  const refused = scene({ answer: 'no', running: false });
  expect(await thrownBy(refused.run())).toMatchObject({ kind: 'refused', message: expect.stringContaining('was not kept from starting, as you chose'), remedy: expect.stringContaining('It stays as it is') });
  expect(refused.done).toEqual([]);

  const kept = scene({ answer: 'no', running: false, kept: true });
  await kept.run();
  expect(kept.asked).toEqual([]);
  expect(kept.done).toEqual(['keep stopped', 'stop']);
});

test('a second server beside a published library is stopped with consent, what that means is said, and On Deck stays what it was', async () => {
  const { asked, done, run } = scene({ answer: 'now', published: true });
  expect(await run()).toMatchObject({ onDeck: { items: [7] } });
  const text = asked[0]?.detail.join('\n') ?? '';
  expect(text).toMatch(/Two servers with one identity damage each other.*what happened on alex@old since is not in the new library/);
  expect(text).toContain('release plex goes on as it is');
  expect(text).not.toContain('Until then nobody can watch');
  expect(done).toEqual(['activity', 'keep stopped', 'stop']);
  expect(await thrownBy(scene({ answer: 'no', published: true }).run())).toMatchObject({ kind: 'refused', remedy: expect.stringMatching(/"plexlift migrate" stops the old one; until "plexlift finish", "plexlift rollback" goes back/) });
});

test('where the gate is gone from the release, the identity that serves tells whether the library is in use', async () => {
  const inUse = scene({ answer: 'now', gateGone: true, serving: 'processed' });
  expect(await inUse.run()).toMatchObject({ onDeck: { items: [7] } });
  expect(inUse.asked[0]?.detail.join('\n')).toContain('release plex goes on as it is');
  expect(inUse.done).toEqual(['activity', 'keep stopped', 'stop']);

  const another = scene({ answer: 'now', gateGone: true, serving: 'another' });
  await another.run();
  expect(another.asked[0]?.detail.join('\n')).toContain('Until then nobody can watch');
  expect(another.done).toContain('read back');
});

test('what was copied is read back before the source is stopped, and where it cannot be read the source goes on serving', async () => {
  const { done, run } = scene({ answer: 'now', landingAway: true });
  expect(await thrownBy(run())).toMatchObject({ message: 'Cannot read the landing area' });
  expect(done).toEqual(['activity', 'read back']);
  for (const needless of [{ running: false }, { published: true }] as const) {
    const other = scene({ answer: 'now', ...needless });
    await other.run();
    expect(other.done).not.toContain('read back');
  }
});

test('processes that stay are a failure, also where there is no service', async () => {
  expect(await thrownBy(scene({ answer: 'now', gone: false }).run())).toMatchObject({ kind: 'failed', message: expect.stringContaining('after 2 min 0 s') });
  const directory = scene({ answer: 'now', gone: false, service: null });
  expect(await thrownBy(directory.run())).toMatchObject({ kind: 'failed' });
  expect(directory.asked).toEqual([]);
});

test('on resume it holds while Plex is stopped and kept from starting; undo restores what was observed', async () => {
  const stopped = scene({ answer: 'now', running: false, kept: true });
  const result = await stopped.run();
  expect(await stopSource.stillHolds?.(stopped.context, result)).toMatchObject({ status: 'pass' });
  const started = scene({ answer: 'now', kept: true });
  expect(await stopSource.stillHolds?.(started.context, result)).toMatchObject({ status: 'fail', detail: expect.stringContaining('runs again') });
  const freed = scene({ answer: 'now', running: false });
  expect(await stopSource.stillHolds?.(freed.context, result)).toMatchObject({ status: 'fail', detail: expect.stringContaining('nothing keeps Plex on alex@old from starting') });
  await stopSource.undo?.(started.context);
  expect(started.done).toEqual(['restore']);
});
