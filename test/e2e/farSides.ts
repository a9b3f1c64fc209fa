import { setTimeout as delay } from 'node:timers/promises';
import { controlGroupsOf, processesThatSee } from '../bed/runningProcesses.ts';
import type { RunningProcess } from '../bed/runningProcesses.ts';
import type { Stage } from './stage.ts';

/** Processes that plexlift starts where it works: on the source machine, and in the pod. */
export interface FarSides {
  /** What works in the pod for plexlift at this moment: everything but the gate that waits. */
  inPod(): readonly RunningProcess[];
  /** What runs on the source machine and did not at first; Plex's own processes apart. */
  onSource(): readonly RunningProcess[];
  /** Waits until nothing of plexlift's is left on either side; throws with what is when that takes longer. */
  untilEmpty(withinMs: number): Promise<void>;
}

const pollMs = 100;

/** To be called before plexlift first reaches the source, so that what runs there then is known not to be plexlift's. */
export function watchFarSides({ vm, release }: Stage): FarSides {
  const ofMachine = () => processesThatSee({ outside: vm.root, inside: '/' });
  const atFirst = new Set(ofMachine().map(({ command }) => command));
  const inPod = () => processesThatSee({ outside: release.configHostPath, inside: '/config' }).filter(({ command }) => !isGate(command));
  const onSource = () => ofMachine().filter(({ pid, command }) => !atFirst.has(withoutCount(command)) && !isOfLogin(command) && !controlGroupsOf(pid).includes('plexmediaserver.service'));
  return {
    inPod,
    onSource,
    async untilEmpty(withinMs) {
      const deadlineMs = performance.now() + withinMs;
      for (;;) {
        const left = [...inPod().map(({ command }) => `in the pod: ${command}`), ...onSource().map(({ command }) => `on the source: ${command}`)];
        if (left.length === 0) return;
        if (performance.now() > deadlineMs) throw new Error(`After ${withinMs / 1000} s something of plexlift's is still there:\n${left.join('\n')}`);
        await delay(pollMs);
      }
    },
  };
}

/** The container's own program, and what it sleeps with between two looks. */
function isGate(command: string): boolean {
  return /^(?:\/bin\/)?sh \/plexlift\/init\.sh gate$/.test(command) || /^sleep [12]$/.test(command);
}

/** A login brings up the user's own systemd. logind ends it ten seconds after the last one is over, or, on a busy machine, later. */
function isOfLogin(command: string): boolean {
  return /^(?:\/usr)?\/lib\/systemd\/systemd --user$/.test(command) || command === '(sd-pam)';
}

/** sshd's listener tells in its name how many connections are being set up. */
function withoutCount(command: string): string {
  return command.replace(/(?<=\[listener\] )\d+(?= of )/, '0');
}
