import { spawnSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import type { GateStep, GateStepper, SteppedRun } from './gateStepper.ts';
import type { KilledVerb } from './killedVerbs.ts';
import { callsOf } from './verbCalls.ts';
import { combinationOf, decisionKeyOf, factsOf, faultsOfKilled, mayStart } from './volumeFacts.ts';
import { keyOf, lastingPartOf, stampOf, treeOf } from './volumeTree.ts';
import type { VolumeTree } from './volumeTree.ts';

/**
 * At which steps it is killed: at all; at those before which the volume is not yet as it was at another, and once for each line, here or
 * in another verb; or at the first of these only.
 */
export type Pace = 'steps' | 'lines' | 'states';

/** What one shell has been killed at, over all verbs. */
export interface Killed {
  /** The steps, by their labels. */
  readonly labels: Set<string>;
  /** Phase, agreement, and which of the libraries that a table decides on were there. */
  readonly combinations: Set<string>;
  /** Volumes on which the gate was started, as far as it decides on them. */
  readonly decisions: Set<string>;
  kills: number;
}

/**
 * Kills one verb before each of its steps, each time on a new volume, and looks at what is left; then starts the gate on it, and asks
 * the same again. Gives back what was wrong.
 */
export async function faultsOfKilling(verb: KilledVerb, { stepper, directory, killed, pace }: { readonly stepper: GateStepper; readonly directory: string; readonly killed: Killed; readonly pace: Pace }): Promise<readonly string[]> {
  const calls = callsOf(verb, { stepper, directory });
  const faults: string[] = [];
  const { reference, keys, undisturbed } = await runUndisturbed();
  const before = factsOf(calls.treeAtStart, verb);
  const end = lastingPartOf(treeOf(reference));
  const isGate = verb.verb[0] === 'gate';
  if (!isGate && undisturbed.exitCode !== 0) return [`undisturbed, it ends with ${String(undisturbed.exitCode)}: ${undisturbed.stderr}`];

  async function runUndisturbed(): Promise<{ readonly reference: string; readonly keys: readonly string[]; readonly undisturbed: SteppedRun }> {
    const root = calls.freshVolume();
    const before: string[] = [];
    const killBefore = (): boolean => {
      before.push(stampOf(root));
      return false;
    };
    const run = await calls.stepped(root, { killBefore });
    return { reference: root, keys: before, undisturbed: run };
  }

  /** The gate opens on what is left, if and only if that is a published library; and what it does to it is no harm. */
  async function startGate(root: string): Promise<readonly string[]> {
    const left = factsOf(treeOf(root), verb);
    const gate = await calls.startGate(root);
    const tree = treeOf(root);
    const now = factsOf(tree, verb);
    const found = faultsOfKilled(now, { before: left, verb });
    if (gate.exitCode !== 0 && !gate.wasKilled) return [...found, `it ends with ${String(gate.exitCode)}: ${gate.stderr}`];
    const hasOpened = gate.exitCode === 0;
    return hasOpened === mayStart(now, tree) ? found : [...found, `it ${hasOpened ? 'opens' : 'waits'}: ${gate.stdout}`];
  }

  /** The same verb comes to the same end as one that nobody disturbed. */
  async function askAgain(root: string): Promise<readonly string[]> {
    const again = await calls.again(root);
    const now = lastingPartOf(treeOf(root));
    const differing = [...new Set([...now.keys(), ...end.keys()])].filter((path) => now.get(path) !== end.get(path));
    return [
      ...(again.exitCode === undisturbed.exitCode || (isGate && verb.beside !== undefined) ? [] : [`it ends with ${String(again.exitCode)}: ${again.stderr}`]),
      ...(isGate || answerOf(again, root) === answerOf(undisturbed, reference) ? [] : [`it says ${again.stdout} instead of ${undisturbed.stdout}`]),
      ...differing.map((path) => `"${path}" is ${now.get(path) ?? 'not there'} instead of ${end.get(path) ?? 'not there'}`),
    ];
  }

  /** What a restart of the pod makes of it, on a copy, and the same verb after that. */
  async function startGateAndAskAgain(root: string): Promise<readonly string[]> {
    const original = `${root}.original`;
    spawnSync('cp', ['--archive', root, original]);
    const left = keyOf(lastingPartOf(treeOf(root)));
    const found = named('at the start of the gate', await startGate(root));
    const isChanged = keyOf(lastingPartOf(treeOf(root))) !== left;
    const afterwards = isChanged ? named('asked again after the start of the gate', await askAgain(root)) : [];
    rmSync(root, { recursive: true });
    renameSync(original, root);
    return [...found, ...afterwards];
  }

  async function goOnFrom(root: string, tree: VolumeTree): Promise<readonly string[]> {
    const decision = decisionKeyOf(tree, factsOf(tree, verb));
    const found = isGate || killed.decisions.has(decision) ? [] : await startGateAndAskAgain(root);
    killed.decisions.add(decision);
    // Where nothing happened yet, the same again is the undisturbed one.
    return keyOf(tree) === keyOf(calls.treeAtStart) ? found : [...found, ...named('asked again', await askAgain(root))];
  }

  const goneOnFrom = new Set<string>();
  const killedFrom = new Set<string>();
  async function killBefore(target: GateStep, key: string): Promise<void> {
    if (pace !== 'steps' && killedFrom.has(key) && (pace === 'states' || killed.labels.has(target.label))) return;
    killedFrom.add(key);
    const root = calls.freshVolume();
    const { wasKilled } = await calls.stepped(root, { only: [target.label], killBefore: ({ label, occurrence }) => label === target.label && occurrence === target.occurrence });
    // What polls, or runs beside, comes by a line more often in one run than in another.
    if (wasKilled) killed.labels.add(target.label);
    killed.kills += 1;
    const tree = treeOf(root);
    const facts = factsOf(tree, verb);
    killed.combinations.add(combinationOf(facts));
    const found = [...faultsOfKilled(facts, { before, verb })];
    const left = keyOf(tree);
    if (!goneOnFrom.has(left)) found.push(...(await goOnFrom(root, tree)));
    goneOnFrom.add(left);
    faults.push(...named(`killed before ${target.label}, time ${target.occurrence}`, found));
    rmSync(root, { recursive: true, force: true });
  }

  for (const [position, target] of undisturbed.steps.entries()) await killBefore(target, keys[position] ?? '');
  rmSync(reference, { recursive: true, force: true });
  return faults;
}

function named(when: string, faults: readonly string[]): readonly string[] {
  return faults.map((fault) => `${when}: ${fault}`);
}

// A listing has a name of its own each time.
function answerOf({ stdout }: SteppedRun, root: string): string {
  return stdout.replaceAll(root, '').replace(/listing\.[0-9a-f-]+/, 'listing');
}
