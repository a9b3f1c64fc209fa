import { PlexliftError } from '../../errors.ts';
import type { LandingProof } from '../../transfer/landing.ts';
import { proveLanding } from '../../transfer/landing.ts';
import type { MigrationStep } from '../migration.ts';
import { requireMounts, requireSentinels } from '../mediaProof.ts';
import { inspect } from './inspect.ts';
import { media } from './media.ts';
import { isBeyondLanding } from './openTarget.ts';
import { rewrite } from './rewrite.ts';

/** What was read back from the landing area, and what Plex's own SQLite said of each database. */
export type ProvenLanding = { readonly landing: LandingProof; readonly databases: readonly { readonly path: string; readonly said: string }[] };

/** Compares the landing area with the manifest, lets Plex's own SQLite examine the databases there, and proves the mounts once more. */
export const proveLandingArea: MigrationStep<'run' | 'target' | 'manifest' | 'pairs', ProvenLanding> = {
  name: 'prove-landing',
  title: 'Prove what arrived, where it arrived',
  touches: 'nothing',
  async run({ target, manifest, pairs, resultOf, note, progress }) {
    const facts = resultOf(inspect);
    progress({ what: 'reading the landing area back', done: 0, unit: 'entries' });
    const landing = await proveLanding({ manifest: manifest(), target, owner: facts.target.owner });
    if (!landing.ok) {
      throw new PlexliftError('failed', `Cannot prove the landing area on ${target.name}: it differs from what was sent`, { facts: landing.messages, remedy: 'Run "plexlift migrate --again copy-rest": what differs is sent again' });
    }
    const paths = Object.keys(resultOf(rewrite).files).filter((path) => path.endsWith('.db'));
    const databases = [];
    for (const { path, finding } of await target.checkDatabases(paths)) {
      if (finding.status === 'fail') throw new PlexliftError('refused', `Plex's own SQLite on ${target.name} finds "${path}" damaged`, { facts: [finding.detail], remedy: 'Nothing was published; "plexlift rollback" starts the source again' });
      if (finding.status !== 'pass') note(`${path}: ${finding.status === 'skip' ? `not examined by Plex's own SQLite: ${finding.reason}` : finding.detail}`);
      databases.push({ path, said: finding.status === 'skip' ? finding.reason : finding.detail });
    }
    await requireMounts({ target, pairs, facts: facts.target, note });
    await requireSentinels(target, resultOf(media).sentinels);
    return { landing, databases };
  },
  async stillHolds({ run, target }) {
    const state = await target.state();
    if (state.run === run && isBeyondLanding(state)) return { status: 'pass', detail: 'publishing was begun on this proof' };
    return { status: 'skip', reason: 'a proof is as old as the interruption; it is made again before anything is published' };
  },
};
