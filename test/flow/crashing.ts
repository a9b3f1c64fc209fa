import { join } from 'node:path';
import { thisComputer } from '../../src/machines/localMachine.ts';
import type { Migration } from '../../src/migration/migration.ts';
import { clearScratch, runDirectoryAt } from '../../src/migration/runDirectory.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import type { Journal } from '../../src/runner/journal.ts';
import { openJournal } from '../../src/runner/journal.ts';
import { directorySource } from '../../src/sources/directory.ts';
import type { ServiceFacts, Source } from '../../src/sources/source.ts';
import { directoryTarget } from '../../src/targets/directory.ts';
import type { Target } from '../../src/targets/target.ts';
import { listingAhead } from '../../src/transfer/listingAhead.ts';
import { openManifest } from '../../src/transfer/manifest.ts';
import type { Scene } from './scene.ts';

/** What the make-believe service of the source is; it outlives every crash, as a service does. */
export interface Service {
  running: boolean;
  keptStopped: boolean;
}

const serviceFacts: ServiceFacts = { unit: 'plexmediaserver.service', user: 'plex', group: 'plex', activeState: 'active', enabledState: 'enabled', fragmentPath: '/lib/systemd/system/plexmediaserver.service', dropInPaths: [] };

/** A real directory with a service in front of it, so that stopping, keeping stopped and starting again are real changes. */
function servedSource(directory: Source, service: Service): Source {
  return {
    ...directory,
    describe: async () => ({ ...(await directory.describe()), service: serviceFacts, running: service.running }),
    isRunning: async () => service.running,
    activity: async () => ({ known: true, streams: [], backgroundJobs: [] }),
    async keepStopped() {
      service.keptStopped = true;
    },
    isKeptStopped: async () => service.keptStopped,
    async stop() {
      service.running = false;
      return directory.stop();
    },
    async restore(before) {
      service.keptStopped = false;
      service.running = before.running;
    },
  };
}

/** Where a process may end: before or after an effect. Every point ends the process once. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** Ends the "process" once at every point it has not ended at yet; from then on nothing of that process has an effect. */
export interface Crasher {
  readonly points: ReadonlySet<string>;
  /** Whether the present process has ended. */
  readonly ended: boolean;
  /** A new process begins; its signal is aborted when it ends, so that nothing in it waits and tries again. */
  restart(): AbortSignal;
  around<Result>(point: string, effect: () => Promise<Result>): Promise<Result>;
  aroundNow<Result>(point: string, effect: () => Result): Result;
}

/** Makes a crasher. */
export function makeCrasher(): Crasher {
  const points = new Set<string>();
  let life = new AbortController();

  function reach(point: string): void {
    if (life.signal.aborted) throw new Crash(`the process is gone at "${point}"`);
    if (points.has(point)) return;
    points.add(point);
    life.abort();
    throw new Crash(`ended at "${point}"`);
  }

  return {
    points,
    get ended() {
      return life.signal.aborted;
    },
    restart() {
      life = new AbortController();
      return life.signal;
    },
    async around(point, effect) {
      reach(`${point}, before`);
      const result = await effect();
      reach(`${point}, after`);
      return result;
    },
    aroundNow(point, effect) {
      reach(`${point}, before`);
      const result = effect();
      reach(`${point}, after`);
      return result;
    },
  };
}

function crashingSource(source: Source, { around }: Crasher): Source {
  return {
    ...source,
    keepStopped: () => around('source.keepStopped', () => source.keepStopped()),
    stop: () => around('source.stop', () => source.stop()),
    restore: (before) => around('source.restore', () => source.restore(before)),
  };
}

function crashingTarget(target: Target, { around }: Crasher): Target {
  return {
    ...target,
    open: (request) => around('target.open', () => target.open(request)),
    receive: (segment, tar) => around('target.receive', () => target.receive(segment, tar)),
    remove: (paths) => around('target.remove', () => target.remove(paths)),
    keepJournal: (journal) => around('target.keepJournal', () => target.keepJournal(journal)),
    publish: (seal) => around('target.publish', () => target.publish(seal)),
    editPreferences: (edit) => around('target.editPreferences', () => target.editPreferences(edit)),
    withdraw: (back) => around('target.withdraw', () => target.withdraw(back)),
    restore: (before) => around('target.restore', () => target.restore(before)),
  };
}

/** The journal of a process that may end at every record of a result or of an undoing. */
function crashingJournal(journal: Journal, crasher: Crasher): Journal {
  return {
    ...journal,
    record(event) {
      if (crasher.ended) throw new Crash(`the process is gone and cannot record "${event.type}"`);
      if (event.type === 'step-finished' || event.type === 'undo-finished') crasher.aroundNow(`${event.type} ${event.step}`, () => journal.record(event));
      else journal.record(event);
    },
  };
}

/** One process of the migration: its context and its journal. */
export interface CrashingProcess {
  readonly migration: Migration;
  readonly journal: Journal;
  readonly signal: AbortSignal;
  close(): Promise<void>;
}

/** Starts a process over a scene, as `cli/session.ts` does, with every effect wrapped. */
export function startProcess(scene: Scene, options: { readonly service: Service; readonly crasher: Crasher; readonly run: string }): CrashingProcess {
  const { crasher, run } = options;
  const signal = crasher.restart();
  const here = thisComputer();
  const directory = runDirectoryAt(scene.run);
  clearScratch(directory);
  const journal = crashingJournal(openJournal(directory.journal, { observe: () => undefined }), crasher);
  let manifest: ReturnType<typeof openManifest> | undefined;
  const ahead = listingAhead();
  return {
    journal,
    signal,
    migration: {
      run,
      runs: [run],
      source: crashingSource(servedSource(directorySource(here, { directory: scene.source, version: scene.facts.version }), options.service), crasher),
      target: crashingTarget(directoryTarget(here, { directory: scene.target }), crasher),
      here,
      pairs: scene.pairs,
      mapping: parseMapping(scene.pairs),
      fileGuids: 'leave',
      directory,
      rehearsal: false,
      limitBytesPerSecond: null,
      manifest: () => (manifest ??= openManifest(directory.manifestOf(run))),
      listingAhead: ahead,
      ask: { choose: async (question) => question.yes },
      accepted: new Set(),
      record: (event) => journal.record(event),
    },
    async close() {
      await ahead.close();
      manifest?.close();
      journal.close();
    },
  };
}

/** A file that appears at the source while it serves, and one that goes: so that there is something to send again and to remove. */
export const passing = { comes: join('Metadata', 'came later.txt'), goes: join('Metadata', 'goes again.txt') };
