import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ownUser } from '../gateVolume.ts';
import type { GateStep, GateStepper, KillAt, SteppedRun } from './gateStepper.ts';
import type { KilledVerb } from './killedVerbs.ts';
import { run, volumeAt } from './volumeAt.ts';
import { treeOf } from './volumeTree.ts';
import type { VolumeTree } from './volumeTree.ts';

/** One verb, to be called again and again, on volumes that are all alike. */
export interface VerbCalls {
  readonly treeAtStart: VolumeTree;
  freshVolume(): string;
  /** Step by step, with whatever is in its way, killed where it is told to. A gate is killed when it has looked twice. */
  stepped(root: string, kill: KillAt): Promise<SteppedRun>;
  /** The same again, on what is left of an earlier call. */
  again(root: string): Promise<SteppedRun>;
  startGate(root: string): Promise<SteppedRun>;
}

/** Calls of a verb, on volumes in a directory. */
export function callsOf(verb: KilledVerb, { stepper, directory }: { readonly stepper: GateStepper; readonly directory: string }): VerbCalls {
  const pause = String(stepper.lines.find(({ within }) => within === 'pause')?.line);

  function freshVolume(): string {
    const root = mkdtempSync(join(directory, 'volume-'));
    volumeAt(root, verb.at);
    verb.more?.(root);
    return root;
  }

  async function inputs(): Promise<readonly Buffer[]> {
    return typeof verb.input === 'function' ? await verb.input() : (verb.input ?? []).map((text) => Buffer.from(text));
  }

  async function call(root: string, { words, input, kill }: { readonly words: readonly string[]; readonly input: readonly Buffer[]; readonly kill?: KillAt }): Promise<SteppedRun> {
    const lengths = (verb.endsInTar === true ? input.slice(0, -1) : input).map(({ length }) => String(length));
    const temporary = `${root}.tmp`;
    mkdirSync(temporary, { recursive: true });
    const { uid, gid } = ownUser();
    const own = Object.fromEntries(Object.entries(verb.environment ?? {}).map(([name, value]) => [name, value.replace('ROOT', root)]));
    const environment = { PLEXLIFT_RUN: run, PLEX_UID: String(uid), PLEX_GID: String(gid), TMPDIR: temporary, ...own };
    const owner = verb.tellsOwner === true && words === verb.verb ? [String(uid), String(gid)] : [];
    const whole = { root, verb: [...words, ...lengths, ...owner], input: Buffer.concat(input), environment };
    try {
      return kill === undefined ? await stepper.runUnstepped(whole) : await stepper.run(whole, kill);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }

  const first = freshVolume();
  const treeAtStart = treeOf(first);
  rmSync(first, { recursive: true });

  return {
    treeAtStart,
    freshVolume,

    async stepped(root, { killBefore, only }) {
      const beside = verb.beside?.(root);
      if (beside !== undefined) await once(beside.stdout ?? beside, 'data');
      try {
        const kill = { killBefore: (step: GateStep) => killBefore(step) || (step.label === pause && step.occurrence === 2), ...(only === undefined ? {} : { only: [...only, pause] }) };
        return await call(root, { words: verb.verb, input: await inputs(), kill });
      } finally {
        beside?.kill('SIGKILL');
      }
    },

    again: async (root) => await call(root, { words: verb.verb, input: await inputs() }),
    startGate: async (root) => await call(root, { words: ['gate'], input: [] }),
  };
}
