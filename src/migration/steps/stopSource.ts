import { setTimeout as delay } from 'node:timers/promises';
import { PlexliftError } from '../../errors.ts';
import type { Activity, StopEvidence } from '../../sources/source.ts';
import type { GateState, Target } from '../../targets/target.ts';
import { durationText } from '../../units.ts';
import { afterwards } from '../afterwards.ts';
import { requireSentinels } from '../mediaProof.ts';
import type { MigrationStep } from '../migration.ts';
import type { OnDeck } from '../onDeck.ts';
import { observeOnDeck } from '../onDeck.ts';
import { inspect } from './inspect.ts';
import { media } from './media.ts';
import { isLibraryOf } from './openTarget.ts';
import { readBackAhead } from './readingBack.ts';

/** How often the server is asked whether anybody still watches, when a person chose to wait. */
const idlePollMs = 15_000;

/** What stopping found. */
export type StoppedSource = StopEvidence & { readonly wasRunning: boolean; readonly onDeck: OnDeck };

/** Shows who is watching, asks, reads back what was copied, stops Plex, keeps it stopped, and proves that no process of it is left. */
export const stopSource: MigrationStep<'run' | 'source' | 'target' | 'manifest' | 'ask' | 'directory', StoppedSource> = {
  name: 'stop-source',
  title: 'Stop Plex on the source, with your consent',
  touches: 'source',
  outlivesSeal: true,
  async run({ run, source, target, manifest, ask, directory, note, progress, signal, resultOf }) {
    const wasRunning = await source.isRunning();
    let onDeck: OnDeck = { items: null, reason: 'the source was stopped already' };
    if (resultOf(inspect).source.service === null) {
      const evidence = await source.stop();
      return { ...requireStopped(evidence, source.name), wasRunning, onDeck };
    }
    const state = await target.state();
    const isPublished = await hasTheLibrary(target, { state, run, identity: resultOf(inspect).source.processedMachineIdentifier });
    // Nobody should stop watching for a library that could not be published.
    if (wasRunning && !isPublished) await requireSentinels(target, resultOf(media).sentinels);
    // Kept from starting already, it was agreed to: what was done is only not on record yet.
    if (wasRunning || !(await source.isKeptStopped())) {
      const activity = wasRunning ? await source.activity() : null;
      const answer = await ask.choose({
        id: 'stop-source',
        title: wasRunning ? `Stop Plex on ${source.name} now?` : `Keep Plex on ${source.name}, which is stopped, from starting?`,
        detail: [...(isPublished ? [besideThePublished({ source: source.name, target: target.name })] : []), ...(activity === null ? [] : whoIsWatching(activity)), ...whatWillHappen({ source: source.name, target: target.name, isPublished })],
        choices: [
          { value: 'now', label: wasRunning ? 'stop it now' : 'keep it stopped' },
          ...(wasRunning ? [{ value: 'wait' as const, label: 'wait until nobody is watching, then stop it' }] : []),
          { value: 'no', label: 'not now' },
        ],
        yes: 'now',
      });
      if (answer === 'no') throw saidNo({ source: source.name, target: target.name, wasRunning, isPublished });
      if (answer === 'wait') await waitUntilIdle({ activity: () => source.activity(), progress, signal });
      // What a second server showed beside the first is nothing that the first has to show.
      if (isPublished) onDeck = resultOf(stopSource).onDeck;
      else if (wasRunning) {
        await readBackAhead({ target, manifest, progress, note, resultOf });
        onDeck = await observeOnDeck(source, directory.backup);
      }
    }
    // Recorded by `inspect` before this: how the unit was enabled, so that undo can put exactly that back.
    await source.keepStopped();
    const evidence = await source.stop();
    note(`Plex on ${source.name} is stopped and kept from starting; until "plexlift finish", "plexlift rollback" starts it again`);
    for (const file of evidence.remainingWalFiles) note(`A write-ahead log stayed behind and is taken along: ${file}`);
    return { ...requireStopped(evidence, source.name), wasRunning, onDeck };
  },
  async stillHolds({ source }) {
    if (await source.isRunning()) return { status: 'fail', detail: `Plex runs again on ${source.name}`, remedy: 'You are asked again before it is stopped' };
    if (!(await source.isKeptStopped())) return { status: 'fail', detail: `nothing keeps Plex on ${source.name} from starting any more`, remedy: 'You are asked again before it is kept from starting' };
    return { status: 'pass', detail: 'no process of Plex runs, and it is kept from starting' };
  },
  async undo({ source, resultOf, note }) {
    const before = resultOf(inspect).source;
    await source.restore(before);
    if (before.running) note(`Plex on ${source.name} runs again, as it did before`);
  },
};

