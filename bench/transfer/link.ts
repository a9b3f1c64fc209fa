import { runOnHost } from '../../test/bed/sourceVm/hostCommand.ts';
import type { Stage } from '../../test/e2e/stage.ts';

/** How slow the source's link is made, each way. */
export interface Link {
  readonly delayMs: number;
  readonly megabitsPerSecond: number;
}

/** 20 ms there and 20 ms back: an answer takes 40. */
export const slowLink: Link = { delayMs: 20, megabitsPerSecond: 100 };

/** Packets that wait at most; more than such a link ever holds, so that none is lost. */
const queue = 10_000;

/** Does something while the source is behind a slow link. */
export async function overLink<Result>(stage: Stage, link: Link, work: () => Promise<Result>): Promise<Result> {
  const route = JSON.parse(await runOnHost(['ip', '-json', 'route', 'get', stage.vm.address])) as readonly { readonly dev: string }[];
  const bridge = route[0]?.dev;
  if (bridge === undefined) throw new Error(`Cannot find the link to the source at "${stage.vm.address}"`);
  // The machine's port on the bridge carries what goes to it; what comes from it is shaped at its own end.
  const here = ['qdisc', 'replace', 'dev', `vb-${bridge}`, 'root'] as const;
  const shape = ['netem', 'delay', `${link.delayMs}ms`, 'rate', `${link.megabitsPerSecond}mbit`, 'limit', String(queue)];
  await runOnHost(['tc', ...here, ...shape]);
  try {
    const { exitCode, stderr } = await stage.vm.run(`tc qdisc replace dev host0 root ${shape.join(' ')}`);
    if (exitCode !== 0) throw new Error(`Cannot slow the source's link: ${stderr}`);
    return await work();
  } finally {
    await runOnHost(['tc', 'qdisc', 'delete', 'dev', `vb-${bridge}`, 'root']);
    await stage.vm.run('tc qdisc delete dev host0 root');
  }
}
