import { setTimeout as delay } from 'node:timers/promises';
import { PlexliftError } from '../../errors.ts';
import { readGateScript } from '../gate/gateScript.ts';
import type { Cluster } from './cluster.ts';
import { gateToCommit, gateToTakeOut, tagToCommit } from './commitText.ts';
import type { Controller } from './controller.ts';
import { missingParts, remainingParts } from './gateParts.ts';
import { gateValues, tagOf } from './gateValues.ts';
import type { ReleaseKeeper } from './releaseKeeper.ts';
import { releaseBefore } from './releaseKeeper.ts';
import type { StatefulSet } from './workload.ts';
import { findStatefulSet, plexContainer } from './workload.ts';

/** The person who commits what a controller is to apply: is told what, and may stop the waiting. */
export interface Committer {
  /** Shows values whole, as they are to be committed, and keeps them in a file; gives back where they can be read, in words. */
  readonly show: (yaml: string) => string;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A repository is looked at every minute or so; the cluster need not be asked more often than this. */
const usualPollMs = 3_000;

/** Changes a release through the controller that owns it: says what to commit, and waits until the StatefulSet shows it. Runs no Helm. */
export function controllerKeeper(cluster: Cluster, { release, controller, committer, pollMs = usualPollMs }: { readonly release: string; readonly controller: Controller; readonly committer: Committer; readonly pollMs?: number }): ReleaseKeeper {
  const owned = `release "${release}", which ${controller.name} owns (${controller.object})`;

  /** Waits, for as long as a person takes, until nothing is left of what `left` names; tells each time that this changed. */
  async function waitUntilNone(left: (set: StatefulSet) => Promise<readonly string[]>, told: { readonly all: readonly string[]; readonly word: string }): Promise<void> {
    let before = told.all.join(', ');
    for (;;) {
      const now = (await left(await findStatefulSet(cluster, release))).join(', ');
      if (now === '') return;
      if (now !== before) committer.note(`${controller.name} applied something; ${told.word}: ${now}`);
      before = now;
      await pause();
    }
  }

  async function pause(): Promise<void> {
    try {
      await delay(pollMs, undefined, { signal: committer.signal });
    } catch (error) {
      throw new PlexliftError('interrupted', `Stopped waiting for ${controller.name}, as asked`, { remedy: 'What was committed stays committed; run the same command again to go on waiting', cause: error });
    }
  }

  async function takeOut(isRest: (set: StatefulSet) => readonly string[], { image, keepsImage }: { readonly image: string; readonly keepsImage: boolean }): Promise<readonly string[]> {
    const left = async (set: StatefulSet): Promise<readonly string[]> => [...(await remainingParts(cluster, set)), ...isRest(set)];
    const all = await left(await findStatefulSet(cluster, release));
    if (all.length === 0) return [`${capitalised(owned)}, carries nothing of plexlift; revert what was committed for it, if that was not applied yet`];
    if (keepsImage) committer.note(`The version that stays is ${committer.show(tagToCommit({ release, controller, tag: tagOf(image) }))}`);
    committer.note(gateToTakeOut({ release, controller, image, keepsImage }));
    await waitUntilNone(left, { all, word: 'not as it should be yet' });
    return [`${controller.name} took the gate out of release "${release}"`];
  }

  /** The image, where it is not this one. */
  const unlessImageIs = (image: string) => (set: StatefulSet): readonly string[] => (plexContainer(set).image === image ? [] : ['image.tag']);

  return {
    async putGate({ run, version, before }) {
      const set = await findStatefulSet(cluster, release);
      const wanted = gateValues({ values: {}, run, script: await readGateScript(), plex: plexContainer(set), version, owner: before.owner, nodePassesMountsOn: releaseBefore(before).nodePassesMountsOn });
      const all = await missingParts(cluster, set, wanted);
      if (all.length === 0) return [];
      const where = committer.show(gateToCommit({ release, controller, run, values: wanted }));
      committer.note(
        `plexlift runs no Helm on ${owned}: it would undo what anybody else changes. Commit the values ${where}, as they are${controller.name === 'Flux' ? ', with "disableWait": the pod is not Ready for hours, and Flux would take that for a failure' : ''}. An entry of your own in "extraInitContainers" stays; a script of your own in "initContainer.script" is suspended meanwhile. Waiting until the pod carries them; Ctrl-C is safe, and the same command goes on waiting`,
      );
      await waitUntilNone((now) => missingParts(cluster, now, wanted), { all, word: 'not there yet' });
      return [`${controller.name} brought the gate into release "${release}": it holds Plex back${version === null ? '' : `, and image.tag is ${version}`}`];
    },

    // What was committed is for those to take back who committed it.
    goBack: null,

    putBack(before) {
      const { image } = releaseBefore(before);
      return takeOut(unlessImageIs(image), { image, keepsImage: false });
    },

    async takeGateAway() {
      const { image } = plexContainer(await findStatefulSet(cluster, release));
      return takeOut(unlessImageIs(image), { image, keepsImage: true });
    },
  };
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