/** Whether the moved library is in use already. Where no gate is there to be asked, because somebody's own upgrade or "finish" took it away, the server tells by its identity. */
async function hasTheLibrary(target: Target, { state, run, identity }: { readonly state: GateState; readonly run: string; readonly identity: string | null }): Promise<boolean> {
  return isLibraryOf(run, state) || (state.phase === 'none' && identity !== null && (await target.serving()) === identity);
}

function besideThePublished({ source, target }: { readonly source: string; readonly target: string }): string {
  return `The library was published on ${target}. Two servers with one identity damage each other's watch state; what happened on ${source} since is not in the new library.`;
}

function saidNo({ source, target, wasRunning, isPublished }: { readonly source: string; readonly target: string; readonly wasRunning: boolean; readonly isPublished: boolean }): PlexliftError {
  if (isPublished) return new PlexliftError('refused', `Plex on ${source} was not ${wasRunning ? 'stopped' : 'kept from starting'}, as you chose, while ${target} has the library`, { remedy: 'Only one of the two may run: "plexlift migrate" stops the old one; until "plexlift finish", "plexlift rollback" goes back to it' });
  return new PlexliftError('refused', `Plex on ${source} was not ${wasRunning ? 'stopped' : 'kept from starting'}, as you chose`, { remedy: `${wasRunning ? 'It goes on serving' : 'It stays as it is'}, and nothing was published on the target. Run the same command again whenever it suits; what was copied so far stays copied` });
}

function requireStopped(evidence: StopEvidence, name: string): StopEvidence {
  if (evidence.processesGone) return evidence;
  throw new PlexliftError('failed', `Cannot stop Plex on ${name}: processes of it are still there after ${durationText(evidence.durationMs)}`, { remedy: 'Look at them on the source (ps aux | grep -i plex), end them, then run the same command again' });
}

function whoIsWatching(activity: Activity): readonly string[] {
  if (!activity.known) return [`Who is watching could not be asked: ${activity.reason ?? 'the server gave no answer'}.`];
  if (activity.streams.length === 0 && activity.backgroundJobs.length === 0) return ['Nobody is watching, and nothing is being transcoded.'];
  return [
    ...activity.streams.map((stream) => `${stream.user} is watching "${stream.title}" on ${stream.player}${stream.transcoding ? ' (being transcoded)' : ''}.`),
    ...activity.backgroundJobs.map((job) => `In the background: ${job}.`),
  ];
}

function whatWillHappen(names: { readonly source: string; readonly target: string; readonly isPublished: boolean }): readonly string[] {
  const kept = `What will happen: Plex on ${names.source} is stopped and kept from starting again, also after a reboot and an upgrade of its package.`;
  if (names.isPublished) return [`${kept} ${names.target} goes on as it is.`, 'The other way, until "plexlift finish": "plexlift rollback" takes the library back from there and lets this server serve.'];
  return [
    `${kept} The databases are taken, rewritten, proven and delivered, what changed is copied, and Plex starts on ${names.target}. Until then nobody can watch.`,
    'How it is undone: "plexlift rollback", at any time. It starts this server again exactly as it is now; nothing on it is changed.',
    ...afterwards,
  ];
}

async function waitUntilIdle(options: { readonly activity: () => Promise<Activity>; readonly progress: (progress: { what: string; done: number; unit: 'seconds' }) => void; readonly signal: AbortSignal }): Promise<void> {
  const startedAtMs = performance.now();
  for (;;) {
    const now = await options.activity();
    if (now.known && now.streams.length === 0 && now.backgroundJobs.length === 0) return;
    const what = now.known ? `waiting for ${now.streams.length} streams and ${now.backgroundJobs.length} jobs to end` : 'waiting until the server can be asked who is watching';
    options.progress({ what, done: Math.round((performance.now() - startedAtMs) / 1000), unit: 'seconds' });
    await delay(idlePollMs, undefined, { signal: options.signal });
  }
}
