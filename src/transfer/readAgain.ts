import type { Progress } from '../runner/step.ts';
import type { Target } from '../targets/target.ts';
import type { BytePath } from './entry.ts';
import type { OtherBoots } from './manifestBoots.ts';

/** What reading again after another boot of the node gave; JSON, for the journal. */
export type ReadAgain = {
  /** Files whose content was read again from the volume. */
  readonly files: number;
  /** Those that are not what was sent, and are sent again. */
  readonly lost: number;
};

/**
 * Reads from the volume what only receipts of another boot of the node prove, and takes back what is not so any more: after a loss of
 * power a file may be empty that was whole in memory when its receipt was made. What has no content is sent again unseen.
 */
export async function readAgain(
  boots: OtherBoots,
  options: { readonly target: Pick<Target, 'digestsOf'>; readonly signal: AbortSignal; readonly progress: (progress: Progress) => void },
): Promise<ReadAgain> {
  const { target, signal, progress } = options;
  const entries = boots.count();
  if (entries === 0) return { files: 0, lost: 0 };
  boots.doubtWithoutContent();
  const total = boots.count();
  let files = 0;
  let lost = 0;
  for (const page of boots.files()) {
    signal.throwIfAborted();
    const there = await target.digestsOf(page.map(({ path }) => path));
    const lostOfPage = new Set<BytePath>(page.flatMap(({ path, sha256 }) => (there.get(path) === sha256 ? [] : [path])));
    boots.settle(page, lostOfPage);
    files += page.length;
    lost += lostOfPage.size;
    progress({ what: 'Read again after a restart of the node', done: files, total, unit: 'files' });
  }
  return { files, lost };
}
