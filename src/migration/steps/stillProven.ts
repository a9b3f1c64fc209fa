import type { Finding } from '../../runner/check.ts';
import type { StepTools } from '../../runner/step.ts';
import type { TreeName } from '../../transfer/manifestListings.ts';
import type { Migration } from '../migration.ts';
import { inspect } from './inspect.ts';
import { isBeyondLanding } from './openTarget.ts';

/** Whether all that was sent of a tree is proven yet: the proof may have found something at fault, and a node that was restarted may have lost it. */
export async function stillProven(treeName: TreeName, { run, target, manifest, resultOf }: Pick<Migration, 'run' | 'target' | 'manifest'> & Pick<StepTools, 'resultOf'>): Promise<Finding> {
  const state = await target.state();
  if (state.run === run && isBeyondLanding(state)) return { status: 'pass', detail: 'publishing was begun on what was sent' };
  const unproven = manifest().unproven(treeName, { owner: resultOf(inspect).target.owner, boot: await target.bootId() });
  if (unproven === 0) return { status: 'pass', detail: 'a receipt of this boot of the node proves every entry' };
  return { status: 'skip', reason: `${unproven} entries on ${target.name} are not proven, or no more since its node was restarted` };
}
