import type { StepTools } from '../../runner/step.ts';
import type { LandingReader } from '../../transfer/landing.ts';
import { proveAhead } from '../../transfer/landing.ts';
import type { Manifest } from '../../transfer/manifest.ts';
import type { Migration } from '../migration.ts';
import { inspect } from './inspect.ts';

/** Entries read between two advances that are told. */
const toldEvery = 1_000;

/** The target, telling how far its landing area has been read back. */
export function tellingReader(target: Required<LandingReader>, { manifest, progress }: { readonly manifest: Pick<Manifest, 'totals'>; readonly progress: StepTools['progress'] }): Required<LandingReader> {
  const total = manifest.totals('bulk').entries + manifest.totals('catalogue').entries;
  const what = 'reading the landing area back';
  return {
    bootId: () => target.bootId(),
    async *landed(directories) {
      let done = 0;
      for await (const entry of target.landed(directories)) {
        // There may be more than there should be; and of some directories nobody knows how much there is.
        if (done % toldEvery === 0) progress({ what, done: Math.min(done, total), ...(directories === undefined ? { total } : {}), unit: 'entries' });
        done += 1;
        yield entry;
      }
    },
    landedDigest(withoutTime) {
      progress({ what, done: 0, total, unit: 'entries' });
      return target.landedDigest(withoutTime);
    },
    digestsOf: (paths) => target.digestsOf(paths),
  };
}

/**
 * Reads back what was copied, while the source still serves: for every entry that is proven now, nobody has to wait later. Throws where the
 * target cannot be read, so that no source is stopped for it.
 */
export async function readBackAhead({ target, manifest, progress, note, resultOf }: Pick<Migration, 'target' | 'manifest'> & Pick<StepTools, 'progress' | 'note' | 'resultOf'>): Promise<void> {
  const proof = await proveAhead({ manifest: manifest(), target: tellingReader(target, { manifest: manifest(), progress }), owner: resultOf(inspect).target.owner });
  if (proof.ok) return;
  const faults = proof.missing.count + proof.extra.count + proof.differing.count + proof.withoutReceipt.count + proof.contentDiffering.count;
  note(`Of what was copied so far, ${faults} entries are not there as they are on the source, most of them because they changed meanwhile; they are copied once it is stopped`);
}
