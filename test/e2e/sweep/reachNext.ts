import { setImmediate as breathe, setTimeout as delay } from 'node:timers/promises';
import { processesThatSee, signalProcesses } from '../../bed/runningProcesses.ts';
import type { Underway } from '../interruption.ts';
import type { Stage } from '../stage.ts';
import type { Fault } from './faults.ts';
import type { Instant } from './instants.ts';

/** A fault that is to strike at an instant. */
export interface Strike {
  readonly instant: Instant;
  readonly fault: Fault;
}

/** A command that stands still at an instant. */
export interface Reached {
  readonly strike: Strike;
  /** Whether it still is so, now that everything stands still. */
  readonly isStill: boolean;
  /** Lets plexlift, and what was stopped in the pod, go on. */
  thaw(): void;
}

/** Lets a command go on until it comes to the first of some instants, and stops it there (SIGSTOP); null when it ended without having come to any. */
export function reachNext(underway: Underway, strikes: readonly Strike[], { stage, formerInode }: { readonly stage: Stage; readonly formerInode: number }): Promise<Reached | null> {
  const root = stage.release.configHostPath;
  const { promise, resolve } = Promise.withResolvers<Reached | null>();
  let isOver = false;
  const begunLast = underway.events.findLast((event) => event.type === 'step-begun');
  let step = begunLast?.type === 'step-begun' ? begunLast.step : '';

  function end(reached: Reached | null): void {
    isOver = true;
    stopListening();
    resolve(reached);
  }

  const stopListening = underway.listen((event) => {
    if (isOver) return;
    if (event.type === 'step-begun') step = event.step;
    // Every instant sees every event: some remember.
    const [strike] = strikes.filter(({ instant }) => instant.event?.(event) === true);
    if (strike === undefined) return;
    underway.signal('SIGSTOP');
    end({ strike, isStill: true, thaw: () => goOn(underway) });
  });

  async function watch(): Promise<void> {
    let verbs: readonly { readonly pid: number; readonly command: string }[] = [];
    while (!isOver) {
      const here = strikes.find(({ instant }) => instant.volume !== undefined && instant.step === step);
      if (here === undefined) {
        await delay(5);
        continue;
      }
      const { volume, stopsVerb } = here.instant;
      const find = () => processesThatSee({ outside: root, inside: '/config' }).filter(({ command }) => stopsVerb !== undefined && command.includes(`init.sh ${stopsVerb} `));
      if (stopsVerb !== undefined && verbs.length === 0) verbs = find();
      if (volume?.({ root, formerInode }) !== true) {
        await breathe();
        continue;
      }
      signalProcesses(verbs, 'SIGSTOP');
      underway.signal('SIGSTOP');
      isOver = true;
      // What was forked before it was stopped comes to its end.
      await delay(50);
      end({
        strike: here,
        isStill: volume({ root, formerInode }),
        thaw() {
          const alive = new Set(find().map(({ pid }) => pid));
          signalProcesses(verbs.filter(({ pid }) => alive.has(pid)), 'SIGCONT');
          goOn(underway);
        },
      });
    }
  }

  void underway.ended.then(() => isOver || end(null));
  void watch();
  return promise;
}

function goOn(underway: Underway): void {
  if (!underway.hasEnded()) underway.signal('SIGCONT');
}
