import { parseArgs } from 'node:util';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { writeFreshBulk } from './freshBulk.ts';
import { openStage } from './stage.ts';
import { faults } from './sweep/faults.ts';
import { instants } from './sweep/instants.ts';
import { keepOutcome, keyOf, readOutcomes, summaryOf } from './sweep/results.ts';
import type { Afterwards, SweepCase, SweepStage } from './sweep/sweepCase.ts';
import { prepareForSweep, runCases } from './sweep/sweepCase.ts';

// Makes every fault strike at every instant of the road, in parts: what the file says was done is not done again.
const { values } = parseArgs({
  options: {
    results: { type: 'string', default: 'sweep.ndjson' },
    faults: { type: 'string', default: '' },
    instants: { type: 'string', default: '' },
    afterwards: { type: 'string', default: '' },
    minutes: { type: 'string', default: '1000' },
    stages: { type: 'string', default: '4' },
    summary: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
  },
});

const names = instants().map(({ name }) => name);
let endMs = performance.now() + Number(values.minutes) * 60_000;
const done = new Set(readOutcomes(values.results).filter(({ result }) => result === 'held' || (result === 'broke' && !values.again)).map(keyOf));
const isWanted = (name: string, filter: string): boolean => filter === '' || filter.split(',').some((part) => name.includes(part));
const rounds = roundsOf().map((cases) => cases.filter((one) => isWanted(one.afterwards, values.afterwards) && isWanted(one.fault.name, values.faults) && isWanted(one.instant.name, values.instants) && !done.has(keyOf(one))));
const caseCount = rounds.flat().length;

// What is under way comes to its end, and the beds are taken down.
process.once('SIGINT', () => {
  endMs = 0;
});
if (!values.summary && caseCount > 0) await sweep();
process.stdout.write(`${summaryOf(readOutcomes(values.results), names)}\n`);

/** Every case, so that each round has every instant once, and the rounds go through faults and what is done afterwards. */
function roundsOf(): readonly (readonly SweepCase[])[] {
  const afterwards = ['continue', 'rollback'] satisfies readonly Afterwards[];
  return faults.flatMap((_, round) => afterwards.map((after, shift) => instants().map((instant, position) => ({ instant, fault: faultAt(position + round + 2 * shift), afterwards: after }))));
}

function faultAt(position: number): (typeof faults)[number] {
  const fault = faults[position % faults.length];
  if (fault === undefined) throw new Error('There are no faults');
  return fault;
}

async function sweep(): Promise<void> {
  const cluster = await startCluster({ name: 'sweep' });
  const stages: SweepStage[] = [];
  const broken: SweepStage[] = [];
  try {
    for (let number = 1; number <= Math.min(Number(values.stages), caseCount); number += 1) {
      const stage = await openStage({ cluster, name: `sweep-${number}` });
      // More than one segment, so that there is something between two of them.
      await writeFreshBulk(stage);
      stages.push(await prepareForSweep(cluster, stage));
    }
    process.stderr.write(`${caseCount} cases on ${stages.length} stages\n`);
    for (const cases of rounds) {
      // What befalls the node befalls every stage at once, so those come to their instants together.
      for (const fault of faults.filter(({ ofNode }) => ofNode)) await inTurns(cases.filter((one) => one.fault === fault), 'all stages at once');
      await inTurns(cases.filter(({ fault }) => !fault.ofNode), 'each stage by itself');
    }
  } finally {
    for (const { stage } of [...stages, ...broken]) await stage.close();
    await cluster.stop();
  }

  async function inTurns(cases: readonly SweepCase[], how: 'all stages at once' | 'each stage by itself'): Promise<void> {
    const left = [...cases];
    const free = [...stages];
    const turn = async (some: readonly SweepStage[]): Promise<void> => {
      while (left.length > 0 && performance.now() < endMs) {
        const taken = left.splice(0, some.length).flatMap((sweepCase, position) => (some[position] === undefined ? [] : [{ sweepStage: some[position], sweepCase }]));
        const outcomes = await runCases(cluster, taken);
        for (const outcome of outcomes) {
          keepOutcome(values.results, outcome);
          process.stderr.write(`${outcome.result} ${keyOf(outcome)} [${outcome.struckAt}] ${outcome.exitCodes.join(' ')} ${Math.round(outcome.durationMs / 1000)} s ${outcome.why.slice(0, 2000)}\n`);
        }
        // A stage on which a case broke is not as it was: what comes after it would prove nothing.
        for (const [position, { result }] of outcomes.entries()) if (result === 'broke') stages.splice(stages.findIndex((one) => one === taken[position]?.sweepStage), 1).forEach((one) => broken.push(one));
        if (outcomes.some(({ result }) => result === 'broke')) return;
      }
    };
    if (how === 'all stages at once') await turn(free);
    else await Promise.all(free.map((one) => turn([one])));
  }
}
