import { CommandFailed } from '../../machines/command.ts';
import type { Check, Finding } from '../../runner/check.ts';
import { StreamStalled } from '../../transfer/attempt.ts';
import { isContainerGone } from './podMachine.ts';

/** How kubectl carries a stream into a pod. It tries WebSocket by itself; SPDY has no limit for a far side that does not read for a minute. */
export type ExecProtocol = 'WebSocket' | 'SPDY';

/** Which of the two is used from here on. */
export interface ExecProtocols {
  /** What kubectl's environment has to hold. */
  environment(): Readonly<Record<string, string>>;
  /** Judges how a stream failed. Where kubectl or what lies between it and the pod is at fault, the other protocol is used from here on, and that is told. */
  judge(failure: unknown): void;
  /** The stream ended well before all of it was sent, which a tidy close of a WebSocket by a proxy looks like. */
  endedEarly(): void;
}

/** What is told of a change of protocol, in the form of a check. */
export const execProtocolCheck: Pick<Check, 'name' | 'claim'> = { name: 'exec-protocol', claim: 'Streams pass through kubectl exec into the pod' };

/** Begins with what kubectl itself prefers. */
export function execProtocols(tell: (finding: Finding) => void): ExecProtocols {
  let protocol: ExecProtocol = 'WebSocket';

  function change(reason: string): void {
    const former = protocol;
    protocol = former === 'WebSocket' ? 'SPDY' : 'WebSocket';
    tell({
      status: 'warn',
      detail: `a stream through kubectl exec over ${former} failed (${reason}); ${protocol} is used from here on, and what failed is sent again`,
      remedy: `Nothing has to be done. Where it repeats, look for a proxy or load balancer between this computer and the API server that cuts long connections`,
    });
  }

  return {
    // https://kubernetes.io/docs/reference/kubectl/kubectl/#environment-variables
    environment: () => (protocol === 'SPDY' ? { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' } : {}),
    judge(failure) {
      if (failure instanceof StreamStalled) change(failure.message);
      else if (failure instanceof CommandFailed && isOfTheWay(failure)) change(failure.failure.reason);
    },
    endedEarly: () => change('it was closed before everything was sent, as if it had come to its end'),
  };
}

/** True where kubectl could not carry the stream; false where the far side ended by itself, or somebody ended kubectl. */
function isOfTheWay(error: CommandFailed): boolean {
  const { exitCode, stderr } = error.failure;
  return exitCode !== null && !stderr.includes('command terminated with exit code') && !isContainerGone(error);
}
