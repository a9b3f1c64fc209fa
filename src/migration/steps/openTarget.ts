import { PlexliftError } from '../../errors.ts';
import type { Check, Finding } from '../../runner/check.ts';
import type { GateState } from '../../targets/target.ts';
import { roomFinding } from '../checks/preflight.ts';
import type { MigrationStep } from '../migration.ts';
import { runChecks } from '../runChecks.ts';
import { whileWaiting } from '../whileWaiting.ts';
import { inspect } from './inspect.ts';

/** What opening settled. */
export type OpenedTarget = {
  /** What publish may do with a library that is there already. */
  readonly existingLibrary: 'none' | 'set aside';
  /** The version the target will run; null where the kind has no server. */
  readonly version: string | null;
  readonly done: readonly string[];
};

/** Asks about an existing library before anything else, then holds Plex back on the target and makes the landing area reachable. */
export const openTarget: MigrationStep<'run' | 'source' | 'target' | 'ask' | 'accepted' | 'record', OpenedTarget> = {
  name: 'open-target',
  title: 'Hold Plex back on the target and open the landing area',
  touches: 'target',
  async run({ run, target, ask, accepted, record, resultOf, progress, note }) {
    const { source: sourceFacts, target: before } = resultOf(inspect);
    const existingLibrary = before.existingLibrary.present ? await askAboutExisting(before.existingLibrary.machineIdentifier, { name: target.name, ask, run }) : 'none';
    const version = before.version === null ? null : sourceFacts.version;
    const volumeRoom: Check = { name: 'volume-room', claim: 'The target volume has room for the data', run: async () => whileHeld(roomFinding({ source: sourceFacts, room: await target.room(), existingLibrary: before.existingLibrary.present })) };
    const whenHeld = async (): Promise<void> => {
      await runChecks([...target.checksWhenHeld, volumeRoom], undefined, { step: 'open-target', accepted, record });
    };
    const done = await whileWaiting(target.open({ run, version, before, whenHeld }), { what: 'waiting for the gate on the target', progress });
    for (const sentence of done) note(sentence);
    return { existingLibrary, version, done };
  },
  async stillHolds({ run, target, resultOf }) {
    // The pod may have been replaced since: opening again is safe and waits for it, and asks nothing.
    const { target: before, source } = resultOf(inspect);
    await target.open({ run, version: before.version === null ? null : source.version, before });
    const state = await target.state();
    if (state.run === run && (state.phase === 'landing' || isBeyondLanding(state))) return { status: 'pass', detail: `the volume says "${state.phase}"` };
    return { status: 'fail', detail: `the volume says "${state.phase}" of ${state.run === null ? 'no run' : `run ${state.run}`}`, remedy: 'It is opened again' };
  },
  async undo({ target, resultOf, note, progress }) {
    for (const sentence of await whileWaiting(target.restore(resultOf(inspect).target), { what: 'waiting for the target to be as it was', progress })) note(sentence);
  },
};

/** Another claim is looked at only once the gate has left the one that is. */
function whileHeld(finding: Finding): Finding {
  return finding.status === 'fail' ? { ...finding, remedy: `${finding.remedy}. For another claim, run "plexlift rollback" before` } : finding;
}

/** True when publishing was begun: what led there was proven, and cannot be looked at again. */
export function isBeyondLanding(state: GateState): boolean {
  return ['publishing', 'published', 'finished'].includes(state.phase);
}

/** True when what this run moved is the library there. */
export function isLibraryOf(run: string, state: GateState): boolean {
  return state.run === run && (state.phase === 'published' || state.phase === 'finished');
}

async function askAboutExisting(machineIdentifier: string | null, options: Pick<Parameters<typeof openTarget.run>[0], 'ask' | 'run'> & { readonly name: string }): Promise<'set aside'> {
  const answer = await options.ask.choose({
    id: 'existing-library',
    title: `${options.name} already has a library. Set it aside?`,
    detail: [
      `A library is there${machineIdentifier === null ? '' : `, with the machine identifier ${machineIdentifier}`}. plexlift never overwrites it.`,
      `Set aside means: when the new library is complete and proven, the old one is renamed to "Library.set-aside-${options.run}" on the same volume and the new one takes its place. Its server is down from now on until then.`,
      'Rollback renames it back. It is never deleted; it keeps its room on the volume until you remove it.',
    ],
    choices: [
      { value: 'set-aside', label: 'set it aside when the new library is proven' },
      { value: 'keep', label: 'keep it and stop here' },
    ],
    yes: 'set-aside',
    typed: 'set-aside',
  });
  if (answer === 'set-aside') return 'set aside';
  throw new PlexliftError('refused', `Stopped because ${options.name} already has a library`, { remedy: 'Nothing was changed on the target. For another volume, run "plexlift rollback" first, so that it is looked at anew; or run the same command again and agree to set the library aside' });
}
