import { basename } from 'node:path';
import { PlexliftError } from '../../errors.ts';
import type { OwnSqliteFinding } from '../../plex/ownSqliteFindings.ts';
import type { Finding } from '../../runner/check.ts';
import type { LandingProof } from '../../transfer/landing.ts';
import { proveLanding } from '../../transfer/landing.ts';
import type { MigrationStep } from '../migration.ts';
import { requireMounts, requireSentinels } from '../mediaProof.ts';
import { whileWaiting } from '../whileWaiting.ts';
import { examine } from './examine.ts';
import { inspect } from './inspect.ts';
import { media } from './media.ts';
import { isBeyondLanding } from './openTarget.ts';
import { tellingReader } from './readingBack.ts';
import { rewrite } from './rewrite.ts';

/** What was read back from the landing area, and what Plex's own SQLite said of each database. */
export type ProvenLanding = { readonly landing: LandingProof; readonly databases: readonly LandedDatabase[] };

/** What Plex's own SQLite said where Plex will run; `examined` is false where there is none. */
export type LandedDatabase = { readonly path: string; readonly said: string; readonly examined: boolean };

/** Compares the landing area with the manifest, lets Plex's own SQLite examine the databases there, and proves the mounts once more. */
export const proveLandingArea: MigrationStep<'run' | 'target' | 'manifest' | 'pairs' | 'rehearsal', ProvenLanding> = {
  name: 'prove-landing',
  title: 'Prove what arrived, where it arrived',
  touches: 'nothing',
  async run({ target, manifest, pairs, rehearsal, resultOf, note, progress }) {
    const facts = resultOf(inspect);
    const paths = Object.keys(resultOf(rewrite).files).filter((path) => path.endsWith('.db'));
    const proving = proveLanding({ manifest: manifest(), target: tellingReader(target, { manifest: manifest(), progress }), owner: facts.target.owner });
    const examining = target.checkDatabases(paths);
    // Neither needs the other, and nobody can watch meanwhile. Both are waited for, also where one fails: nothing may go on behind a run that has ended.
    const waiting = proving.then(() => whileWaiting(examining, { what: 'examining the databases where they arrived', progress }));
    await Promise.allSettled([examining, waiting]);
    const landing = await proving;
    if (!landing.ok) {
      throw new PlexliftError('failed', `Cannot prove the landing area on ${target.name}: it differs from what was sent`, { facts: landing.messages, remedy: rehearsal ? 'Run it again with "--again copy-rest": what differs is sent again' : 'Run the same command again: what differs is sent again' });
    }
    const found = await examining;
    requireSound(found, { target: target.name, before: resultOf(examine).ownSqlite });
    const databases = found.map(({ path, finding }): LandedDatabase => ({ path, said: finding.status === 'skip' ? finding.reason : finding.detail, examined: finding.status !== 'skip' }));
    for (const { path, finding } of found) {
      if (finding.status === 'skip') note(`${path}: not examined by Plex's own SQLite where it will be used: ${finding.reason}`);
      // Known to be false; but whoever meets it should see whether it came with the move.
      if (finding.status === 'warn') note(`${path}: before the move, ${saidBefore(path, resultOf(examine).ownSqlite)}; after it, on ${target.name}: ${finding.detail}`);
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

interface Before {
  readonly target: string;
  readonly before: readonly OwnSqliteFinding[] | null;
}

function requireSound(found: readonly { readonly path: string; readonly finding: Finding }[], { target, before }: Before): void {
  const unsound = found.flatMap(({ path, finding }) => (finding.status === 'fail' ? [{ path, finding }] : []));
  if (unsound.length === 0) return;
  throw new PlexliftError('refused', `Cannot publish: Plex's own SQLite on ${target} does not find every database sound`, {
    facts: unsound.flatMap(({ path, finding }) => [`${path}: ${finding.detail}`, `${path}, before the move: ${saidBefore(path, before)}`]),
    remedy: `Nothing was published, nothing was repaired, and Plex on the source is still stopped; "plexlift rollback" starts it again. ${[...new Set(unsound.map(({ finding }) => finding.remedy))].join('. ')}`,
  });
}

function saidBefore(path: string, before: readonly OwnSqliteFinding[] | null): string {
  const finding = before?.find(({ file }) => file === basename(path));
  if (finding === undefined) return 'no Plex SQLite on the source examined it';
  return finding.verdict === 'sound' ? "the source's own Plex SQLite found it sound" : `the source's own Plex SQLite said: ${finding.lines.join('; ')}`;
}
