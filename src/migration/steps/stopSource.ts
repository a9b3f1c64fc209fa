import { setTimeout as delay } from 'node:timers/promises';
import { PlexliftError } from '../../errors.ts';
import type { Activity, StopEvidence } from '../../sources/source.ts';
import { durationText } from '../../units.ts';
import { afterwards } from '../afterwards.ts';
import type { MigrationStep } from '../migration.ts';
import type { OnDeck } from '../onDeck.ts';
import { observeOnDeck } from '../onDeck.ts';
import { inspect } from './inspect.ts';

/** How often the server is asked whether anybody still watches, when a person chose to wait. */
const idlePollMs = 15_000;

/** What stopping found. */
export type StoppedSource = StopEvidence & { readonly wasRunning: boolean; readonly onDeck: OnDeck };

/** Shows who is watching, asks, stops Plex, keeps it stopped, and proves that no process of it is left. */
export const stopSource: MigrationStep<'source' | 'target' | 'ask' | 'directory', StoppedSource> = {
  name: 'stop-source',
  title: 'Stop Plex on the source, with your consent',
  touches: 'source',
  async run({ source, target, ask, directory, note, progress, signal, resultOf }) {
    const wasRunning = await source.isRunning();
    let onDeck: OnDeck = { items: null, reason: 'the source was stopped already' };
    if (resultOf(inspect).source.service === null) {
      const evidence = await source.stop();
      return { ...requireStopped(evidence, source.name), wasRunning, onDeck };
    }
    if (wasRunning) {
      const activity = await source.activity();
      const answer = await ask.choose({
        id: 'stop-source',
        title: `Stop Plex on ${source.name} now?`,
        detail: [...whoIsWatching(activity), ...whatWillHappen({ source: source.name, target: target.name })],
        choices: [
          { value: 'now', label: 'stop it now' },
          { value: 'wait', label: 'wait until nobody is watching, then stop it' },
          { value: 'no', label: 'not now' },
        ],
        yes: 'now',
      });
      if (answer === 'no') {
        throw new PlexliftError('refused', `Plex on ${source.name} was not stopped, as you chose`, { remedy: 'It goes on serving, and nothing was published on the target. Run the same command again whenever it suits; what was copied so far stays copied' });
      }
      if (answer === 'wait') await waitUntilIdle({ activity: () => source.activity(), progress, signal });
      onDeck = await observeOnDeck(source, directory.backup);
    }
    // Recorded by `inspect` before this: how the unit was enabled, so that undo can put exactly that back.
    await source.keepStopped();
    const evidence = await source.stop();
    note(`Plex on ${source.name} is stopped and kept from starting; "plexlift rollback" starts it again`);
    for (const file of evidence.remainingWalFiles) note(`A write-ahead log stayed behind and is taken along: ${file}`);
    return { ...requireStopped(evidence, source.name), wasRunning, onDeck };
  },
  async stillHolds({ source }) {
    if (!(await source.isRunning())) return { status: 'pass', detail: 'no process of Plex runs' };
    return { status: 'fail', detail: `Plex runs again on ${source.name}`, remedy: 'You are asked again before it is stopped' };
  },
  async undo({ source, resultOf, note }) {
    const before = resultOf(inspect).source;
    await source.restore(before);
    if (before.running) note(`Plex on ${source.name} runs again, as it did before`);
  },
};

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

function whatWillHappen(names: { readonly source: string; readonly target: string }): readonly string[] {
  return [
    `What will happen: Plex on ${names.source} is stopped and kept from starting again, also after a reboot. What changed is copied, the databases are taken, rewritten, proven and delivered, and Plex starts on ${names.target}. Until then nobody can watch.`,
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
