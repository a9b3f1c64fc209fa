import type { Command, Machine, Process } from '../../machines/machine.ts';

/** The script says every 20 s that it is still at work; a connection over which nothing came for so long is gone, and never says so itself. */
export const usualSilenceMs = 90_000;

/** A process whose output is listened to. */
export interface HeardProcess {
  readonly process: Process;
  /** From now on it is ended once nothing came of it for too long; tells later whether it was. */
  endIfSilent(): { wasSilent(): boolean };
}

/** Opens a process on a machine, and hears what it says on both of its outputs; its standard output is read by this, so nothing of it waits. */
export function openHeard(machine: Machine, command: Command, { silenceMs, signal }: { readonly silenceMs: number; readonly signal?: AbortSignal }): HeardProcess {
  let heardAtMs = performance.now();
  const hear = (): void => {
    heardAtMs = performance.now();
  };
  const process = machine.open(command, { ...(signal === undefined ? {} : { signal }), onStderr: hear });
  process.stdout.on('data', hear);
  return {
    process,
    endIfSilent() {
      let wasSilent = false;
      hear();
      const look = setInterval(
        () => {
          if (performance.now() - heardAtMs <= silenceMs) return;
          wasSilent = true;
          process.kill();
        },
        Math.min(silenceMs, 1_000),
      );
      void process.ended.then(() => clearInterval(look));
      return { wasSilent: () => wasSilent };
    },
  };
}
