import { markdownTable } from '../markdownTable.ts';
import type { Spread, TreeFigures, WayFigures } from './transferFigures.ts';
import { shellWays, wayNames } from './way.ts';

/** What is wanted of the medians of the ratios, and of memory. */
export const goals = { ratioToTarExec: 0.6, ratioToRsync: 1.25, ratioToFloor: 1.5, ratioToLink: 1.1, peakMemoryMb: 200 } as const;

/** The figures as tables in Markdown: one line a tree, one line a way, and one line a tree over the slow link. */
export function transferTables(trees: readonly TreeFigures[]): string {
  const sums = markdownTable(
    ['files', 'directories, links', 'MB', 'plexlift s', 'its own CPU s', `/ tar-exec (≤ ${goals.ratioToTarExec})`, `/ rsync (≤ ${goals.ratioToRsync})`, `/ floor (≤ ${goals.ratioToFloor})`, '/ kubectl cp', `peak MB (≤ ${goals.peakMemoryMb})`, 'files compared'],
    trees.map((tree) => [
      grouped(tree.files), grouped(tree.directories + tree.links), grouped(tree.bytes / 1e6), tree.seconds.toFixed(1), tree.ownCpuSeconds.toFixed(1),
      ...(['tar-exec', 'rsync', 'floor', 'kubectl-cp'] as const).map((name) => ratioTo(tree.ways[name])), tree.peakMemoryMb.toFixed(0), grouped(tree.verifiedFiles),
    ]),
  );
  const ways = markdownTable(
    ['files', 'way', 'wall s', 'CPU s', 'rounds', 'plexlift / this'],
    trees.flatMap((tree) =>
      wayNames.flatMap((name) => {
        const way = tree.ways[name];
        if (way === undefined) return [];
        return [[
          grouped(tree.files), name === 'plexlift' ? 'plexlift, every file proven' : shellWays[name].title, `${whereCutOff(way, '≥ ')}${spread(way.seconds, 1)}`, `${whereCutOff(way, '≥ ')}${spread(way.cpuSeconds, 1)}`,
          `${way.seconds.all.length}${whereCutOff(way, `, ${way.cutOffRounds} cut off`)}`, name === 'plexlift' ? '' : `${whereCutOff(way, '≤ ')}${spread(way.ratio, 2)}`,
        ]];
      }),
    ),
  );
  const slow = trees.flatMap((tree) => (tree.link === null ? [] : [[grouped(tree.files), grouped(tree.bytes / 1e6), spread(tree.link.seconds, 1), spread(tree.link.linkSeconds, 1), spread(tree.link.ratio, 2), spread(tree.link.ratioToContent, 2)]]));
  const link = markdownTable(['files', 'MB', 'plexlift s', 'ssh tar > /dev/null s', `/ ssh tar (≤ ${goals.ratioToLink})`, '/ content alone'], slow);
  return [sums, ways, ...(slow.length === 0 ? [] : [link])].join('\n\n');
}

function ratioTo(way: WayFigures | undefined): string {
  return way === undefined ? '' : `${whereCutOff(way, '≤ ')}${way.ratio.median.toFixed(2)}`;
}

function whereCutOff({ cutOffRounds }: WayFigures, text: string): string {
  return cutOffRounds === 0 ? '' : text;
}

/** The median, and the ends behind it where there are any. */
function spread({ median, least, most, all }: Spread, digits: number): string {
  return all.length === 1 ? median.toFixed(digits) : `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

function grouped(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}
