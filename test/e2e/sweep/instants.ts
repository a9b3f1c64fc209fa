import { statSync } from 'node:fs';
import { join } from 'node:path';
import { plan } from '../../../src/migration/plan.ts';
import type { PassingEvent, RecordedEvent } from '../../../src/runner/events.ts';
import { isHeld, phaseOf } from '../plexStarts.ts';

/** What lies on the target's volume, as this computer sees it, while a case goes on. */
export interface SeenVolume {
  readonly root: string;
  /** The inode of the library that was there before the case. */
  readonly formerInode: number;
}

/** A moment on the road. `step` and `state` are what the journal tells last about a step then, or the moment was missed. */
export interface Instant {
  readonly name: string;
  readonly step: string;
  readonly state: 'begun' | 'finished';
  /** By what plexlift says. */
  readonly event?: (event: RecordedEvent | PassingEvent) => boolean;
  /** By what lies on the volume, looked at from the step's beginning on. */
  readonly volume?: (seen: SeenVolume) => boolean;
  /** A verb of the gate that is stopped as soon as `volume` is so, because it would be over within milliseconds. */
  readonly stopsVerb?: string;
}

function begin(step: string): Instant {
  return { name: `${step} begins`, step, state: 'begun', event: (event) => event.type === 'step-begun' && event.step === step };
}

function end(step: string): Instant {
  return { name: `${step} has ended`, step, state: 'finished', event: (event) => event.type === 'step-finished' && event.step === step };
}

/** Within a step, after a command whose line holds `words` was carried out. */
function after(step: string, words: string, name: string): Instant {
  return within(step, name, (event) => event.type === 'command-run' && event.command.includes(words));
}

/** A receipt comes with the end of receiving, on whichever way. */
function afterReceiving(step: string): Instant {
  return within(step, 'a segment has its receipt', (event) => event.type === 'command-run' && / (?:receive|fetch) /.test(event.command));
}

/** Within a step, at its first event that `isIt`. */
function within(step: string, name: string, isIt: (event: RecordedEvent | PassingEvent) => boolean): Instant {
  let hasBegun = false;
  return {
    name: `${step}: ${name}`,
    step,
    state: 'begun',
    event(event) {
      if (event.type === 'step-begun') hasBegun = event.step === step;
      return hasBegun && isIt(event);
    },
  };
}

function onVolume(step: string, name: string, volume: (seen: SeenVolume) => boolean, stopsVerb?: string): Instant {
  return { name: `${step}: ${name}`, step, state: 'begun', volume, ...(stopsVerb === undefined ? {} : { stopsVerb }) };
}

/** The inode of the library on a volume; null while there is none. */
export function inodeOfLibrary(root: string): number | null {
  return statSync(join(root, 'Library'), { throwIfNoEntry: false })?.ino ?? null;
}

const afterOpening = plan.map(({ name }) => name).slice(plan.findIndex(({ name }) => name === 'open-target'));

/** Every moment of the road at which something is made to fail, in the road's order; made anew for each case, because some remember. */
export function instants(): readonly Instant[] {
  const all: readonly Instant[] = [
    ...['preflight', 'back-up', 'examine'].map(begin),
    ...afterOpening.map(begin),
    ...afterOpening.filter((step) => step !== 'restore-settings').map(end),
    after('open-target', ' upgrade ', 'Helm has put the gate into the release'),
    after('open-target', ' open ', 'the landing area is made'),
    after('media', ' look-up ', 'media files were looked up'),
    within('copy-ahead', 'the first bytes are on their way', (event) => event.type === 'progress' && event.progress.unit === 'bytes' && event.progress.done > 0),
    afterReceiving('copy-ahead'),
    after('stop-source', ' listing-digest ', 'what was copied was read back'),
    after('stop-source', 'zz-plexlift-keep-stopped', 'Plex is kept from starting'),
    after('stop-source', ' stop ', 'Plex is stopped'),
    afterReceiving('deliver'),
    after('prove-landing', ' page ', 'what was touched since was read back'),
    after('publish', ' sentinels ', 'the volume knows what must be seen'),
    onVolume('publish', 'the volume says "publishing", nothing is renamed', ({ root, formerInode }) => phaseOf(root) === 'publishing' && inodeOfLibrary(root) === formerInode, 'publish'),
    onVolume('publish', 'between the two renames', ({ root }) => inodeOfLibrary(root) === null, 'publish'),
    onVolume('publish', 'both are renamed, the volume says "publishing"', ({ root, formerInode }) => ![null, formerInode].includes(inodeOfLibrary(root)) && phaseOf(root) === 'publishing', 'publish'),
    onVolume('publish', 'the volume says "published"', ({ root }) => phaseOf(root) === 'published'),
    within('verify', 'the libraries were compared', (event) => event.type === 'check-finished' && event.name === 'libraries'),
    onVolume('restore-settings', 'Plex is held back once more', ({ root }) => isHeld(root)),
    after('restore-settings', ' write-preferences ', 'the settings are written'),
    after('restore-settings', ' release ', 'Plex may start again'),
  ];
  const position = (step: string): number => plan.findIndex(({ name }) => name === step);
  const within_ = ({ name, state }: Instant): number => (state === 'finished' ? 2 : name.endsWith(' begins') ? 0 : 1);
  return all.toSorted((one, other) => position(one.step) - position(other.step) || within_(one) - within_(other));
}
