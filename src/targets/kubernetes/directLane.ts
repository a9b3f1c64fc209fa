import type { Readable } from 'node:stream';
import { messageOf } from '../../errors.ts';
import { CommandFailed } from '../../machines/command.ts';
import type { Check, Finding } from '../../runner/check.ts';
import { StreamStalled } from '../../transfer/attempt.ts';
import type { Gate } from '../gate/gate.ts';
import type { TarOffer } from '../gate/gateCall.ts';
import { gateExitCodes, GateFailed } from '../gate/gateFailure.ts';
import { openOfferServer } from './offerServer.ts';

/** The way from this computer to the pod that leaves out the API server: the pod fetches. It is opened when it is first asked for. */
export interface DirectLane {
  /** Offers a tar on it; null where there is no such way, or not any more. */
  offer(tar: Readable): Promise<TarOffer | null>;
  /** True for a failure of the lane itself. It is closed then, which is told, and nothing is offered from here on. */
  judge(failure: unknown): boolean;
  close(): Promise<void>;
}

/** What a lane needs. */
export interface DirectLaneOptions {
  /** False where the configuration does not want one. */
  readonly wanted: boolean;
  readonly reach: Gate['reach'];
  readonly tell: (finding: Finding) => void;
  /** This computer's addresses, as they stand in a URL, the best first. */
  readonly addresses: () => Promise<readonly string[]>;
}

/** What is told of the lane, in the form of a check. */
export const directLaneCheck: Pick<Check, 'name' | 'claim'> = { name: 'direct-lane', claim: 'The pod fetches what is copied from this computer directly' };

interface OpenLane {
  offer(tar: Readable): TarOffer;
  close(): Promise<void>;
}

/** A lane that nothing listens for until something is to be copied. */
export function directLane({ wanted, reach, tell, addresses }: DirectLaneOptions): DirectLane {
  let opening: Promise<OpenLane | null> | undefined;
  let failed = false;

  async function open(): Promise<OpenLane | null> {
    try {
      const own = await addresses();
      const server = await openOfferServer();
      const place = await reach({ pin: server.pin, token: server.greeting }, own.map((address) => `${address}:${server.port}`)).catch(async (error: unknown) => {
        await server.close();
        throw error;
      });
      if (place !== null) {
        tell({ status: 'pass', detail: `the pod fetches from this computer directly (${place}, TLS)` });
        return { offer: (tar) => ({ ...server.offer(tar), place }), close: () => server.close() };
      }
      await server.close();
      tell({ status: 'skip', reason: 'the pod cannot reach this computer, so everything goes through kubectl exec, which is slower' });
    } catch (error) {
      // Whatever is the matter with the gate, the ordinary way meets it again and says so.
      tell({ status: 'skip', reason: `everything goes through kubectl exec: ${messageOf(error)}` });
    }
    return null;
  }

  return {
    async offer(tar) {
      if (!wanted || failed) return null;
      const lane = await (opening ??= open());
      // It may have failed while this one waited for it.
      return failed ? null : (lane?.offer(tar) ?? null);
    },
    judge(failure) {
      const isOfTheLane = failure instanceof StreamStalled || couldNotFetch(failure);
      if (isOfTheLane && !failed) {
        failed = true;
        tell({
          status: 'warn',
          detail: `what the pod fetched from this computer directly broke off (${messageOf(failure)}); kubectl exec is used from here on, and what failed is sent again`,
          remedy: 'Nothing has to be done. Where it repeats, set "direct: false" in target.kubernetes of the configuration',
        });
      }
      return isOfTheLane;
    },
    async close() {
      failed = true;
      const lane = await opening;
      await lane?.close();
    },
  };
}

/** The gate says so by its exit code alone where kubectl lost its words. */
function couldNotFetch(failure: unknown): boolean {
  if (failure instanceof CommandFailed) return failure.failure.exitCode === gateExitCodes.fetch;
  return failure instanceof GateFailed && (failure.reason === 'fetch' || failure.reason === 'tool');
}
