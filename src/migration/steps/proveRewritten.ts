import { PlexliftError } from '../../errors.ts';
import type { ProofReport } from '../../catalogue/proof/proof.ts';
import { proveRewrite } from '../../catalogue/proof/proof.ts';
import type { MigrationStep } from '../migration.ts';
import { rewrite } from './rewrite.ts';

/** Row by row: exactly the cells differ which the mapping predicts, and nothing else. */
export const proveRewritten: MigrationStep<'directory' | 'pairs' | 'fileGuids', ProofReport> = {
  name: 'prove-rewrite',
  title: 'Prove the rewrite, row by row',
  touches: 'nothing',
  async run({ directory, pairs, fileGuids, resultOf }) {
    const proof = await proveRewrite({ before: directory.settled, after: directory.rewritten, pairs, fileGuids, edits: resultOf(rewrite).report.preferences.edits });
    if (proof.ok) return proof;
    throw new PlexliftError('failed', `Cannot prove the rewrite: ${proof.differenceCount} differences that the mapping does not predict`, {
      facts: proof.differences.slice(0, 20).map(({ file, table, column, rowid, kind }) => `${[file, table, column, rowid === null ? null : `row ${rowid}`].filter((part) => part !== null).join(', ')}: ${kind}`),
      remedy: 'Nothing was delivered. This is a bug in plexlift: please report it with these lines; "plexlift rollback" starts the source again',
    });
  },
};
