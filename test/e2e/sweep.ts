import { parseArgs } from 'node:util';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { writeFreshBulk } from './freshBulk.ts';
import { openStage } from './stage.ts';
import { faults } from './sweep/faults.ts';
import { instants } from './sweep/instants.ts';
import type { Strike } from './sweep/reachNext.ts';
import { keepOutcome, keyOf, readOutcomes, summaryOf } from './sweep/results.ts';
import type { Afterwards } from './sweep/runRoad.ts';
import { prepareForSweep, runRoad } from './sweep/runRoad.ts';

// Makes every fault strike at every instant of the road, in parts: what the file says was done is not done again.
const { values } = parseArgs({
  options: {
    results: { type: 'string', default: 'sweep.ndjson' },
    faults: { type: 'string', default: '' },
    instants: { type: 'string', default: '' },
    afterwards: { type: 'string', default: '' },
    turns: { type: 'string', default: '0,1,2,3' },
    minutes: { type: 'string', default: '1000' },
    summary: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
  },
});

let endMs = performance.now() + Number(values.minutes) * 60_000;
const isTimeUp = (): boolean => performance.now() > endMs;
const roads = allRoads().filter(({ strikes }) => strikes.length > 0);

// What is under way comes to its end, and the beds are taken down.
process.once('SIGINT', () => {
  endMs = 0;
});
if (!values.summary && roads.length > 0) await sweep();
process.stdout.write(`${summaryOf(readOutcomes(values.results), instants().map(({ name }) => name))}\n`);

interface Road {
  readonly strikes: readonly Strike[];
  readonly afterwards: Afterwards;
}

/**
 * What is left to be done. Faults take turns along a road: a container that is killed again and again is started later and later, so the
 * pod has to be a new one now and then. A road that is taken back after its strike can have one only.
 */
function allRoads(): readonly Road[] {
  const done = new Set(readOutcomes(values.results).filter(({ result }) => result === 'held' || (result === 'broke' && !values.again)).map(keyOf));
  const isWanted = (name: string, filter: string): boolean => filter === '' || filter.split(',').some((part) => name.includes(part));
  return values.turns.split(',').flatMap((turn) =>
    (['continue', 'rollback'] satisfies readonly Afterwards[]).flatMap((afterwards): readonly Road[] => {
      const strikes = instants()
        .map((instant, position) => ({ instant, fault: faultAt(position + Number(turn)) }))
        .filter((strike) => isWanted(strike.instant.name, values.instants) && isWanted(strike.fault.name, values.faults) && isWanted(afterwards, values.afterwards) && !done.has(keyOf({ ...strike, afterwards })));
      return afterwards === 'continue' ? [{ strikes, afterwards }] : strikes.map((strike) => ({ strikes: [strike], afterwards }));
    }),
  );
}

function faultAt(position: number): (typeof faults)[number] {
  const fault = faults[position % faults.length];
  if (fault === undefined) throw new Error('There are no faults');
  return fault;
}

async function sweep(): Promise<void> {
  const cluster = await startCluster({ name: 'sweep' });
  try {
    const stage = await openStage({ cluster, name: 'sweep' });
    try {
      // More than one segment, so that there is something between two of them.
      await writeFreshBulk(stage);
      const sweepStage = await prepareForSweep(cluster, stage);
      for (const road of roads) {
        if (isTimeUp()) break;
        const startedAtMs = performance.now();
        const outcomes = await runRoad(cluster, sweepStage, { ...road, isTimeUp });
        for (const outcome of outcomes) {
          keepOutcome(values.results, outcome);
          process.stderr.write(`${outcome.result} ${keyOf(outcome)} [${outcome.struckAt}] ${outcome.exitCode ?? ''} ${outcome.why.slice(0, 3000)}\n`);
        }
        process.stderr.write(`${outcomes.length} strikes in ${Math.round((performance.now() - startedAtMs) / 1000)} s\n`);
        // A stage on which something broke is not as it was: what comes after it would prove nothing.
        if (outcomes.some(({ result }) => result === 'broke')) break;
      }
    } finally {
      await stage.close();
    }
  } finally {
    await cluster.stop();
  }
}
