import { localTree } from '../../sources/dataDirectory.ts';
import type { SendSummary } from '../../transfer/engine.ts';
import { send } from '../../transfer/engine.ts';
import type { MigrationStep } from '../migration.ts';
import { inspect } from './inspect.ts';
import { stillProven } from './stillProven.ts';

/** Sends the rewritten catalogue by the same segments and receipts as the bulk. */
export const deliver: MigrationStep<'run' | 'here' | 'target' | 'manifest' | 'directory', SendSummary> = {
  name: 'deliver',
  title: 'Deliver the databases and Preferences.xml',
  touches: 'landing area',
  async run({ here, target, manifest, directory, signal, progress, resultOf }) {
    const tree = localTree(here, { directory: directory.rewritten });
    return send({ tree, treeName: 'catalogue', target, manifest: manifest(), owner: resultOf(inspect).target.owner, mode: 'at rest', signal, progress });
  },
  stillHolds: (context) => stillProven('catalogue', context),
};
