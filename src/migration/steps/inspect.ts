import type { SourceFacts } from '../../sources/source.ts';
import type { TargetFacts } from '../../targets/target.ts';
import type { MigrationStep } from '../migration.ts';

/** Both sides as they were before anything changed. Undo relies on this record only. */
export type Inspection = { readonly source: SourceFacts; readonly target: TargetFacts };

/** Records both sides as they are. */
export const inspect: MigrationStep<'source' | 'target', Inspection> = {
  name: 'inspect',
  title: 'Look at both sides as they are',
  touches: 'nothing',
  async run({ source, target }) {
    const sides = [source.describe(), target.describe()] as const;
    // When one side cannot be looked at, the other is waited for all the same: nothing may go on behind the back of a run that has ended.
    await Promise.allSettled(sides);
    const [sourceFacts, targetFacts] = await Promise.all(sides);
    return { source: sourceFacts, target: targetFacts };
  },
};
